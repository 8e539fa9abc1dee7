"""The benchmark on a CPU: what is compared does the same work, its operations are counted, and the tables go into a page."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import reference
from benchmarks import __main__ as bench
from benchmarks import contenders, floors, image_peers, measures, rows, timing
from benchmarks.contenders import Problem
from benchmarks.image_problems import Problem as ImageProblem
from benchmarks.timing import Row
from hw1bench import Function, Model
from hw1bench.sources.tiers import MNIST

SMALL = replace(bench.FULL_BATCH, model=Model("[5,10,5]"), data=Function(name="sinc", points=30))
PROBLEMS = {
    "full batch": Problem(SMALL, 16),
    "batch 1": Problem(replace(SMALL, batch_size=1), 16),
    "tanh": Problem(replace(SMALL, model=Model("[5,10,5] tanh", activation="tanh")), 16),
}
IMAGES = ImageProblem(replace(MNIST, size=8), "C(1-4,3,pool2) 36-10", 16)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.01)
    monkeypatch.setattr(rows, "OPERATIONS", 1e5)
    monkeypatch.setattr(floors, "_ROUNDS", 40_000)
    monkeypatch.setattr(floors, "_SIDE", 64)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_ours_and_the_plain_loop_train_the_same(problem):
    rows.agree(problem, {"ours": rows.ours(problem), "plain loop": contenders.plain(problem)})


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("samples_last", [False, True])
def test_jax_trains_the_same(problem, samples_last):
    pytest.importorskip("jax")
    found = {"JAX": contenders.jax(problem, samples_last=samples_last), "plain loop": contenders.plain(problem)}
    rows.agree(problem, found)


def test_contenders_that_differ_are_noticed():
    plain = contenders.plain(PROBLEMS["full batch"])
    with pytest.raises(AssertionError):
        rows.agree(PROBLEMS["full batch"], {"plain loop": plain, "other": lambda steps: plain(steps) * 1.1})


def test_peers_on_images_that_differ_are_noticed():
    problem = replace(IMAGES, samples=64)

    def other():
        peer = image_peers.plain(problem, rows.CPU)
        return replace(peer, losses=lambda: 1.01 * peer.losses())

    loop = {"plain loop": lambda: image_peers.plain(problem, rows.CPU)}
    rows.agree_on_images(problem, loop)
    with pytest.raises(AssertionError):
        rows.agree_on_images(problem, loop | {"other": other})


def test_operations_of_a_step_are_the_operations_of_its_products():
    # 1-5-10-5-1: products 5 + 50 + 50 + 5, forward, weight gradient, and input gradient above the first layer.
    assert PROBLEMS["full batch"].operations == 2 * 30 * (110 + 110 + 105)
    assert PROBLEMS["batch 1"].operations == 2 * (110 + 110 + 105)


def test_ratios_are_taken_round_by_round():
    row = Row("a row", {"ours": [1.0, 2.0, 4.0], "plain loop": [10.0, 40.0, 200.0], "JAX": [3.0, 3.0, 3.0]})
    assert row.ratio("plain loop") == 20
    assert row.ratio("other") is None
    assert (row.best(("plain loop", "JAX")), row.best(("other",))) == ("JAX", None)


def test_work_is_made_large_enough_to_be_timed(monkeypatch):
    clock = 0.0

    def work(steps):
        nonlocal clock
        clock += 1e-6 * steps

    monkeypatch.setattr(timing, "seconds", lambda call: (lambda start: (call(), clock - start)[1])(clock))
    monkeypatch.setattr(timing, "SECONDS", 1.0)
    steps = timing.amount(work, unit=300)
    assert steps % 300 == 0
    assert 0.5e6 < steps < 2e6


def test_contenders_take_turns():
    turns = []
    works = {name: lambda name=name: turns.append(name) or float(len(turns)) for name in "ab"}
    assert timing.interleaved(works, 2) == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    assert turns == ["a", "b", "a", "b"]


def test_seconds_are_of_this_process_alone():
    assert timing.seconds(lambda: timing.time.sleep(0.2)) < 0.1


def test_one_processor_is_given_back():
    threads, mask = torch.get_num_threads(), timing.os.sched_getaffinity(0)
    with timing.one_processor():
        assert (torch.get_num_threads(), len(timing.os.sched_getaffinity(0))) == (1, 1)
    assert (torch.get_num_threads(), timing.os.sched_getaffinity(0)) == (threads, mask)


def test_no_product_is_faster_than_multiply_adds():
    assert 0 < floors.matrix_rate() < 1.5 * floors.arithmetic_rate()  # both are small here, and noisy


def test_without_a_compiler_there_is_no_arithmetic_floor(monkeypatch):
    assert [*rows._floors(1)] == [*rows.FLOORS]
    floors._multiply_adds.cache_clear()
    monkeypatch.setattr(floors.shutil, "which", lambda name: None)
    assert [*rows._floors(1)] == [rows.FLOORS[0]]
    with pytest.raises(OSError, match="no C compiler: install gcc or clang"):
        floors.arithmetic_rate()


WAYS = {
    "spectra": measures.spectra(PROBLEMS["batch 1"], sampled=2),
    "jacobians": measures.jacobians(30, sampled=3),
    "line": measures.line(5, 40),
}


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch.func's own
@pytest.mark.parametrize("measure", WAYS.values(), ids=WAYS)
def test_all_ways_to_measure_find_the_same_and_are_timed(measure):
    row = rows.of_measure(measure, rounds=2)
    assert {name: len(times) for name, times in row.times.items()} == dict.fromkeys(
        ["ours", "torch.func", "textbook loop"], 2
    )
    assert ("scaled from" in row.title) == (measure.sampled < measure.items)


@pytest.mark.parametrize("way", ["ours", "torch.func"])
def test_a_way_to_measure_that_differs_is_noticed(way):
    measure = WAYS["jacobians"]
    ways = {**measure.ways, way: lambda items: 1.01 * measure.ways[way](items)}
    with pytest.raises(AssertionError):
        rows.of_measure(replace(measure, ways=ways), rounds=1)


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


@pytest.fixture
def small_tables(monkeypatch, tmp_path):
    """Tables of one small net each, and a page for them."""
    monkeypatch.setattr(bench, "_functions", lambda: {"a fit": PROBLEMS["full batch"]})
    monkeypatch.setattr(bench, "GROWING", ("a fit",))
    monkeypatch.setattr(bench, "ON_IMAGES", ["a net"])
    monkeypatch.setitem(bench.PROBLEMS, "a net", IMAGES)
    monkeypatch.setattr(bench, "_measures", lambda: (WAYS["line"],))
    monkeypatch.setattr(image_peers.torch, "compile", lambda net: net)  # takes half a minute
    page = tmp_path / "page.md"
    page.write_text("# Before\n\n<!-- bench: begin -->\nold\n<!-- bench: end -->\n\nAfter.\n")
    return page


def test_the_tables_go_into_the_page(small_tables, capsys):
    bench.main([str(small_tables), "--rounds", "1"])
    text = small_tables.read_text()
    assert text.startswith("# Before\n\n<!-- bench: begin -->\n\n## Fitting functions\n\nMeasured on one processor of ")
    assert text.endswith("<!-- bench: end -->\n\nAfter.\n")
    assert "old" not in text
    found = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in text.splitlines() if line.startswith("| ")}
    assert {"a fit", "a net, 16", WAYS["line"].title, "a fit, runs", "a fit, steps"} <= set(found)
    assert found["a net, 16"][1] == "image kernel"
    for name in ("a fit", "a net, 16", WAYS["line"].title):
        times = [cell for cell in found[name] if cell.rstrip(" |").endswith("x)")]
        assert len(times) >= 2
        assert all(float(cell.partition(" ")[0].replace(",", "")) > 0 for cell in times)
    printed, rows_told = capsys.readouterr()
    assert [line.partition(" | ")[0] for line in rows_told.splitlines()] == ["a fit", "a net, 16", WAYS["line"].title]
    assert [
        title for title in ("Fitting functions", "Training on images", "Measuring", "More runs") if title in printed
    ]


def test_one_table_is_printed_alone(small_tables, capsys):
    bench.main(["--only", "measures", "--rounds", "1"])
    assert capsys.readouterr().out.startswith("Measuring\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rounds", "0"], "--rounds: invalid"),
        (["--only", "speed"], "--only: invalid choice"),
        (["page.md", "--only", "images"], "--only prints one table: leave out the page"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments, said, small_tables, capsys, monkeypatch):
    monkeypatch.chdir(small_tables.parent)
    with pytest.raises(SystemExit):
        bench.main(arguments)
    assert said in capsys.readouterr().err


def test_a_page_without_a_place_is_told_before_anything_is_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "TABLES", {"functions": lambda rounds: pytest.fail("timed")})
    (tmp_path / "page.md").write_text("# Nothing\n")
    with pytest.raises(SystemExit):
        bench.main([str(tmp_path / "page.md")])
