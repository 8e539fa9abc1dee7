"""The court: claims, the hearings that judge them, and the verdicts on record."""
