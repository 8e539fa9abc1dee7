"""``--budget``: as many rulings as the time allows, and a report that says what the rest costs; where the time went."""

import json
import re

import pytest

from hw1bench import Arm, Function, Model, Optimizer
from hw1bench.court import costs, rulings
from hw1bench.executors import local
from hw1bench.report import contract
from hw1bench.session import budget, summary
from hw1bench.specs import work

ARM = Arm(
    name="net",
    data=Function(name="sinc", points=16),
    model=Model("[3]"),
    loss="mse",
    optimizer=Optimizer(name="adam", lr=1e-2),
    epochs=1,
)
EPOCH = 20.0  # seconds that eight runs take for an epoch, by what is on record
EXHIBIT = """
@pytest.mark.parametrize("exhibit", [experiment("shown", 1)], ids=attrgetter("id"))
def test_exhibit(exhibit, court):
    court.show(exhibit)
"""
TWO_ARMS = """

def both(name):
    arm = TOY.full.arms[0]
    full = replace(TOY.full, arms=(arm, replace(arm, name="other", batch_size=8)))
    pair = replace(TOY, name="pair", full=full, quick=replace(full, looks=(8, 16)))
    return replace(claim(name, "supported", pair), effect=Effect("made", "parts", lambda runs: 1.0))

CLAIMS = ["""


@pytest.fixture
def pace(monkeypatch):
    """A list with the seconds that eight runs really take for an epoch, by a clock that only training moves."""
    from hw1bench.training import engine

    train, seconds, now = engine.train, [EPOCH], [0.0]

    def timed(block, device, advance, library, **options):
        def ticking(steps):
            now[0] += seconds[0] * steps / (8 * block.arm.steps_per_epoch(16))
            advance(steps)

        return train(block, device, ticking, library, **options)

    monkeypatch.setattr(engine, "train", timed)
    monkeypatch.setattr(budget, "monotonic", lambda: now[0])
    monkeypatch.setitem(costs._UNKNOWN, "cpu", EPOCH / (8 * work.of_run(ARM)))
    return seconds


def claims(pytester):
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    contract.check(found)
    return {claim["id"]: claim for claim in found["claims"]}


def judged(result):
    """The ids of what was judged, in that order."""
    return re.findall(r"\[(?:quick|full)-(\S+)\] \S+", result.stdout.str().partition("short test summary")[0])


@pytest.mark.parametrize("tier", [[], ["-m", "gpu", "--device", "cpu"]], ids=["quick", "full"])
def test_the_time_is_spent_by_rulings_an_hour(pytester, project, pace, tier):
    many = (
        "*[claim(f'A-fit-many{n}', 'supported', experiment('many', 30)) for n in range(10)]"  # 10 min, 1 min per claim
    )
    two = "claim('A-fit-two{}', 'supported', experiment('two', 3))"  # 1 min for both
    project(
        f"[claim('A-fit-one', 'supported', experiment('one', 4)), {many}, {two.format(1)}, count('B-count-z', 10),"
        f" {two.format(2)}]",
        EXHIBIT,
    )
    result = pytester.runpytest("claims", "-v", "--budget", "3", *tier)
    many = [f"A-fit-many{n}" for n in range(10)]
    assert judged(result) == ["B-count-z", "A-fit-two1", "A-fit-two2", *many, "A-fit-one", "A-shown"]
    result.assert_outcomes(passed=5, skipped=10, deselected=15)
    found = claims(pytester)
    assert {found[name]["note"] for name in many} == {"no time left in --budget 3: about 10 min 0 s"}
    assert {found[name]["verdict"] for name in found if name not in many} == {"supported"}
    assert list(found)[:2] == ["A-fit-one", "A-fit-many0"]  # the report keeps the order of the file
    result.stdout.fnmatch_lines(["14 claims: 4 supported; 10 not run"])


def test_a_training_that_takes_longer_is_stopped_and_what_is_trained_is_kept(pytester, project, pace):
    folder = project("[both('A-fit-x'), claim('A-fit-y', 'supported', experiment('long', 30))]")
    path = folder / "test_fit.py"
    path.write_text(path.read_text().replace("\nCLAIMS = [", TWO_ARMS))
    pace[0] = 1.5 * EPOCH
    result = pytester.runpytest("claims", "--budget", "2.5")
    result.assert_outcomes(skipped=2, deselected=2)
    found = claims(pytester)
    said = "no time left in --budget 2.5: stopped before its end, about 2 min 0 s in all, what is trained is kept"
    assert found["A-fit-x"]["note"] == said
    assert found["A-fit-y"]["note"] == "no time left in --budget 2.5: about 10 min 0 s"
    assert len(list((pytester.path / "reports" / "blocks").glob("*.npz"))) == 1
    result.stdout.fnmatch_lines(["*figure figures/A-pair-loss.svg is left out: its runs are not complete"])
    again = pytester.runpytest("claims", "-k", "fit-x", "--budget", "2.5")
    again.assert_outcomes(passed=1, deselected=3)  # the other arm takes 90 seconds
    assert (pytester.path / "reports" / "figures" / "A-pair-loss.svg").exists()


