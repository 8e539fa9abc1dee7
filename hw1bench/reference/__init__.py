"""The page of reference of all public names, written from the code: ``python -m hw1bench.reference docs/reference.md``."""
