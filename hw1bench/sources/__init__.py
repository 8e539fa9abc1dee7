"""The five reports: every model and experiment of each, in one file a report."""