@pytest.mark.parametrize(("slower", "x"), [(1.0, "supported"), (3.0, "not run")])
def test_what_is_trained_meanwhile_keeps_to_the_budget_too(pytester, project, pace, monkeypatch, slower, x):
    monkeypatch.setattr(local.LocalTrainer, "beside_a_gpu", lambda self, arm: True)  # as if the device were a GPU
    pace[0] = slower * EPOCH
    project("[claim('A-fit-long', 'supported', experiment('long', 30)), claim('A-fit-x', 'supported')]")
    result = pytester.runpytest("claims", "-v", "--budget", "2")
    assert judged(result) == ["A-fit-x", "A-fit-long"]
    found = claims(pytester)
    assert found["A-fit-long"]["note"] == "no time left in --budget 2: about 10 min 0 s"
    assert found["A-fit-x"]["verdict"] == x
    if x == "not run":  # stopped, by whoever trained it
        assert found["A-fit-x"]["note"].startswith("no time left in --budget 2: ")


def test_a_claim_that_its_first_look_leaves_open_has_no_verdict_yet(pytester, project, pace):
    folder = project("[claim('A-fit-x', 'inconclusive')]")
    pytester.runpytest("claims", "--budget", "1.5", "--record-rulings").assert_outcomes(skipped=1, deselected=1)
    found = claims(pytester)["A-fit-x"]
    said = "open after 8 seeds, no time left in --budget 1.5: about 1 min 0 s"
    assert (found["verdict"], found["note"]) == ("not run", said)
    assert not rulings.load(folder / rulings.FILE)


def test_what_is_stored_is_judged_although_no_time_is_left(pytester, project):
    folder = project("[claim('A-fit-x', 'supported')]")
    pytester.runpytest("claims", "--record-rulings").assert_outcomes(passed=1, deselected=1)
    path = folder / "test_fit.py"
    path.write_text(path.read_text().replace("')]", "'), claim('A-fit-y', 'supported', experiment('new'))]"))
    result = pytester.runpytest("claims", "--budget", "1e-9", "-rs")
    result.assert_outcomes(passed=1, skipped=1, deselected=2)
    result.stdout.fnmatch_lines(["SKIPPED*Not run: no time left in --budget 1e-09: about 0.0 s."])
    strict = pytester.runpytest("claims", "--claims-budget", "1e-9", "--strict-rulings")
    strict.assert_outcomes(passed=1, failed=1, deselected=2)
    assert strict.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0", "--budget 0 is no number of minutes above 0: give one, such as 60"),
        ("soon", "--budget 'soon' is not a number: give minutes, such as 60"),
    ],
)
def test_a_budget_that_is_no_time_ends_the_session_in_one_line(pytester, project, value, said):
    project("[no_such_thing]")  # nothing is collected before
    result = pytester.runpytest("claims", "--budget", value)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.lines == [f"ERROR: {said}", ""]


@pytest.mark.parametrize("plugins", [[], ["-p", "no:benchmark"], ["--benchmark-skip"]], ids=" ".join)
def test_a_session_ends_with_where_its_time_went(pytester, project, monkeypatch, plugins):
    monkeypatch.setattr(summary, "_BRIEF", 0.0)
    monkeypatch.setattr(summary, "_SHOWN", 0.0)
    project("[claim('A-fit-x', 'inconclusive'), claim('A-fit-y', 'supported', experiment('other'))]", EXHIBIT)
    text = pytester.runpytest("claims", *plugins).stdout.str()
    head = r"\n\nTraining and measuring +time +share\n(  A-\w+ +\S+ s +\d+ %\n){3}"
    account = head + r"Figures and report .*\nEverything else .*\nIn all +\S+ s  100 %\n"
    assert re.search(account + r"\n+2 claims: ", text), text
    assert set(re.findall(r"  (A-(?:toy|other|shown)) ", text)) == {"A-toy", "A-other", "A-shown"}


def test_a_session_that_trains_for_seconds_or_not_at_all_does_not_say_where_its_time_went(pytester, project):
    project("[claim('A-fit-x', 'supported'), count('B-count-z', 10)]")
    pytester.runpytest("claims").stdout.no_fnmatch_line("*Training and measuring*")
