"""A pytest session in which the court sits: what it selects, trains, times, draws and prints."""
