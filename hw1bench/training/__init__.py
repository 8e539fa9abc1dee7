"""Training of blocks into records. ``engine`` is the only entry; ``streams.seed_for`` seeds every random number."""
