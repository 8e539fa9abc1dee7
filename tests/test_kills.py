"""Sessions that are killed or interrupted at any moment, or share their files: what they leave is whole, and the next session
goes on from it to the same results."""

import json
import random
import shutil
import time
from signal import SIGINT, SIGKILL, SIGTERM

import pytest

import forked
from hw1bench.court import rulings
from hw1bench.records.store import Store
from hw1bench.report import contract, reading
from hw1bench.support import files

KILLS = 20
INTERRUPTIONS = 8
# Claims that are decided at the first look, at the last, or never, on runs, on what is measured of them, and on values; runs of
# classifiers are kept one by one.
JUDGED = """
import numpy as np

from hw1bench import Table, Values, measure
from hw1bench.effects import lower_loss
from hw1bench.records import unfinished

unfinished.HELD_SECONDS = -1.0


@measure(gives="length")
def length(network, data, generator):
    return {"length": sum(float(part.detach().abs().sum()) for part in network.parameters())}


def raced(name, epochs, measures=()):
    toy = experiment(name, epochs)
    rates = {"net": 1e-2, "slow": 1e-3, "near": 1.01e-2}
    arms = tuple(
        replace(toy.full.arms[0], name=arm, optimizer=Optimizer(name="adam", lr=lr)) for arm, lr in rates.items()
    )
    quick = replace(toy.quick, arms=arms, measures=measures)
    return replace(toy, full=replace(quick, looks=toy.full.looks), quick=quick)


SHORT, LONG, MEASURED = raced("short", EPOCHS), raced("long", EPOCHS + 1), raced("measured", EPOCHS + 2, (length,))
CLASSES = Arm(
    name="net",
    data=Table(np.eye(4).repeat(50, 0), np.arange(4).repeat(50), name="corners"),
    model=Model("4-8-4"),
    loss="cross_entropy",
    optimizer=Optimizer(name="adam", lr=1e-2),
    batch_size=5,
    epochs=20,
)
LEARNING = replace(SHORT, name="learning", figures=())
LEARNING = replace(LEARNING, full=replace(SHORT.full, arms=(CLASSES,)), quick=replace(SHORT.quick, arms=(CLASSES,)))
LEARNT = Effect("learnt", "", lambda runs: float(runs["net"].history("train_accuracy", -1)) - 0.2, ("net",))
GROWN = Effect("grown", "", lambda runs: float(runs["net"].result(length)["length"]) - 2.0, ("net",))
VALUES = Values(lambda seed: seed - 7.5, name="seeds beyond the middle", looks=(8, 16))


def raced_claim(name, experiment, effect):
    return Claim(name, report="A", where="1-1", says="It is so.", experiment=experiment, effect=effect)


CLAIMS = [
    raced_claim("A-fit-faster", SHORT, lower_loss("net", than="slow")),
    raced_claim("A-fit-slower", LONG, lower_loss("slow", than="net")),
    raced_claim("A-fit-nearly", LONG, lower_loss("near", than="net")),
    raced_claim("A-fit-length", MEASURED, GROWN),
    raced_claim("A-fit-learning", LEARNING, LEARNT),
    Claim("A-fit-values", report="A", where="1-1", says="It is so.", effect=VALUES),
]
"""
EPOCHS = 5_000  # which take a block some 30 ms
SESSION = ("claims", "--record-rulings", "-p", "no:hypothesispytest", "-p", "no:benchmark")


@pytest.fixture
def judged(project, pytester):
    """The folder of a project of claims on runs, on measurements and on values."""
    path = project("[]") / "test_fit.py"
    path.write_text(path.read_text().replace("CLAIMS = []\n", JUDGED.replace("EPOCHS", str(EPOCHS))))
    return pytester.path


def results(folder):
    """What a session has left in ``folder``, without times: verdicts, rulings, and every stored number."""
    document, _ = reading.read(folder / "reports")
    claims = [{**claim, "seconds": 0, "reused": False, "judged": "", "outcome": ""} for claim in document["claims"]]
    recorded = [{**vars(ruling), "seconds": 0} for ruling in rulings.load(folder / "claims" / rulings.FILE).values()]
    store, blocks = Store(folder / "reports" / "blocks"), {}
    for path in sorted(store.folder.iterdir(), key=lambda path: (len(path.name), path)):
        if not path.exists():  # a run, which a killed session had no time to remove: its block has been read
            continue
        record = store.get(path.stem)
        assert record is not None, path
        blocks[path.name] = record.facts, {name: array.tobytes() for name, array in record.arrays.items()}
    return (
        claims,
        sorted(recorded, key=lambda one: one["claim"]),
        [figure["path"] for figure in document["figures"]],
        blocks,
    )


def remove_results(folder):
    shutil.rmtree(folder / "reports", ignore_errors=True)
    (folder / "claims" / rulings.FILE).unlink(missing_ok=True)


def undisturbed(folder, *arguments):
    """What a session leaves that nothing disturbs, and the seconds of a processor that it takes."""
    forked.begin(folder, *SESSION, *arguments, "--collect-only").ended()  # writes the caches of the files' code
    session, took = forked.begin(folder, *SESSION, *arguments), 0.0
    while (spent := session.spent) is not None:
        took = spent
        time.sleep(0.01)
    assert session.ended() == 0, session.said
    found = results(folder)
    remove_results(folder)
    return found, took


