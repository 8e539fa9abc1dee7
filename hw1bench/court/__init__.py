"""The court: claims, the hearings that judge them, and the verdicts on record. ``judge_values`` is its rule by itself."""

from hw1bench.court.verdict import judge_values

__all__ = ["judge_values"]
