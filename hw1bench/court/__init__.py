"""The court: claims, how they are heard and judged, and the verdicts on record."""