def moments(number, within):
    """So many random moments, spread over ``within`` seconds, in random order."""
    found = [(place + random.random()) / number * within for place in range(number)]
    random.shuffle(found)
    return found


def test_sessions_killed_at_random_moments_lose_nothing_and_come_to_equal_results(judged):
    expected, took = undisturbed(judged)
    assert len(expected[0]) == 6
    assert len(expected[-1]) == 18
    begun = []
    for number, moment in enumerate(moments(KILLS, took)):
        session = forked.begin(judged, *SESSION)
        session.run(moment)
        session.send(SIGKILL)
        print(f"killed after {moment:.2f} of {took:.2f} s")
        begun.append(session.ended())
        rulings.load(judged / "claims" / rulings.FILE)  # whole, or not there yet
        if (judged / "reports" / reading.NAME).exists():
            contract.check(json.loads((judged / "reports" / reading.NAME).read_text()))
        if number % 5 == 4:
            session = forked.begin(judged, *SESSION)
            assert session.ended() == 0, session.said
            assert "damaged" not in session.said
            assert results(judged) == expected
            assert not [*judged.rglob("*.tmp")]
            remove_results(judged)
    assert begun.count(-SIGKILL) > KILLS / 2


def test_sessions_interrupted_at_random_moments_leave_a_whole_report(judged):
    expected, took = undisturbed(judged)
    words = {claim["id"]: claim["verdict"] for claim in expected[0]}
    statuses = []
    for number, moment in enumerate(moments(INTERRUPTIONS, took)):
        session = forked.begin(judged, *SESSION)
        session.run(moment)
        session.send(SIGTERM if number % 2 else SIGINT)
        if number % 4 > 1:
            time.sleep(random.random() / 10)
            session.send(SIGINT)
        statuses.append(session.ended())
        report = judged / "reports" / reading.NAME
        if statuses[-1] == 2 and "claims" in session.said:
            assert report.exists(), session.said
        if report.exists():
            document, _ = reading.read(report)
            found = {claim["id"]: claim["verdict"] for claim in document["claims"]}
            assert found.keys() == words.keys()
            assert all(word in ("not run", words[name]) for name, word in found.items()), session.said
            assert (report.parent / "index.html").exists()
        assert not [*judged.rglob("*.tmp")]
        remove_results(judged)
    assert statuses.count(2) > INTERRUPTIONS / 3, statuses


def test_sessions_at_once_on_one_store_one_report_and_one_rulings_file_disturb_nobody(judged):
    expected, took = undisturbed(judged)
    for killed in (False, True):
        sessions = [forked.begin(judged, *SESSION, output=judged / f"{number}.log") for number in range(2)]
        if killed:
            sessions[-1].run(took / 2)
            sessions.pop().send(SIGKILL)
        for session in sessions:
            assert session.ended() == 0, session.said
            assert "ERROR" not in session.said
        assert results(judged) == expected
        remove_results(judged)


def test_what_a_killed_writer_left_beside_the_report_its_figures_and_the_rulings_is_removed(judged):
    for path in ("reports/claims.json", "reports/figures/A-short-curves.svg", "claims/rulings.json"):
        (judged / path).parent.mkdir(parents=True, exist_ok=True)
        place = judged / path
        place.with_name(f".{place.name}{files._HERE}0.tmp").touch()  # not locked, as of who is killed
    assert len([*judged.rglob("*.tmp")]) == 3
    session = forked.begin(judged, *SESSION)
    assert session.ended() == 0, session.said
    assert not [*judged.rglob("*.tmp")]


# Two signals in the place that an environment variable names.
STRUCK = """
import os
import signal

import pytest

pytest_plugins = ["pytest_hw1bench"]


def strike(place, nodeid="length"):
    if os.environ["STRUCK"] == place and "length" in nodeid:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)


def pytest_runtest_setup(item):
    strike("setup", item.nodeid)


def pytest_runtest_logreport(report):
    strike(f"report of {report.when}", report.nodeid)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop():
    yield
    strike("end of the loop")
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    strike("finish")


def pytest_unconfigure():
    strike("unconfigure")
"""
PLACES = {  # where the signals come -> the claims that are judged by then, and the exit status
    "setup": (3, pytest.ExitCode.INTERRUPTED),
    "report of call": (4, pytest.ExitCode.INTERRUPTED),
    "end of the loop": (6, pytest.ExitCode.INTERRUPTED),
    "finish": (6, pytest.ExitCode.OK),
    "unconfigure": (6, pytest.ExitCode.OK),
}


def test_two_signals_at_once_between_tests_and_after_them_leave_a_whole_report(judged, pytester, monkeypatch):
    expected, _ = undisturbed(judged)
    words = [claim["verdict"] for claim in expected[0]]
    pytester.makeconftest(STRUCK)
    for place, (reached, status) in PLACES.items():
        monkeypatch.setenv("STRUCK", place)
        session = forked.begin(judged, *SESSION)
        assert (place, session.ended()) == (place, status), session.said
        assert "Traceback" not in session.said
        document, _ = reading.read(judged / "reports")
        found = [claim["verdict"] for claim in document["claims"]]
        assert (place, found) == (place, words[:reached] + ["not run"] * (6 - reached))
        remove_results(judged)
