"""The engine: blocks in, records out. `engine.train` is the one way in; `streams.seed_for` names every random number."""
