"""A session on a cluster, simulated: against closed forms, a naive twin that goes second by second, and the bounds of any list
schedule."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench.court.schedule import Data, Node, Task
from hw1bench.court.simulation import by_number, by_work, simulate

PLENTY = [Node(8, 1)] * 200


def tasks(*seconds, **more):
    return [Task(f"task {number}", one, **more) for number, one in enumerate(seconds)]


@st.composite
def sessions(draw, **fields):
    """Claims with up to three looks, of tasks that they share: a task belongs to the same look of each."""
    pool = []
    for look in range(3):
        blocks = [
            Task(f"block {look}.{number}", seconds, **{name: draw(one) for name, one in fields.items()})
            for number, seconds in enumerate(draw(st.lists(st.integers(1, 9), min_size=1, max_size=5)))
        ]
        some = st.lists(st.sampled_from(blocks), min_size=1, max_size=3, unique=True)
        measured = [Task(f"measured {look}", 1, after=tuple(draw(some))) for _ in range(draw(st.integers(0, 2)))]
        pool.append([*blocks, *measured])
    claims = []
    for _ in range(draw(st.integers(1, 4))):
        looks = pool[: draw(st.integers(1, 3))]
        claims.append([draw(st.lists(st.sampled_from(one), min_size=1, max_size=4, unique=True)) for one in looks])
    return claims


def whole(look):
    """A look's tasks, after those that they read."""
    return list(dict.fromkeys(one for task in look for one in (*task.after, task)))


def second_by_second(claims, nodes):
    """The naive twin: the end of each task, if each takes one CPU or its threads, and whole seconds."""
    submitted, ends, on, now = [], {}, {}, 0
    while True:
        done = {task for task, end in ends.items() if end <= now}
        for looks in claims:
            for look in looks:
                submitted += [task for task in whole(look) if task not in submitted]
                if not done.issuperset(whole(look)):
                    break
        if done.issuperset(submitted):
            return ends
        for task in submitted:
            if task not in ends and done.issuperset(task.after):
                cpus = task.threads or 1
                for number, node in enumerate(nodes):
                    busy = sum(other.threads or 1 for other in ends if on[other] == number and ends[other] > now)
                    if busy + cpus <= node.cpus:
                        ends[task], on[task] = now + task.seconds // cpus, number
                        break
        now += 1


SMALL = st.lists(st.builds(Node, st.just(1)), min_size=1, max_size=4)


@settings(max_examples=50)
@given(sessions(), SMALL)
def test_it_is_the_schedule_of_the_twin_that_goes_second_by_second(claims, nodes):
    found = simulate(claims, nodes, overhead=0)
    assert {task: one.end for task, one in found.placed.items()} == second_by_second(claims, nodes)


@settings(max_examples=30)
@given(sessions(threads=st.integers(1, 2)), st.lists(st.builds(Node, st.integers(2, 5)), min_size=1, max_size=3))
def test_tasks_of_several_threads_are_scheduled_as_by_the_twin(claims, nodes):
    for look in (look for looks in claims for look in looks):
        for task in whole(look):
            object.__setattr__(task, "threads", task.threads or 1)
            object.__setattr__(task, "seconds", 2 * math.ceil(task.seconds / 2))  # whole seconds on one and on two
    found = simulate(claims, nodes, overhead=0)
    assert {task: one.end for task, one in found.placed.items()} == second_by_second(claims, nodes)


@given(sessions(), st.floats(0, 2))
def test_one_cpu_takes_the_sum(claims, overhead):
    needed = {task for looks in claims for look in looks for task in whole(look)}
    found = simulate(claims, [Node(1)], overhead=overhead)
    assert found.seconds == pytest.approx(sum(task.seconds + overhead for task in needed))
    assert found.cpus_used == pytest.approx(1)
    assert found.sent == 0


