"""A session on a cluster, simulated: against closed forms, a naive twin that goes from end to end, and the bounds of any list
schedule."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench.court.schedule import Data, Node, Task
from hw1bench.court.simulation import simulate

PLENTY = [Node(8, 1)] * 200


def tasks(*seconds, **more):
    return [Task(f"task {number}", one, **more) for number, one in enumerate(seconds)]


@st.composite
def sessions(draw, unit=1, **fields):
    """Claims with up to three looks, of tasks that they share: a task belongs to the same look of each. Blocks take up to nine
    times ``unit`` seconds."""
    pool = []
    for look in range(3):
        blocks = [
            Task(f"block {look}.{number}", unit * seconds, **{name: draw(one) for name, one in fields.items()})
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


def end_by_end(claims, nodes):
    """The naive twin: the CPUs and the end of each task, without overhead."""
    submitted, cpus, ends, on, now = [], {}, {}, {}, 0
    every, largest = sum(node.cpus for node in nodes), max(node.cpus for node in nodes)
    while True:
        done = {task for task, end in ends.items() if end <= now}
        new = []
        for looks in claims:
            for look in looks:
                new += [task for task in whole(look) if task not in submitted and task not in new]
                if not done.issuperset(whole(look)):
                    break
        blocks, measured = [task for task in new if not task.after], [task for task in new if task.after]
        submitted += sorted(blocks, key=lambda task: -task.seconds) + measured
        if done.issuperset(submitted):
            return {task: (cpus[task], ends[task]) for task in ends}
        waiting = sum(task.seconds for task in submitted if task not in done and not task.after)
        for task in blocks:  # as many as needed, one by one
            cpus[task] = min(task.threads or 1, largest)
            while not task.threads and task.seconds * every > cpus[task] * waiting and cpus[task] < min(8, largest):
                cpus[task] += 1
        cpus |= dict.fromkeys(measured, 1)
        for task in submitted:
            if task not in ends and done.issuperset(task.after):
                for number, node in enumerate(nodes):
                    busy = sum(cpus[other] for other in ends if on[other] == number and ends[other] > now)
                    if busy + cpus[task] <= node.cpus:
                        ends[task], on[task] = now + task.seconds / cpus[task], number
                        break
        now = min(end for end in ends.values() if end > now)


SOME = st.lists(st.builds(Node, st.integers(1, 10)), min_size=1, max_size=3)


@settings(max_examples=100)
@given(sessions(unit=840, threads=st.sampled_from((None, None, 2, 3))), SOME)  # 1 to 8 CPUs take whole seconds for 840
def test_it_is_the_schedule_of_the_twin_that_goes_from_end_to_end(claims, nodes):
    found = simulate(claims, nodes, overhead=0)
    assert {task: (one.cpus, one.end) for task, one in found.placed.items()} == end_by_end(claims, nodes)


@given(sessions(), st.floats(0, 2))
def test_one_cpu_takes_the_sum(claims, overhead):
    needed = {task for looks in claims for look in looks for task in whole(look)}
    found = simulate(claims, [Node(1)], overhead=overhead)
    assert found.seconds == pytest.approx(sum(task.seconds + overhead for task in needed))
    assert found.cpus_used == pytest.approx(1)
    assert found.sent == 0


@given(sessions(), st.floats(0, 2))
def test_machines_without_end_take_the_longest_chain(claims, overhead):
    """Looks of a claim one after the other, and in each look the slowest task with what it reads, on eight CPUs a block and one
    a measurement."""
    found = simulate(claims, PLENTY, overhead=overhead)
    assert found.seconds == pytest.approx(found.chain.seconds)
    assert all(one.cpus == (1 if task.after else 8) for task, one in found.placed.items())
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
            end[task] = start + task.seconds / (1 if task.after else 8) + overhead
    assert found.seconds == pytest.approx(max(end.values()))


@given(sessions(), st.lists(st.builds(Node, st.integers(1, 20)), min_size=1, max_size=4), st.floats(0, 2))
def test_no_schedule_beats_the_work_or_the_chain_or_takes_more_cpus_than_there_are(claims, nodes, overhead):
    found = simulate(claims, nodes, overhead)
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


@given(sessions(), st.lists(st.builds(Node, st.integers(8, 20)), min_size=1, max_size=4))
def test_tasks_of_up_to_eight_cpus_have_a_bound_of_the_same_kind(claims, nodes):
    """While a task waits that takes k CPUs, fewer than k are idle on each node."""
    found = simulate(claims, nodes)
    busy = sum(node.cpus - 7 for node in nodes)
    assert found.seconds <= (found.cpu_seconds / busy + found.chain.seconds) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("seconds", "nodes", "cpus"),
    [
        ([30.0, 10.0], [Node(4)], [3, 1]),
        ([99.0, 1.0], [Node(64)], [8, 1]),  # a block has eight runs
        ([99.0, 1.0], [Node(2), Node(3)], [3, 1]),  # a task runs on one node
        ([1.0] * 9, [Node(64)], [8] * 9),
        ([1.0] * 8, [Node(4)], [1] * 8),
    ],
)
def test_the_longest_blocks_get_the_most_cpus(seconds, nodes, cpus):
    blocks = tasks(*seconds)
    placed = simulate([[blocks]], nodes).placed
    assert [placed[task].cpus for task in blocks] == cpus


def test_whatever_is_not_done_counts_as_waiting():
    """Of the second look when it comes, what has begun too, and what a GPU does, but not the first look, which is done."""
    first, last, running, gpu = tasks(9.0, 8.0, 16.0, 8.0)
    gpu = replace(gpu, quarters=4)
    found = simulate([[[first], [last]], [[running]], [[gpu]]], [Node(16, 1)], overhead=0)
    assert {task: one.cpus for task, one in found.placed.items()} == {first: 5, running: 8, gpu: 0, last: 4}
    assert found.placed[last].begin == 1.8 < found.placed[running].end  # 4 = 16 * 8 / (8 + 16 + 8)


def test_what_is_submitted_together_starts_longest_first_and_measurements_last():
    short, long, other, later = tasks(1.0, 3.0, 1.0, 9.0)
    measured = Task("measured", 5.0, after=(short,))
    found = simulate([[[measured, long], [later]], [[other]]], [Node(1)], overhead=0)
    assert sorted(found.placed, key=lambda task: found.placed[task].begin) == [long, short, other, measured, later]


def test_a_measurement_takes_one_cpu_and_counts_for_nothing():
    block = Task("block", 8.0)
    measured = Task("measured", 8.0, after=(block,))
    found = simulate([[[measured]]], [Node(4)], overhead=0)
    assert (found.placed[block].cpus, found.placed[measured].cpus, found.seconds) == (4, 1, 10)


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
