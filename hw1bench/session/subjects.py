"""What a test of the court judges, as pytest knows it: the values that the test is parametrized by."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hw1bench.court.claim import Claim
from hw1bench.specs.experiment import CrossReportFigure, Experiment
from hw1bench.support.checks import shown


def params(item: pytest.Item) -> dict[str, Any]:
    """The parameters of a test that the court judges, among them "tier" and "claim" or "exhibit"; {} for any other test."""
    callspec = getattr(item, "callspec", None)
    found: dict[str, Any] = callspec.params if callspec else {}
    judged = isinstance(found.get("claim"), Claim) or isinstance(found.get("exhibit"), Experiment | CrossReportFigure)
    return found if judged and "tier" in found and "court" in getattr(item, "fixturenames", ()) else {}


def claims(mark: pytest.Mark) -> Iterator[Claim]:
    """The claims among the values of a parametrize mark, however it is written.

    Raises ValueError, in one line, for a value in the place of a claim that is none.
    """
    given = dict(zip(("argnames", "argvalues"), mark.args, strict=False)) | dict(mark.kwargs)
    written = given.get("argnames", "")
    names = [name.strip() for name in written.split(",")] if isinstance(written, str) else list(written)
    rows = given.get("argvalues")
    if "claim" not in names:
        return
    if isinstance(rows, Claim):
        raise ValueError(f"the values of 'claim' are {shown(rows)}: give a list of claims")
    if isinstance(rows, list | tuple):  # a generator is left for pytest to consume
        for row in rows:
            values = getattr(row, "values", None) if isinstance(row, type(pytest.param())) else None
            bare = isinstance(written, str) and len(names) == 1  # of a list of one name, each row is a sequence
            parts = values if values is not None else (row,) if bare else row
            if isinstance(parts, Sequence) and len(parts) == len(names):  # otherwise pytest refuses it
                claim = parts[names.index("claim")]
                if not isinstance(claim, Claim):
                    raise ValueError(f"a value of 'claim' is {shown(claim)}: give a Claim")
                yield claim


def topic(path: Path) -> str:
    """The topic of the claims in a file: the file's name without ``test_`` and ``.py``, unless nothing is left."""
    name = path.stem.removeprefix("test_")
    return name if name.strip() else path.stem
