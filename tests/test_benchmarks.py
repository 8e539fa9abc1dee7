"""The contenders of a benchmark do the same work."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import reference
from benchmarks import __main__ as bench
from benchmarks import contenders, measures
from benchmarks.contenders import Problem
from hw1bench import Function, Model

SMALL = replace(bench.SEVEN, model=Model("[5,10,5]"), data=Function(name="sinc", points=30))
PROBLEMS = {"full batch": Problem(SMALL, 16), "batch 1": Problem(replace(SMALL, batch_size=1), 16)}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_ours_and_the_plain_loop_train_the_same(problem):
    bench.agree(problem, {"ours": bench.ours(problem), "plain loop": contenders.plain(problem)})


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("samples_last", [False, True])
def test_jax_trains_the_same(problem, samples_last):
    pytest.importorskip("jax")
    found = {"JAX": contenders.jax(problem, samples_last=samples_last), "plain loop": contenders.plain(problem)}
    bench.agree(problem, found)


@pytest.mark.parametrize("arm", [bench.E_TASK, bench.A_DENSE], ids=lambda arm: arm.name)
def test_ours_and_the_plain_loop_on_images_train_the_same(arm):
    row = bench.measure_images("images", arm, rounds=1, epochs=1)
    assert set(row.times) == {"ours", "plain loop"}


def test_contenders_that_differ_are_noticed():
    plain = contenders.plain(PROBLEMS["full batch"])
    with pytest.raises(AssertionError):
        bench.agree(PROBLEMS["full batch"], {"plain loop": plain, "other": lambda steps: plain(steps) * 1.1})


def test_operations_of_a_step_are_the_operations_of_its_products():
    # 1-5-10-5-1: products 5 + 50 + 50 + 5, forward, weight gradient, and input gradient above the first layer.
    assert PROBLEMS["full batch"].operations == 2 * 30 * (110 + 110 + 105)
    assert PROBLEMS["batch 1"].operations == 2 * (110 + 110 + 105)


def test_ratios_are_taken_round_by_round():
    row = bench.Row("a row", {"ours": [1.0, 2.0, 4.0], "plain loop": [10.0, 40.0, 200.0]})
    assert row.ratio("plain loop") == 20
    assert row.ratio("JAX") is None


def test_table_chart_and_rate(tmp_path):
    rows = [
        bench.Row("one", {"ours": [1.0], "plain loop": [10.0], "JAX, a": [3.0], "JAX, b": [2.0], "floor": [0.8]}),
        bench.Row("two", {"ours": [1.0], "plain loop": [10.0]}),
    ]
    cells = [list(column.cells) for column in bench.table(rows).columns]
    assert [column[0] for column in cells] == [
        "one",
        "1 [1, 1]",
        "10 [10, 10]",
        "2 [2, 2]",
        "0.8 [0.8, 0.8]",
        "10x",
        "2x",
        "1.25x",
    ]
    assert [column[1] for column in cells][3:] == ["", "", "10x", "", ""]
    bench.chart(rows, tmp_path / "bench.svg")
    assert "<svg" in (tmp_path / "bench.svg").read_text()
    assert np.isfinite(bench.matrix_rate())


def test_one_run_is_one_run():
    single = replace(PROBLEMS["batch 1"], runs=1)
    assert contenders.plain(single)(30).shape == (1,)


PAIRS = {
    "spectra": measures.spectra(PROBLEMS["batch 1"], sampled=2),
    "jacobians": measures.jacobians(30, sampled=3),
    "line": measures.line(5, 40),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_measure_and_its_textbook_loop_find_the_same_and_are_both_timed(pair):
    row = bench.measure_pair(pair, rounds=2)
    assert {name: len(times) for name, times in row.times.items()} == {"ours": 2, "textbook loop": 2}
    assert ("scaled from" in row.title) == (pair.sampled < pair.items)
    column = list(bench.table_of_measures([row]).columns[-1].cells)
    assert column == [f"{row.ratio('textbook loop'):.3g}x"]


def test_a_measure_that_differs_from_its_loop_is_noticed():
    pair = PAIRS["jacobians"]
    with pytest.raises(AssertionError):
        bench.measure_pair(replace(pair, loop=lambda items: 1.01 * pair.loop(items)), rounds=1)


def test_textbook_loops_are_the_naive_twins():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 157, generator=generator)
    model, x, y = Model("12-9-4"), torch.randn(6, 12, generator=generator), torch.arange(6) % 4
    alphas = np.array([0, 0.3, 1])
    assert measures.loop_of_jacobians(model, first, x) == pytest.approx(reference.jacobian_norm(model, first, x))
    np.testing.assert_array_equal(
        measures.mixed_one_by_one(model, first, second, alphas, x, y),
        reference.mixtures(model, first, second, alphas, x, y, "cross_entropy"),
    )
    weights, (x, y) = (
        first[: SMALL.model.parameters].double(),
        torch.randn(2, 7, 1, generator=generator, dtype=torch.float64),
    )
    found, expected = (
        hessian(SMALL.model, weights, x, y) for hessian in (measures.double_backward, reference.hessian_double_backward)
    )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
