"""Sessions on functions, networks and measurements of one's own."""

import json
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "claims.md").read_text()
SECTION = PAGE.split("\n## Functions, networks and measurements by a function\n")[1].split("\n## ")[0]
(SOURCE,) = re.findall(r"^```python\n(.*?)^```", SECTION, re.M | re.S)
SOURCE = SOURCE.replace("epochs=200", "epochs=3")


@pytest.fixture
def session(pytester, project):
    """A function that runs a session on a whole file of claims. It returns the result, the claims by id and the stored blocks."""

    def run(text=SOURCE, *options):
        folder = pytester.path / "claims"
        folder.mkdir(exist_ok=True)
        (folder / "test_mine.py").write_text(text)
        result = pytester.runpytest("claims", *options)
        path = pytester.path / "reports" / "claims.json"
        claims = json.loads(path.read_text())["claims"] if path.exists() else []
        blocks = {block.name for block in (pytester.path / "reports" / "blocks").glob("*.npz")}
        return result, {claim["id"]: claim for claim in claims}, blocks

    return run


def test_the_example_of_the_docs_is_judged_as_shown_and_stored(session):
    _, claims, blocks = session()
    assert [*claims] == ["mine-norm-steeper", "mine-norm-tests-lower"]
    assert all(claim["verdict"] in ("supported", "refuted", "inconclusive") for claim in claims.values())
    assert claims["mine-norm-steeper"]["dataset"]["name"] == "wave, 60 random points on [-1, 1]"
    assert claims["mine-norm-steeper"]["figure"] == "figures/mine-waves-losses.svg"
    assert len(blocks) % 4 == 0  # two arms and a measurement of each, at every look
    _, again, same = session()
    assert same == blocks
    assert all(claim["reused"] for claim in again.values())


CHANGES = {  # what is changed, and how many blocks of the first look are new
    "the function, and its values": ("0.3 * np.sin", "0.2 * np.sin", 4),
    "the function, but not its values": ("return np.sin(3 * x) + ", "return 1 * np.sin(3 * x) + ", 0),
    "a version": ("Network(make)", "Network(make, version=2 if make is normed else 1)", 2),
    "a module": ("nn.BatchNorm1d(16)", "nn.BatchNorm1d(16, momentum=0.2)", 2),
    "the measurement": ("slope.abs().max()", "slope.abs().mean()", 2),
    "its version": ('gives="slope"', 'gives="slope", version=2', 2),
}


def test_what_changed_is_trained_and_measured_again_and_nothing_else(session):
    _, _, before = session(SOURCE, "--max-seeds", "8")
    for old, new, expected in CHANGES.values():
        assert old in SOURCE
        _, _, after = session(SOURCE.replace(old, new), "--max-seeds", "8")
        assert len(after - before) == expected, (old, new)
        before = after


FAULTS = {
    "a function that raises": ("return np.sin(3 * x)", "return np.sin(3 * y)", "Function 'wave' of raises NameError: name 'y'"),
    "its shape": ("return np.sin(3 * x) +", "return 1 or", "Function 'wave' of gives shape () for points (60,): give one number"),
    "NaN": ("0.3 * np.sin(9 * x)", "np.sqrt(x)", "Function 'wave' of gives nan at "),
    "no parameters": ("nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)", "nn.Tanh()", "Network 'plain' make gives a module with"),
    "outputs": ("nn.Tanh(), nn.Linear(16, 1)", "nn.Tanh(), nn.Linear(16, 2)", "arm 'plain': network 'plain' has 2 outputs for 1"),
    "no module": ("Network(make)", "Network(lambda: make, name='n')", "Network 'n' make gives <function plain"),
    "no name": ("Network(make)", "Network(lambda: make())", "Network make is <function <*, which has no name: give name="),
    "a measurement's arguments": (
        "(network, data, generator)",
        "(network)",
        "the function of measure is <function steepness *>: give a function of a network, its data and a generator",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), FAULTS.values(), ids=FAULTS)
def test_mistakes_are_one_line_at_collection(session, pytester, old, new, said):
    assert old in SOURCE
    result, _, _ = session(SOURCE.replace(old, new), "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"claims[/]test_mine.py:*: {said}*"])
    assert not (pytester.path / "reports").exists()


LATER = {
    "an array that is not given": (
        'runs["plain"].result(steepness)["slope"]',
        'runs["plain"].result(steepness)["slopes"]',
        "claim mine-norm-steeper: its effect cannot be computed * there is no 'slopes'; *steepness of plain: slope*",
    ),
    "an effect that raises": ('history("test_loss", -1)', 'history("test_lost", -1)', "*has no history 'test_lost': it has *"),
    "an effect without a number": (
        "compute=lambda runs: runs",
        "compute=lambda runs: [runs] and None and runs",
        "*it gives None: return a number, above 0 if *",
    ),
    "what cannot be measured": (
        "measures=[steepness]",
        "measures=[steepness, MinimalRatio()]",
        "experiment mine-waves: MinimalRatio of arm 'plain' needs its gradient norm*",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), LATER.values(), ids=LATER)
def test_mistakes_in_an_effect_or_a_measurement_are_one_line_before_anything_trains(session, pytester, old, new, said):
    assert old in SOURCE
    text = SOURCE.replace(old, new).replace("Function, Network", "Function, MinimalRatio, Network")
    result, _, _ = session(text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert not (pytester.path / "reports").exists()
