"""The five reports: the models and experiments of each report, in one file per report."""
