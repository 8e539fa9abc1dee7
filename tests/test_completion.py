"""Putting on record what is not: the loop with a made-up runner, and the command with sessions of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import hw1bench
from hw1bench import Model
from hw1bench.__main__ import main
from hw1bench.court import rulings
from hw1bench.court.docket import Case
from hw1bench.effects import CountIs
from hw1bench.session.budget import Budget
from hw1bench.session.collected import Collected
from hw1bench.session.completion import Completion, Options
from hw1bench.specs.pack import Pack
from made_record import DENSE, case, experiment, ruled
from test_agenda import EXACT, OPEN

ROOT = Path(hw1bench.__file__).parents[1]
COUNT = case("T-count", CountIs(Model("[3]"), 10))
FIT, OTHER, IMAGES = (
    case("T-fit"),
    case("T-other", of=experiment("other")),
    case("T-images", of=experiment("i", replace(DENSE, epochs=400))),
)


class Made:
    """A runner whose sessions put on record what ``words`` says at each look of a claim, in a moment."""

    def __init__(self, folder, cases, words, act=lambda runner: 0):
        self.signals = []
        self.asked = []
        self.limits = []
        self.folder = folder
        self._cases = {one.claim.id: one for one in cases}
        self._words = words
        self._act = act

    def run(self, arguments, output, seconds):
        tests = arguments[arguments.index("--") + 1 :]
        (look,) = [int(text.partition("=")[2]) for text in arguments if text.startswith("--claims-max-seeds")] or [None]
        self.asked.append((*tests, look))
        self.limits.append(seconds)
        status = self._act(self)
        path = next(iter(self._cases.values())).rulings
        known = rulings.load(path)
        for name in tests:
            changed = self._words.get((name, look), self._words.get(name, {}))
            if changed is not None and not (status > 1 and len(tests) > 1):
                one = ruled(self._cases[name], **(EXACT if name == COUNT.claim.id else {}), **changed)
                known[one.place] = one
        rulings.save(path, known.values())
        return status


@pytest.fixture
def made(tmp_path):
    """Completes the record of cases with a made-up runner: (exit status, lines said, runner)."""

    def complete(cases, words=None, act=lambda runner: 0, **options):
        here = [Case(one.claim, one.topic, tmp_path / "rulings.json") for one in cases]
        runner, said = Made(tmp_path, here, words or {}, act), []
        found = Collected(here, {}, Pack(), {one.claim.id: one.claim.id for one in here})
        given = Options(**{"report_dir": tmp_path / "report", **options})
        status = Completion(found, given, runner, said.append).complete()
        return status, "\n".join(said).splitlines(), runner

    return complete


def test_units_are_judged_in_order_and_undecided_claims_at_further_looks(made):
    words = {("T-fit", 8): OPEN, ("T-fit", 16): {**OPEN, "seeds": 16}, ("T-fit", 32): {**OPEN, "seeds": 32}}
    status, said, runner = made([IMAGES, FIT, COUNT], words)
    assert runner.asked == [("T-count", "T-fit", 8), ("T-fit", 16), ("T-fit", 32), ("T-images", 8)]
    output = f"what the sessions print is in {runner.folder / 'report' / 'pytest.log'}"
    assert [line for line in said if line == output] == said[:1]  # once, at the start
    assert (status, runner.limits) == (0, [None] * 4)
    assert said[-2] == "3 of 3 claims are on record: 2 supported, 1 inconclusive."
    assert re.fullmatch(
        r"next: exact counts, T-x at 8 seeds: 2 claims, about 0.0 s; left after it: 1 claim, about .*", said[1]
    )
    assert re.match(r"  took ", said[2])
    assert said[3:5] == ["    supported: T-count", "    inconclusive: T-fit 4/8"]
    assert said[-4:-3] == ["  took 0.0 s"]
    assert "nothing is left after it" in said[-5]


def test_with_nothing_left_it_says_so_and_runs_nothing(made):
    made([FIT, COUNT])
    status, said, runner = made([FIT, COUNT])
    assert (status, runner.asked) == (0, [])
    assert said[:2] == [
        "nothing is left to do: every claim has a ruling, and no planned look could change one",
        "2 of 2 claims are on record: 2 supported.",
    ]


def test_a_unit_without_a_ruling_is_named_with_the_reason_and_not_tried_again(made):
    status, said, runner = made([OTHER, FIT, COUNT], {"T-fit": None}, lambda runner: 1)
    assert len(runner.asked) == 1
    assert status == 1
    log = runner.folder / "report" / "pytest.log"
    assert said[-4:-2] == ["no ruling:", f"  T-fit: see {log}"]
    assert f"    no ruling: T-fit: see {log}" in said
    assert said[-2] == "2 of 3 claims are on record: 2 supported."


def test_a_session_that_fails_is_repeated_with_a_unit_each(made):
    status, said, runner = made([FIT, OTHER], {"T-fit": None}, lambda runner: 4)
    assert sorted(map(len, runner.asked)) == [2, 2, 3]  # each unit, and its look
    assert status == 1
    why = f"pytest ended with exit status 4, see {runner.folder / 'report' / 'pytest.log'}"
    assert [line.partition(": ")[2] for line in said if line.startswith("    no ruling")] == [
        f"T-fit, T-other: {why}; each unit is tried again by itself",
        f"T-fit: {why}",
    ]
    assert [line for line in said if line.startswith("  T-")] == [f"  T-fit: {why}"]


def test_a_claim_that_changes_meanwhile_is_named(made):
    _, said, _ = made([FIT], {"T-fit": {"experiment": "changed"}})
    assert "  T-fit: its experiment or effect has changed since this run began: start again" in said


def test_what_does_not_fit_into_the_budget_is_not_run_and_has_its_cost(made):
    status, said, runner = made([IMAGES, FIT], budget=Budget(0.01))
    assert status == 0
    assert runner.asked == [("T-fit", 8)]
    assert 0 < runner.limits[0] <= 0.6
    assert said[-4] == "not run (no time is left for them):"
    assert re.fullmatch(r"  T-i at 8 seeds: 1 claim, about .*[1-9].*", said[-3])
    assert said[-2] == "1 of 2 claims is on record: 1 supported."


def test_a_unit_that_the_budget_cuts_off_did_not_fail(made):
    def late(runner):
        time.sleep(0.02)
        return 2

    status, said, _ = made([FIT, OTHER], {"T-other": None, "T-fit": None}, late, budget=Budget(0.0003))
    assert status == 0
    assert said[3] == (
        "    no ruling: T-fit, T-other: the time is up, no new record: run it again, and it goes on from what is there"
    )
    assert [line.partition(":")[0] for line in said[5:7]] == ["  T-x at 8 seeds", "  T-other at 8 seeds"]
    assert "no ruling:" not in said


def test_a_signal_ends_it_after_the_session_in_hand(made):
    status, said, runner = made(
        [FIT, IMAGES], {"T-fit": None}, lambda runner: runner.signals.append(signal.SIGTERM) or 2
    )
    assert len(runner.asked) == 1
    assert status == 128 + signal.SIGTERM
    assert "not run (interrupted by SIGTERM):" in said
    assert sum(line.startswith("  T-") for line in said) == 2


@pytest.mark.parametrize(("records", "kept"), [(1, "1 new record is kept"), (3, "3 new records are kept")])
def test_a_unit_that_a_signal_cuts_short_says_how_many_records_are_kept(made, tmp_path, records, kept):
    folder = tmp_path / "report" / "blocks"
    folder.mkdir(parents=True)
    (folder / "earlier.npz").touch()

    def interrupted(runner):
        for number in range(records):
            (folder / f"{number}.npz").touch()
        runner.signals.append(signal.SIGINT)
        return 2

    _, said, _ = made([FIT], {"T-fit": None}, interrupted)
    assert said[3] == (
        f"    no ruling: T-fit: interrupted by SIGINT, {kept}: run it again, and it goes on from what is there"
    )


def test_a_claim_that_failed_before_a_signal_is_named_with_its_reason(made):
    status, said, runner = made([FIT], {"T-fit": None}, lambda runner: runner.signals.append(signal.SIGTERM) or 1)
    assert status == 128 + signal.SIGTERM
    assert f"  T-fit: see {runner.folder / 'report' / 'pytest.log'}" in said


def test_a_claim_that_no_test_judges_is_named(tmp_path):
    here = Case(FIT.claim, FIT.topic, tmp_path / "rulings.json")
    runner, said = Made(tmp_path, [here], {}), []
    found = Collected([here], {}, Pack(), {})
    assert Completion(found, Options(report_dir=tmp_path), runner, said.append).complete() == 1
    assert "  T-fit: no test judges it in the full tier" in said
    assert runner.asked == []


@pytest.mark.parametrize(
    ("given", "there", "device"),
    [
        ([], True, "GPU"),
        ([], False, "cpu"),
        (["--device", "auto"], True, "GPU"),
        (["--device", "auto"], False, "cpu"),
        (["--device", "cpu"], True, "cpu"),
        (["--device", "cuda"], True, "GPU"),
    ],
)
def test_it_trains_on_cuda_if_there_is_a_device_or_as_told(tmp_path, monkeypatch, given, there, device):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hw1bench.session.child.cuda", lambda: there)
    monkeypatch.setattr("hw1bench.session.collected.collected", lambda paths: Collected([], {}, Pack(), {}))
    found = []
    monkeypatch.setattr(Completion, "complete", lambda self: found.append(self._options.device) or 0)
    assert main(["record", "--run", *given]) == 0
    assert found == [device]


@pytest.mark.parametrize(
    ("given", "precision"),
    [([], "default"), (["--precision", "strict"], "strict"), (["--precision=default"], "default")],
)
def test_sessions_compute_in_the_precision_told(tmp_path, monkeypatch, given, precision):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hw1bench.session.child.cuda", lambda: True)
    monkeypatch.setattr("hw1bench.session.collected.collected", lambda paths: Collected([], {}, Pack(), {}))
    found = []
    monkeypatch.setattr(Completion, "complete", lambda self: found.extend(self._options.arguments(["t"], None)) or 0)
    assert main(["record", "--run", *given]) == 0
    assert f"--claims-precision={precision}" in found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--run", "--budget", "0"], "--budget 0 is no number of minutes above 0: give one, such as 60"),
        (["--run", "--budget", "-5"], "--budget -5 is no number of minutes above 0"),
        (["--run", "--budget", "nan"], "--budget nan is no number of minutes above 0"),
        (["--run", "--budget", "1h"], "--budget '1h' is not a number: give minutes, such as 60"),
        (["--budget", "5"], "--budget is for judging claims: give --run too"),
        (["--report-dir", "x"], "--report-dir is for judging claims"),
        (["--precision", "strict"], "--precision is for judging claims: give --run too"),
        (["--run", "--data-dir", "nowhere"], "--data-dir nowhere is not a directory"),
        (["--run", "--markdown", "page.md"], "--markdown writes the record as it is"),
        (["--run", "nowhere"], "nowhere does not exist"),
    ],
)
def test_what_cannot_be_run_gets_one_line(capsys, arguments, said):
    assert main(["record", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1


# The command. "endless" would train for hours; "toy" takes a moment.

ENDLESS = "claim('A-fit-y', 'supported', experiment('endless', 10_000_000))"


def start(folder, *arguments):
    environment = {"CXX": "false", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    environment |= {"PYTHONPATH": str(ROOT)}
    # A shell's background jobs, and the processes that they start, ignore SIGINT. At the lowest priority a session may starve
    # while other tests run.
    handling = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from hw1bench.session import child; child.lowest_priority = lambda: None; "
        "from hw1bench.__main__ import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", handling, "record", "claims", "--run", "--device", "cpu", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def children(pid):
    return [int(found) for found in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def in_training(folder, process):
    """The process that trains "endless", once the ruling on "toy" is on record."""
    book = folder / "claims" / "rulings.json"
    for _ in range(600):
        if book.exists():
            time.sleep(0.5)  # well into the second claim's training
            (child,) = children(process.pid)
            return child
        time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[0])


def gone(pid):
    """Whether the process ends in a while."""
    for _ in range(300):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@linux
def test_kill_loses_no_ruling_and_a_signal_ends_the_next_run_in_good_order(pytester, project):
    folder = project(f"[claim('A-fit-x', 'supported'), {ENDLESS}]")
    process = start(pytester.path)
    child = in_training(pytester.path, process)
    assert os.getpgid(child) == child
    for pid in (process.pid, child):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    assert gone(child)
    assert [ruling.claim for ruling in rulings.load(folder / "rulings.json").values()] == ["A-fit-x"]
    assert len(list((pytester.path / "reports" / "record" / "blocks").glob("*.npz"))) == 1
    process = start(pytester.path)
    assert process.stdout.readline() == "what the sessions print is in reports/record/pytest.log\n"
    first = process.stdout.readline()
    assert re.fullmatch(r"next: A-endless at 8 seeds: 1 claim, about .*; nothing is left after it\n", first)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 128 + signal.SIGINT, output
    assert "stopping in good order: a second signal ends it at once\n  took " in output
    assert "    no ruling: A-fit-y: interrupted by SIGINT, no new record: run it again" in output
    assert "\nnot run (interrupted by SIGINT):\n  A-endless at 8 seeds: 1 claim, about " in output
    assert "1 of 2 claims is on record: 1 supported.\n" in output
    assert "Traceback" not in output


@linux
def test_a_session_ends_in_good_order_with_the_run_that_started_it(pytester, project):
    project(f"[claim('A-fit-x', 'supported'), {ENDLESS}]")
    process = start(pytester.path)
    child = in_training(pytester.path, process)
    process.kill()
    process.communicate()
    assert gone(child)
    found = json.loads((pytester.path / "reports" / "record" / "claims.json").read_text())
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "not run"]


def test_the_budget_ends_it_in_good_order(pytester, project):
    project(f"[{ENDLESS}]")
    process = start(pytester.path, "--budget", "0.05")
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert re.search(
        r"no ruling: A-fit-y: the time is up, no new record: .*\n"
        r"not run \(no time is left for them\):\n  A-endless at 8 seeds: 1 claim, about .*\n0 of 1",
        output,
    )


def test_what_fails_is_named_and_the_rest_is_put_on_record(pytester, project, command, forked_children):
    folder = project("[claim('A-fit-y', 'error'), claim('A-fit-x', 'supported'), count('B-count-z', 11)]")
    found = command(pytester.path, "record", "claims", "--run", "--device", "cpu")
    output = found.stdout
    assert found.returncode == 1, output
    assert "    refuted, absent: B-count-z\n    supported: A-fit-x 8/8\n    no ruling: A-fit-y: error, " in output
    assert "\nno ruling:\n  A-fit-y: error, ZeroDivisionError: nothing to divide\n2 of 3 claims are on record" in output
    assert len(rulings.load(folder / "rulings.json")) == 2
    assert "ZeroDivisionError" in (pytester.path / "reports" / "record" / "pytest.log").read_text()
