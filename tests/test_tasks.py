"""What tests would train, as tasks of a cluster, with the seconds that the record gives their blocks."""

from dataclasses import replace

import pytest
import torch

from hw1bench import CrossReportFigure, Images, JacobianNorm, Model, Optimizer
from hw1bench.court import costs
from hw1bench.court.schedule import Node
from hw1bench.data import BUILT_IN
from hw1bench.effects import Effect, lower_loss
from hw1bench.measures import taking
from hw1bench.records.runs import Block
from hw1bench.session.outlook import Outlook
from hw1bench.session.tasks import Tasks, Times, bytes_of_block, reported, threads_decide
from hw1bench.specs.experiment import Network
from hw1bench.training import engine
from made_court import BASIS, PAIR
from made_record import DENSE, book, case, experiment, ruled

CPU = torch.device("cpu")
FIT, IMAGES = (
    case(),
    case("T-y", of=experiment("images", DENSE)),
)  # each compares the arms a and b; looks at 8, 16 and 32
WIDE = replace(DENSE, model=Model("784-2000-10"))
DIGITS = replace(DENSE, data=Images(name="digits", size=8), model=Model("64-5-10"), epochs=2, batch_size=500)
TIMED = [ruled(FIT, seconds=6.0), ruled(IMAGES, seconds=60.0)]


def outlook(*subjects, tier="full"):
    found = Outlook(tier)
    for one in subjects:
        found.add(one, "fit")
    return found


def known(*record, cases=(FIT, IMAGES)):
    return Times(costs.timed(cases, book(*record)))


def tasks(*cases, nodes=None, shown=(), record=TIMED):
    times, nodes = known(*record, cases=[FIT, IMAGES, *cases]), nodes or [Node(4)]
    return Tasks(outlook(*(one.claim for one in cases), *shown), [FIT, IMAGES, *cases], times, nodes).claims


def part(of):
    (found,) = outlook(of.claim).parts.values()
    return found


def test_a_claims_looks_have_the_blocks_of_its_arms_that_they_add():
    (looks,) = tasks(FIT)
    assert [[task.name for task in look] for look in looks] == [
        ["T-x, a, seeds 0-7", "T-x, b, seeds 0-7"],
        ["T-x, a, seeds 8-15", "T-x, b, seeds 8-15"],
        [f"T-x, {arm}, seeds {seeds}" for seeds in ("16-23", "24-31") for arm in "ab"],
    ]


def test_claims_share_blocks_and_what_is_only_shown_comes_last_and_looks_once():
    first, second, shown = tasks(
        FIT, case("T-z", lower_loss("b", than="c")), shown=[FIT.claim.experiment, IMAGES.claim.experiment]
    )[:3]
    assert first[0][1] is second[0][0]
    assert [len(look) for look in shown] == [3]
    assert shown[0][:2] == first[0]
    figure = CrossReportFigure(topic="t", title="", kind="loss", experiments=(FIT.claim.experiment,))
    assert [[task.name[:6] for task in look] for looks in tasks(shown=[figure]) for look in looks] == [
        ["T-x, a", "T-x, b", "T-x, c"]
    ]


def test_measurements_read_the_blocks_of_their_group():
    full = replace(PAIR.full, arms=tuple(replace(arm, epochs=4) for arm in PAIR.full.arms))
    pair = case("T-p", Effect("apart", "", lambda runs: 1.0, ("a", "b")), of=replace(PAIR, full=full, quick=None))
    (looks,) = tasks(pair)
    a, b, both = looks[0]
    assert (both.name, both.after, both.seconds) == ("T-path, a, seeds 0-7, paths", (a, b), 0)
    single = experiment("measured", DENSE)
    single = replace(single, full=replace(single.full, measures=(JacobianNorm(),)))
    (looks,) = tasks(case("T-m", of=single))
    assert [task.after for task in looks[0]] == [(), (), *((task,) for task in looks[0][:2])]
    assert {task.bytes for task in looks[0][2:]} == {8 * 8}  # a number per run


def test_a_block_takes_the_seconds_of_one_cpu():
    """On a machine of two threads two runs trained side by side; of 16, no more than the eight of a block."""
    (looks,) = tasks(FIT)
    assert looks[0][0].seconds == pytest.approx(6.0)  # two blocks in 6 s on two threads
    many = ruled(FIT, seconds=6.0, environment={"device": "cpu", "threads": 16})
    assert known(many).block(part(FIT), BASIS, "cpu") == (pytest.approx(24.0), "itself")


def test_functions_train_on_cpus_beside_a_gpu_and_small_nets_take_a_quarter_of_it():
    gpu = ruled(IMAGES, seconds=5.0, environment={"device": "H100", "threads": 16})
    (fit, images) = tasks(FIT, IMAGES, nodes=[Node(4, 1)], record=[TIMED[0], gpu])
    assert [(task.quarters, task.seconds) for task in fit[0]] == [(0, pytest.approx(6.0))] * 2
    assert [(task.quarters, task.seconds) for task in images[0]] == [(1, pytest.approx(2.5))] * 2
    (wide,) = tasks(case("T-w", of=experiment("wide", WIDE)), nodes=[Node(4, 1)])
    assert {task.quarters for task in wide[0]} == {4}
    assert {task.quarters for task in tasks(IMAGES)[0][0]} == {0}


