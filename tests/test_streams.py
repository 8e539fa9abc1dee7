import itertools

from hw1bench.training.streams import generator_for, seed_for


def test_every_part_of_the_name_matters():
    names = itertools.product("AB", ["fit", "grad"], ["init", "order"], range(3), ["", "arm"])
    seeds = [seed_for(*name) for name in names]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_parts_of_a_name_do_not_run_together():
    assert seed_for("A", "fit1", "init", 1) != seed_for("A", "fit", "init", 11)


def test_the_streams_of_published_runs_do_not_move():
    # A change here means that every run, and so every ruling, is another one.
    assert seed_for("A", "fit-sinc", "init", 0) == 1258763346814915517
    assert generator_for("A", "fit-sinc", "init", 0).initial_seed() == 1258763346814915517