@given(sessions(), st.floats(0, 2))
def test_machines_without_end_take_the_longest_chain(claims, overhead):
    """Looks of a claim one after the other, and in each look the slowest task with what it reads, on eight CPUs a task."""
    found = simulate(claims, PLENTY, overhead=overhead)
    assert found.seconds == pytest.approx(found.chain.seconds)
    assert {one.cpus for one in found.placed.values()} == {8}
    end = {}
    for _ in range(3):  # by then the ends of three looks have settled

        def opened(task):
            starts = []
            for looks in claims:
                before = 0.0
                for look in looks:
                    if task in whole(look):
                        starts.append(before)
                    before = max(before, *(end.get(one, math.inf) for one in whole(look)))
            return min(starts)

        for task in (one for looks in claims for look in looks for one in whole(look)):
            start = max([opened(task), *(end.get(one, math.inf) for one in task.after)])
            end[task] = start + task.seconds / 8 + overhead
    assert found.seconds == pytest.approx(max(end.values()))


SHARES = st.sampled_from((by_number, by_work))


@given(sessions(), st.lists(st.builds(Node, st.integers(1, 20)), min_size=1, max_size=4), SHARES, st.floats(0, 2))
def test_no_schedule_beats_the_work_or_the_chain_or_takes_more_cpus_than_there_are(claims, nodes, share, overhead):
    found = simulate(claims, nodes, share, overhead)
    assert found.cpus_used <= 1 + 1e-9
    assert found.chained <= 1 + 1e-9
    assert sum(one.end - one.begin for one in map(found.placed.get, found.chain.tasks)) == pytest.approx(
        found.chain.seconds
    )
    for one in found.placed.values():
        beside = [two for two in found.placed.values() if two.node == one.node and two.begin <= one.begin < two.end]
        assert sum(two.cpus for two in beside) <= nodes[one.node].cpus
    for task, one in found.placed.items():
        assert all(found.placed[before].end <= one.begin for before in task.after)
    for looks in claims:
        for before, after in pairwise(looks):
            ends = max(found.placed[task].end for task in whole(before))
            others = [whole(look) for other in claims if other is not looks for look in other]
            for task in whole(after):
                assert found.placed[task].begin >= ends or any(task in look for look in others)


@given(sessions(), st.integers(1, 6), st.floats(0, 2))
def test_it_takes_no_longer_than_the_bound_of_graham(claims, cpus, overhead):
    """R. L. Graham, Bounds on multiprocessing timing anomalies, SIAM J. Appl. Math. 17, 1969: with m processors, no more than
    work / m and the chain's (1 - 1 / m)."""
    found = simulate(claims, [Node(1)] * cpus, overhead=overhead)
    assert found.seconds <= (found.cpu_seconds / cpus + (1 - 1 / cpus) * found.chain.seconds) * (1 + 1e-9)


@given(sessions(), st.lists(st.builds(Node, st.integers(8, 20)), min_size=1, max_size=4), SHARES)
def test_tasks_of_up_to_eight_cpus_have_a_bound_of_the_same_kind(claims, nodes, share):
    """While a task waits that takes k CPUs, fewer than k are idle on each node."""
    found = simulate(claims, nodes, share)
    busy = sum(node.cpus - 7 for node in nodes)
    assert found.seconds <= (found.cpu_seconds / busy + found.chain.seconds) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("waiting", "nodes", "cpus"),
    [
        (1, [Node(1)], 1),
        (1, [Node(2)], 2),
        (1, [Node(64)], 8),  # a block has eight runs
        (8, [Node(64)], 8),
        (9, [Node(64)], 7),
        (65, [Node(64)], 1),
        (1, [Node(2), Node(2)], 2),  # a task runs on one node
        (3, [Node(4), Node(2)], 2),
    ],
)
def test_a_task_gets_more_cpus_if_there_are_more_than_tasks(waiting, nodes, cpus):
    found = simulate([[tasks(*[1.0] * waiting)]], nodes)
    assert {one.cpus for one in found.placed.values()} == {cpus}


@pytest.mark.parametrize(
    ("seconds", "nodes", "cpus"),
    [
        ([30.0, 10.0], [Node(4)], [3, 1]),
        ([31.0, 9.0], [Node(4)], [4, 1]),  # no less than its share
        ([99.0, 1.0], [Node(64)], [8, 1]),
        ([99.0, 1.0], [Node(2), Node(2)], [2, 1]),
        ([0.0, 0.0], [Node(4)], [1, 1]),
        ([1.0] * 8, [Node(4)], [1] * 8),
    ],
)
def test_by_work_the_longest_tasks_get_the_most_cpus(seconds, nodes, cpus):
    placed = simulate([[tasks(*seconds)]], nodes, by_work).placed
    assert [placed[task].cpus for task in sorted(placed, key=lambda task: int(task.name.split()[1]))] == cpus


