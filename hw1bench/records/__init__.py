"""What training and measuring leave behind: its form, and its place on disk."""
