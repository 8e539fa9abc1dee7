"""Measurements that a file of claims defines: a class, the function that takes it, and an effect that asks for its result."""

import json

import pytest

OWN = """
from dataclasses import dataclass, replace

import numpy as np

from hw1bench import Measurement, Protocol, takes

SCALE = 1.0


@dataclass(frozen=True, kw_only=True)
class WeightNorm(Measurement):
    \"\"\"``norm (runs,)``: the norm of order ``order`` of the weights.\"\"\"

    order: int = 2

    def arrays(self, *arms):
        return {"norm": ()}


@takes(WeightNorm)
def weight_norm(spec, trained, dataset, device, progress):
    [(block, record)] = trained
    return {"norm": SCALE * np.linalg.norm(record.arrays["weights"], spec.order, axis=1)}


@dataclass(frozen=True, kw_only=True)
class Apart(Measurement):
    \"\"\"``distance (runs,)``: from the weights of arm ``first`` to those of ``second``.\"\"\"

    first: str
    second: str

    @property
    def together(self):
        return self.first, self.second

    def arrays(self, first, second):
        return {"distance": ()}


@takes(Apart)
def apart(spec, trained, dataset, device, progress):
    first, second = (record.arrays["weights"] for _, record in trained)
    return {"distance": np.linalg.norm(first - second, axis=1)}


NETS = [replace(TOY.quick.arms[0], name=name, independent=True) for name in ("a", "b")]
BOTH = Protocol(arms=NETS, looks=(8,), measures=(WeightNorm(order=1), WeightNorm(), Apart(first="a", second="b")))
EXPERIMENT = replace(TOY, name="own", full=BOTH, quick=BOTH, figures=())


def norm(runs):
    return float(runs["b"].result(WeightNorm(), "b")["norm"] / np.linalg.norm(runs["b"].arrays["weights"]))


def distance(runs):
    weights = [runs[name].arrays["weights"] for name in ("a", "b")]
    return float(runs["b"].result(Apart, "a", "b")["distance"] / np.linalg.norm(weights[0] - weights[1]))


CLAIMS = [
    Claim("A-fit-norm", report="A", where="", says="It.", experiment=EXPERIMENT, effect=Effect("norm", "", norm, ("b",))),
    Claim("A-fit-apart", report="A", where="", says="It.", experiment=EXPERIMENT, effect=Effect("far", "", distance)),
]
"""


@pytest.fixture
def session(project, pytester):
    """A function that runs a session on a file of claims, and returns its result and the claims by the end of their ids."""

    def run(text=OWN):
        project(f"[]\n{text}")
        result = pytester.runpytest("claims")
        path = pytester.path / "reports" / "claims.json"
        found = json.loads(path.read_text())["claims"] if path.exists() else []
        return result, {claim["id"].removeprefix("A-fit-"): claim for claim in found}

    return run


def test_a_users_own_measurement_gives_what_its_function_returns(session, pytester):
    result, claims = session()
    result.assert_outcomes(passed=2)
    for claim in claims.values():
        assert (claim["verdict"], claim["seeds"], claim["reused"]) == ("supported", 8, False)
        assert claim["effect"]["median"] == pytest.approx(1)
    blocks = set((pytester.path / "reports" / "blocks").glob("*.npz"))
    assert len(blocks) == 2 + 2 * 2 + 1  # two arms, two norms of each, the distance between them
    _, again = session(OWN.replace("def apart(", "# a comment\n\ndef apart("))
    assert all(claim["reused"] for claim in again.values())
    assert set((pytester.path / "reports" / "blocks").glob("*.npz")) == blocks


CHANGES = {  # what is changed, how often it is measured anew, and the new norm
    "what its function reads": ("SCALE = 1.0", "SCALE = 3.0", 4, 3),
    "its function": ("SCALE * np", "2 * SCALE * np", 4, 2),
    "its class": ('return {"norm": ()}', 'return {"norm": tuple()}', 4, 1),
    "another's function": ("first - second, axis=1", "second - first, axis=1", 1, 1),
}


@pytest.mark.parametrize(("old", "new", "taken", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_measurement_whose_source_changed_is_taken_again_without_training(
    session, pytester, old, new, taken, expected
):
    session()
    before = set((pytester.path / "reports" / "blocks").glob("*.npz"))
    _, claims = session(OWN.replace(old, new))
    assert claims["norm"]["effect"]["median"] == pytest.approx(expected)
    assert claims["norm"]["reused"] == (taken == 1)
    assert not claims["apart"]["reused"]  # it looks at both arms
    assert len(set((pytester.path / "reports" / "blocks").glob("*.npz")) - before) == taken


FAULTS = {
    "nothing takes it": (
        OWN.replace("@takes(Apart)\n", ""),
        "experiment A-own: nothing takes Apart: register a function that does with @takes(Apart)",
    ),
    "it needs what the arm lacks": (
        OWN.replace("    order: int = 2\n", '    order: int = 2\n    reads = ("gradient_norm",)\n'),
        "experiment A-own: WeightNorm of arm 'a' needs its gradient norm: record it with gradient_norm",
    ),
    "its array misspelt": (
        OWN.replace(')["distance"]', ')["distances"]'),
        "claim A-fit-apart: its effect cannot be computed * there is no 'distances'; * Apart of a and b: distance",
    ),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS)
def test_faults_of_a_measurement_end_the_session_before_anything_trains(session, pytester, text, said):
    result, _ = session(text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}*"])
    assert not (pytester.path / "reports").exists()


def test_arrays_that_the_class_of_a_measurement_does_not_name_are_an_error(session):
    _, claims = session(OWN.replace('return {"norm": SCALE', 'return {"length": SCALE'))
    assert claims["norm"]["verdict"] == "error"
    assert "what was taken of WeightNorm is not what its arrays say: it lacks norm" in claims["norm"]["note"]