def test_only_tasks_that_wait_for_cpus_count():
    """Of the second look when it comes, not of the first, which is done, or of a GPU's."""
    (last,) = tasks(8.0)
    found = simulate([[tasks(*[1.0] * 8), [last]], [tasks(90.0, 90.0, quarters=4)]], [Node(8, 1)], overhead=0)
    assert found.placed[last].cpus == 8


def test_closed_forms():
    assert simulate([[tasks(8.0)]], [Node(16)], overhead=0.5).seconds == 1.5
    assert simulate([[tasks(*[3.0] * 10)]], [Node(4)], overhead=0).seconds == 9  # three rounds
    assert (
        simulate([[tasks(*[3.0] * 4), tasks(8.0)]], [Node(4)], overhead=0).seconds == 3 + 8 / 4
    )  # the second look alone
    assert simulate([], [Node(1)]).seconds == 0


def test_looks_that_others_brought_about_are_passed_over():
    first, second, third = tasks(4.0, 4.0, 4.0)
    found = simulate([[[first], [second]], [[second], [third]]], [Node(1)] * 2, overhead=0)
    assert found.seconds == 8  # the first claim is ruled, and the second's next look begins, at 4
    assert [task.name for task in found.chain.tasks] == ["task 1", "task 2"]


def test_a_look_waits_for_all_looks_before_it_even_if_the_last_of_them_was_done_long_ago():
    slow, quick, last = tasks(9.0, 1.0, 2.0)
    found = simulate([[[slow], [quick], [last]], [[quick]]], [Node(1)] * 2, overhead=0)
    assert (found.seconds, found.chain) == (11, (11, (slow, last)))


def test_threads_are_those_of_the_largest_node_at_most():
    (task,) = tasks(8.0, threads=16)
    assert simulate([[[task]]], [Node(2), Node(4)], overhead=0).placed[task].cpus == 4


def test_four_quarters_of_a_gpu_are_a_gpu_and_take_their_time():
    small, large = tasks(*[1.0] * 4, quarters=1), tasks(3.0, quarters=4)
    found = simulate([[small]], [Node(1, 1)], overhead=0)
    assert (found.seconds, found.gpu_seconds, found.gpus_used) == (4, 4, 1)
    assert simulate([[[*small, *large]]], [Node(1, 1)], overhead=0).seconds == 7
    assert (
        simulate([[[*small, *large]]], [Node(1, 2)], overhead=0).seconds == 4
    )  # small ones share a GPU and leave another whole
    assert simulate([[[*small, *tasks(6.0)]]], [Node(1, 1)], overhead=0).seconds == 6  # CPUs work beside it


def test_data_sets_and_records_are_sent_where_they_are_read_once():
    mnist = Data("mnist", 1000)
    blocks = tasks(1.0, 1.0, 1.0, 1.0, data=mnist, bytes=10)
    assert simulate([[blocks]], [Node(1)] * 2, overhead=0).sent == 1000 + 2 * 10
    assert simulate([[blocks]], [Node(4)], overhead=0).sent == 0
    both = Task("both", 1.0, after=tuple(blocks[:2]), bytes=1, data=mnist)
    assert simulate([[[both]]], [Node(1)] * 2, overhead=0).sent == 1000 + 10  # it is taken where the driver is
    other = tasks(5.0)
    assert simulate([[[*other, both]]], [Node(1)] * 2, overhead=0).sent == 1000 + 2 * 10 + 1  # nothing is sent back


def test_a_cluster_that_can_never_do_it_is_refused():
    with pytest.raises(ValueError, match=r"^a cluster without nodes does nothing: name one$"):
        simulate([], [])
    with pytest.raises(ValueError, match=r"^task 0 takes a GPU, and no node has one: name one that has$"):
        simulate([[tasks(1.0, quarters=4)]], [Node(4)])
    with pytest.raises(ValueError, match="Node cpus is 0: give an integer, 1 or more"):
        Node(0)
