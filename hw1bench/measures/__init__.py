"""Measures: functions of a trained run. They know nothing of claims."""
