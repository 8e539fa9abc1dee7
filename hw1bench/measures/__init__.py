"""Measures: functions of a trained run. They know nothing about claims."""
