"""The selection of full-tier claims that CI judges."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import hw1bench
from hw1bench import Model
from hw1bench.effects import CountIs, lower_loss
from made_court import BASIS
from made_record import DENSE, book, case, experiment, ruled

ROOT = Path(hw1bench.__file__).parents[1]
SCRIPT = ROOT / ".ci" / "cheapest.py"
specification = importlib.util.spec_from_file_location("cheapest", SCRIPT)
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)

FIRST, SECOND, THIRD = (experiment(name, replace(BASIS, epochs=8)) for name in ("first", "second", "third"))
DEAR, CHEAP = case("T-dear", of=FIRST), case("T-cheap", lower_loss("b", than="c"), FIRST)
OTHER, LAST = case("T-other", of=SECOND), case("T-last", of=THIRD)
IMAGES, COUNT, NONE = (
    case("T-images", of=experiment("images", DENSE)),
    case("T-count", CountIs(Model("[3]"), 10)),
    case(),
)
CASES = [DEAR, CHEAP, LAST, OTHER, IMAGES, COUNT, NONE]
BOOK = book(
    *(ruled(one, seconds=seconds) for one, seconds in ((DEAR, 4.0), (CHEAP, 2.0), (OTHER, 5.0), (LAST, 30.0))),
    ruled(IMAGES, seconds=0.1),
    ruled(COUNT, seconds=None),
)


def test_the_cheapest_claim_of_each_experiment_on_functions_is_taken_until_the_seconds_are_spent():
    assert module.cheapest(CASES, BOOK, 100) == ["T-cheap", "T-other", "T-last"]
    assert module.cheapest(CASES, BOOK, 36.9) == ["T-cheap", "T-other"]
    assert module.cheapest(CASES, BOOK, 1) == []


def test_a_ruling_on_another_experiment_counts_for_nothing():
    stale = book(ruled(CHEAP, seconds=1.0, experiment="another"), ruled(DEAR, seconds=4.0))
    assert module.cheapest(CASES, stale, 100) == ["T-dear"]


def test_ci_judges_at_least_a_dozen_claims():
    given = (ROOT / ".ci" / "run").read_text().partition("cheapest.py ")[2].split(")")[0]
    command = [sys.executable, str(SCRIPT), given]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found = done.stdout.strip().split(" or ")
    assert len(found) >= 12
    assert all(name.startswith("full-") and name.endswith("]") for name in found)


def test_no_claim_is_never_the_whole_tier(collected_claims, monkeypatch):
    monkeypatch.setattr(module, "collected", lambda paths: collected_claims)
    with pytest.raises(SystemExit, match="no claim on record without a data set takes 0 s or less: allow more"):
        module.main("0")