def test_times_are_of_the_experiment_or_of_the_nearest_kind_or_a_constant():
    times = known(*TIMED)
    alike, near = experiment("alike", replace(DENSE, epochs=8)), experiment("near", replace(DENSE, batch_size=1))
    found = [times.block(part(one), one.claim.experiment.full.arms[0], "cpu") for one in (IMAGES, case(of=alike))]
    assert found == [(pytest.approx(60.0), "itself"), (pytest.approx(120.0, rel=0.1), "kind")]
    assert times.block(part(case(of=near)), near.full.arms[0], "cpu").by == "near kind"
    assert times.block(part(IMAGES), DENSE, "GPU").by == "constant"


def entry(of, **changed):
    plain = {"id": of.claim.id, "seeds": 8, "seconds": 3.0, "experiment": of.claim.key("full")}
    return {**plain, "environment": {"device": "cpu", "threads": 4}, **changed}


def test_a_report_tells_times_as_the_record_does():
    found = reported({"tier": "full", "claims": [entry(FIT), entry(IMAGES, seconds=30.0)]}, [FIT, IMAGES])
    assert found == costs.timed(
        [FIT, IMAGES],
        book(
            *(
                ruled(one, seconds=seconds, environment={"device": "cpu", "threads": 4})
                for one, seconds in ((FIT, 3.0), (IMAGES, 30.0))
            )
        ),
    )


@pytest.mark.parametrize(
    "changed",
    [{"id": "T-gone"}, {"seeds": None}, {"seconds": 0.0}, {"environment": None}, {"experiment": "another"}],
)
def test_entries_that_tell_no_time_of_the_claims_are_left_out(changed):
    assert reported({"tier": "full", "claims": [entry(FIT, **changed)]}, [FIT]) == []


def test_without_a_time_on_record_nothing_is_told():
    with pytest.raises(ValueError, match=r"^nobody knows how long .* --record-rulings, or give --times a report$"):
        known(ruled(FIT, seconds=None))


@pytest.mark.parametrize(
    "arm",
    [
        BASIS,
        replace(BASIS, gradient_norm="step", coast=True, snapshots=1),
        replace(BASIS, precision="float64"),
        DIGITS,
        replace(DIGITS, gradient_norm="last batch", snapshots="epoch"),
    ],
)
def test_the_bytes_of_a_block_are_those_of_its_record(arm, monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    record = engine.train(Block("T", "x", arm, 0), CPU)
    for block in (Block("T", "x", arm, 0), Block("T", "x", arm, 0, weights=False)):
        kept = block.kept(record).arrays
        assert bytes_of_block(block) == sum(kept[name].nbytes for name in kept)


def test_the_bytes_of_a_measurement_are_those_of_its_record():
    arm = replace(DIGITS, name="a")
    of = replace(experiment("measured", DIGITS), quick=None)
    of = replace(of, full=replace(of.full, measures=(JacobianNorm(),)))
    (looks,) = tasks(case("T-m", of=of))
    block = Block("T", "measured", arm, 0)
    record = taking.take(JacobianNorm(), [(block, engine.train(block, CPU))], BUILT_IN.of(arm), CPU)
    assert looks[0][2].bytes == sum(record.arrays[name].nbytes for name in record.arrays)


def test_data_sets_are_shared_and_functions_have_none():
    (images,) = tasks(IMAGES)
    assert {task.data.bytes for task in images[0]} == {60_000 * (784 * 4 + 8)}
    assert len({task.data for look in images for task in look}) == 1
    assert {task.data for task in tasks(FIT)[0][0]} == {None}


@pytest.mark.parametrize(
    ("arm", "decide"),
    [
        (BASIS, False),
        (DENSE, False),
        (replace(BASIS, optimizer=Optimizer(name="sgd", lr=0.1, momentum=0.9)), True),
        (replace(DENSE, optimizer=Optimizer(name="adagrad", lr=1), model=Model("784-9-10")), True),
        (
            replace(DENSE, optimizer=Optimizer(name="adagrad", lr=1), model=Model("784-99-10")),
            False,
        ),  # one thread a run
        (replace(BASIS, model=Network(lambda: torch.nn.Linear(1, 1), name="line")), False),
    ],
)
def test_blocks_that_torch_stacks_take_the_threads_of_the_driver(arm, decide, monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    assert threads_decide(arm) == decide == (engine.backend(arm, CPU) == "eager")
    (looks,) = tasks(case("T-t", of=experiment("t", arm)), nodes=[Node(3), Node(9)])
    assert {task.threads for task in looks[0]} == {3 if decide else None}
