"""The trainer on a cluster, with a link to processes that are made up: what it sends, what it does with what comes, and that a
record is the one that this machine would make."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("ray")

from cases import ARM
from hw1bench import Claim, Experiment, Function, Images, Model, Network, Table, measure
from hw1bench.court.abouts import about
from hw1bench.court.hearing import Court
from hw1bench.data import Library
from hw1bench.effects import Effect, loss_below
from hw1bench.executors import packing, worker
from hw1bench.executors.cluster import ClusterTrainer, LostWork
from hw1bench.executors.link import Lost
from hw1bench.executors.local import LocalTrainer
from hw1bench.executors.packing import Made, Order
from hw1bench.records.runs import Block, Measured
from hw1bench.records.store import Store
from hw1bench.session.clerk import Clerk
from hw1bench.specs.experiment import Protocol
from hw1bench.specs.measurement import JacobianNorm
from hw1bench.support.progress import Silent
from made_cluster import TWO, Processes, Said


@pytest.fixture(autouse=True)
def node(monkeypatch):
    monkeypatch.setattr(worker, "_node", lambda: "one")


@pytest.fixture
def join():
    def join(link=None, device="cpu", said=None):
        library = Library()
        here = LocalTrainer("cpu", Silent(), library)
        trainer = ClusterTrainer(link or Processes(), here, device, library, said or Silent())
        trainer.keep = kept.__setitem__
        return trainer

    kept = {}
    return join


def sine(x):
    return np.sin(3 * x)


def net():
    return torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


@measure(gives={"norms": (2,)})
def norms(network, data, generator):
    found = [float(weight.detach().norm()) for weight in network.parameters()]
    return {"norms": [min(found), max(found)]}


X = np.linspace(0.0, 1.0, 30)[:, None]
ARMS = {
    "by the kernel": ARM,
    "a function and a network of one's own": replace(ARM, data=Function(of=sine, points=20), model=Network(net)),
    "a table, some of it held out": replace(
        ARM, data=Table(X, np.cos(X[:, 0]), name="table"), model=Model("1-4-1"), validation=6
    ),
    "images": replace(
        ARM, data=Images(name="digits", size=8), model=Model("64-3-10"), loss="cross_entropy", batch_size=500, epochs=2
    ),
}
MEASURES = {"a function and a network of one's own": [norms], "images": [JacobianNorm()]}


def made(trainer, *work, known=None):
    found = {}
    trainer.make(work, known or {}, found.__setitem__)
    return found


@pytest.mark.parametrize("name", ARMS)
def test_records_and_their_names_are_those_of_this_machine(join, name):
    block = Block("T", "x", ARMS[name], 0)
    work = [block, *(Measured(measurement, (block,)) for measurement in MEASURES.get(name, []))]
    there, here = made(join(), *work), made(LocalTrainer("cpu", Silent()), *work)
    assert set(there) == set(work)
    for of in work:
        assert there[of].name == here[of].name
        assert there[of].facts == here[of].facts
        for array, values in here[of].arrays.items():
            np.testing.assert_array_equal(there[of].arrays[array], values)


def test_a_measurement_takes_blocks_that_are_made_with_it_made_before_or_stored(join):
    link = Processes(patient=True)
    trainer = join(link)
    blocks = [Block("T", "x", replace(ARMS["a function and a network of one's own"], name=name), 0) for name in "abc"]
    work = [Measured(norms, (block,)) for block in blocks]
    link.patient = False
    stored = made(LocalTrainer("cpu", Silent()), blocks[0])
    before = made(trainer, blocks[1])
    found = made(trainer, work[0], work[1], blocks[2], work[2], known=stored | before)
    assert set(found) == {*work, blocks[2]}
    alone = made(LocalTrainer("cpu", Silent()), *blocks, *work)
    for one in work:
        np.testing.assert_array_equal(found[one].arrays["norms"], alone[one].arrays["norms"])


def test_a_data_set_is_sent_once_and_the_memory_of_the_cluster_is_given_back(join):
    link = Processes()
    trainer = join(link)
    table = Table(np.random.default_rng(0).normal(size=(20_000, 1)), np.arange(20_000.0), name="long")
    arm = replace(ARM, data=table, model=Model("1-2-1"), batch_size=20_000, epochs=1)
    blocks = [Block("T", "x", replace(arm, name=name), 0) for name in "abc"]
    made(trainer, *blocks)
    assert len(link.words("put")) == 1
    assert max(len(arguments[0]) for _, _, arguments, *_ in link.words("order")) < 10_000
    assert len(link.objects) == 1  # the set


def test_blocks_get_processors_by_their_work_and_the_longest_is_submitted_first(join):
    def shares(processors, *epochs):
        link = Processes([("one", "host", {"CPU": processors})], patient=True)
        trainer = join(link)
        blocks = [Block("T", "x", replace(ARM, name=f"{place}", epochs=one), 0) for place, one in enumerate(epochs)]
        trainer.expect(blocks, {})
        trainer.submit()
        names = [packing.loads(arguments[0], ARM.data).of.arm.name for _, _, arguments, *_ in link.words("order")]
        return list(zip(map(int, names), [order[3] for order in link.words("order")], strict=True))

    assert shares(2.0, 50, 50, 50) == [(0, 1), (1, 1), (2, 1)]
    assert shares(16.0, 50, 50, 50, 50) == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert shares(4.0, 100, 300) == [(1, 3), (0, 1)]
    assert shares(64.0, 50) == [(0, 8)]


def test_of_unlike_machines_both_are_named_and_stored_records_of_each_are_found(join, tmp_path):
    trainer = join(Processes(unlike=("two",)))
    here = LocalTrainer("cpu", Silent()).environment
    assert trainer.environment == {
        **here,
        "isa": " / ".join(sorted([here["isa"], "another"])),
        "threads": " / ".join(sorted([str(here["threads"]), "64"])),
    }
    block = Block("T", "x", ARM, 0)
    first, second = trainer.keys(block, {})
    assert second == f"{first} elsewhere"
    record = made(trainer, block)[block]
    store = Store(tmp_path)
    store.put(second, replace(record, name=second), about(block))
    experiment = Experiment(report="T", name="x", full=Protocol(arms=(ARM,), looks=(8,)), quick=None)
    claim = Claim("T-x", report="T", where="1", says="Low.", experiment=experiment, effect=loss_below(1e9, ARM.name))
    judged = Court("full", store, trainer).hear(claim)
    assert (judged.verdict.word, judged.reused) == ("supported", True)


def test_like_machines_are_stated_as_this_one(join):
    trainer = join()
    assert trainer.environment == LocalTrainer("cpu", Silent()).environment
    assert len(trainer.keys(Block("T", "x", ARM, 0), {})) == 1


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_without_the_cluster_the_work_is_done_here_and_one_line_says_so(join, moment):
    said, link = Said(), Processes(patient=True)
    trainer = join(link, said=said)
    blocks = [Block("T", "x", replace(ARM, name=name), 0) for name in "ab"]
    if moment == "before":
        link.heard("lost", "the head is gone")
    else:
        advance = said.advance

        def lose(steps, label=""):
            advance(steps, label)
            if link.orders:
                link.let(1)
                link.orders.clear()
                link.heard("lost", "the head is gone")

        said.advance = lose
    found = made(trainer, *blocks)
    alone = made(LocalTrainer("cpu", Silent()), *blocks)
    assert {of: record.name for of, record in found.items()} == {of: record.name for of, record in alone.items()}
    assert said.lines == ["the Ray cluster is lost (the head is gone): the session goes on on this machine"]


def test_a_link_that_breaks_while_something_is_sent_is_a_lost_cluster_too(join):
    link = Processes()
    trainer = join(link)

    def broken(*_):
        raise Lost("broken pipe")

    link.send = broken
    block = Block("T", "x", ARM, 0)
    assert made(trainer, block)[block].name == LocalTrainer("cpu", Silent()).keys(block, {})[0]


def test_what_was_lost_each_time_is_an_error_for_whoever_needs_it_and_is_not_tried_again(join):
    link = Processes(patient=True)
    trainer = join(link)
    bad, good = (Block("T", "x", replace(ARM, name=name), 0) for name in ("bad", "good"))
    trainer.expect([bad, good], {})
    trainer.submit()
    number, *_ = link.orders.pop(0)
    link.objects[number] = None
    link.heard("failed", number, "WorkerCrashedError: it died")
    link.let()
    for _ in range(2):
        with pytest.raises(LostWork, match=r"T-x, bad, seeds 0-7 was lost each time \(WorkerCrashedError: it died\)"):
            made(trainer, bad)
    assert set(made(trainer, good)) == {good}
    assert len(link.words("order")) == 2


def test_an_error_of_the_work_itself_is_raised_as_it_is_with_the_place(join):
    @measure(gives="nothing")
    def nothing(network, data, generator):
        return {"nothing": {}["missing"]}

    block = Block("T", "x", ARM, 0)
    with pytest.raises(KeyError, match="missing") as raised:
        made(join(), block, Measured(nothing, (block,)))
    assert "on node one of the cluster:" in raised.value.__notes__[0]


class Own(Exception):
    """An error that cannot be made again from what it says."""

    def __init__(self, first, second):
        super().__init__(first)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (lambda: Own("first", "second"), "Own: first"),
        (lambda: SystemExit(3), r"the process was to end, by sys[.]exit\(3\)"),
    ],
    ids=["cannot be sent", "exit"],
)
def test_an_error_that_cannot_be_sent_is_told_with_its_place_too(join, raised, told):
    @measure(gives="nothing")
    def nothing(network, data, generator):
        raise raised()

    block = Block("T", "x", ARM, 0)
    with pytest.raises(RuntimeError, match=told) as found:
        made(join(), block, Measured(nothing, (block,)))
    assert "on node one of the cluster:" in found.value.__notes__[0]
    assert ("in nothing" in found.value.__notes__[0]) == (told == "Own: first")


def test_what_cannot_be_sent_is_told_before_anything_trains(join):
    lock = threading.Lock()

    def locked(x):
        with lock:
            return x

    block = Block("T", "x", replace(ARM, data=Function(of=locked, points=20)), 0)
    with pytest.raises(
        ValueError, match=r"T-x, arm, seeds 0-7 cannot be sent to a cluster \(TypeError: .*: let its func"
    ):
        join().check([block])
    join().check([Block("T", "x", arm, 0) for arm in ARMS.values()])


@pytest.mark.parametrize(
    ("nodes", "device", "line"),
    [
        ([("one", "host", {"memory": 1.0})], "cpu", "no processors"),
        (TWO, "cuda", "no node of the cluster has a GPU: give --device cpu"),
    ],
)
def test_a_cluster_that_cannot_do_it_is_refused(join, nodes, device, line):
    with pytest.raises(ValueError, match=line):
        join(Processes(nodes), device)


def test_a_machine_with_other_code_is_refused_when_joined_and_when_it_comes_later(join, monkeypatch):
    link = Processes()
    trainer = join(link)
    block = Block("T", "x", ARM, 0)
    call = link.call

    def other(function, arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(packing, "sources", lambda: "other")
            return call(function, arguments)

    link.call = other
    with pytest.raises(RuntimeError, match="node one of the cluster trains with other code: install the same hw1bench"):
        made(trainer, block)
    late = Processes()
    call = late.call
    late.call = lambda *given: other(*given)
    with pytest.raises(ValueError, match=r"node first[.]host of the cluster trains with other code than this machine"):
        join(late)


def test_the_display_counts_what_runs_waits_and_is_done(join):
    said, link = Said(), Processes(patient=True)
    trainer = join(link, said=said)
    blocks = [Block("T", "x", replace(ARM, name=name), 0) for name in "abc"]
    trainer.expect(blocks, {})
    trainer.submit()
    link.let(1)
    link.heard("begun", [link.orders[0][0]])
    advance = said.advance

    def finish(steps, label=""):
        advance(steps, label)
        link.let()

    said.advance = finish
    made(trainer, *blocks)
    assert said.labels[0] == ("1 running, 1 waiting, 1 done", 2)
    assert said.labels[-1][0] == "0 running, 0 waiting, 3 done"


def test_the_clerk_has_a_next_look_made_while_nobody_waits(join, tmp_path):
    link = Processes(patient=True)
    trainer = join(link)
    coin = Effect("coin", "", lambda runs: (-1.0) ** runs["net"].seed, ("net",))
    arms = [replace(ARM, name=name) for name in ("net", "other")]
    experiment = Experiment(report="T", name="x", full=Protocol(arms=tuple(arms), looks=(8, 16)), quick=None)
    claims = [
        Claim("T-low", report="T", where="1", says="Low.", experiment=experiment, effect=loss_below(1e9, "other")),
        Claim("T-coin", report="T", where="1", says="Even.", experiment=experiment, effect=coin),
    ]
    court = Court("full", Store(tmp_path), trainer)
    trainer.keep = court.keep
    clerk = Clerk(court, trainer, claims)

    def orders(count):
        end = time.monotonic() + 60
        while len(link.words("order")) < count:
            assert time.monotonic() < end
            time.sleep(0.01)
        found = [packing.loads(arguments[0], ARM.data) for _, _, arguments, *_ in link.words("order")]
        assert all(isinstance(one, Order) for one in found)
        return [(one.of.arm.name, one.of.first_seed) for one in found]

    assert orders(2) == [("other", 0), ("net", 0)]  # the first look of each claim
    link.let()
    assert orders(3) == [("other", 0), ("net", 0), ("net", 8)]  # the next look of the one that is open
    link.let()
    court.prepared = clerk.made
    judged = [court.hear(claim) for claim in claims]
    clerk.end()
    assert [one.verdict.word for one in judged] == ["supported", "inconclusive"]
    assert [one.reused for one in judged] == [False, True]
    assert len(link.words("order")) == 3
    assert len(list(tmp_path.glob("*.npz"))) == 3


def test_made_is_whole_after_the_way():
    record = made(LocalTrainer("cpu", Silent()), Block("T", "x", ARM, 0))[Block("T", "x", ARM, 0)]
    again = packing.loads(packing.dumps(Made(record, None, "kind", "node"))).record
    assert (again.name, again.seconds, again.facts) == (record.name, record.seconds, record.facts)
    for name, array in record.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
        assert not again.arrays[name].flags.writeable
