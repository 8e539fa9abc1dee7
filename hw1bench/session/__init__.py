"""A pytest session of the court: what it selects, trains, times, draws and prints."""
