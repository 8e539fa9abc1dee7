import itertools
from dataclasses import replace

from hw1bench.records.runs import Block
from hw1bench.sources import a
from hw1bench.training.streams import generator_for, seed_for, seed_in


def test_every_part_of_the_name_matters():
    names = itertools.product("AB", ["fit", "grad"], ["init", "order"], range(3), ["", "arm"])
    seeds = [seed_for(*name) for name in names]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_parts_of_a_name_do_not_run_together():
    assert seed_for("A", "fit1", "init", 1) != seed_for("A", "fit", "init", 11)


def test_the_streams_of_published_runs_do_not_change():
    # If these change, all runs and rulings change.
    assert seed_for("A", "fit-sinc", "init", 0) == 1258763346814915517
    block = Block("A", "fit-sinc", a.FIT_SINC.full.arms[0], 0)
    assert generator_for(block, "init", 0).initial_seed() == 1258763346814915517


def test_only_the_name_of_an_independent_arm_changes_the_seed():
    first, second = (Block("A", "fit-sinc", replace(arm, independent=True), 0) for arm in a.FIT_SINC.full.arms[:2])
    assert len({seed_in(block, stream, 0) for block in (first, second) for stream in ("init", "order")}) == 4
    shared = [Block("A", "fit-sinc", arm, 0) for arm in a.FIT_SINC.full.arms[:2]]
    assert seed_in(shared[0], "init", 0) == seed_in(shared[1], "init", 0)
