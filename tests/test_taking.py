"""Measurements of trained blocks: their arrays against the measures called one by one on the runs."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

import reference
from cases import ARM, DIGITS, OPTIMIZERS
from hw1bench import Model, data, models
from hw1bench.measures import curvature, evaluation, flatness, paths, taking, trajectory
from hw1bench.records.measured import measured
from hw1bench.records.runs import Block, Record
from hw1bench.specs.measurement import TOLERANCES, Interpolation, JacobianNorm, MinimalRatio, Paths
from hw1bench.support.snapshots import ARRAYS, Snapshots
from hw1bench.training import engine
from hw1bench.training.kernels import binaries
from kernel_cases import built

CPU = torch.device("cpu")
CLASSES = replace(
    ARM,
    data=DIGITS,
    loss="cross_entropy",
    optimizer=OPTIMIZERS["adam"],
    model=Model("64-6-10"),
    batch_size=300,
    epochs=6,
)
PATHS = Paths(own="a", other="b", mark_every=4)


@pytest.fixture(autouse=True)
def not_compiled(monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)


def trained(*arms):
    blocks = [Block("T", "stage", arm, 0) for arm in arms]
    return [(block, engine.train(block, CPU)) for block in blocks]


def take(measurement, pairs, **options):
    found = taking.take(measurement, pairs, data.BUILT_IN.load(pairs[0][0].arm.data), CPU, **options).arrays
    assert set(found) == set(measured(measurement, *(block.arm for block, _ in pairs)))
    return found


def with_arrays(record, **arrays):
    return replace(record, arrays={**record.arrays, **arrays})


@pytest.fixture(scope="module")
def walked():
    return trained(*(replace(CLASSES, name=name, independent=True, snapshots="epoch") for name in "ab"))


def snapshots(record, run, weights=slice(None)):
    return Snapshots({name: record.arrays[name][run] for name in ARRAYS})[:, weights]


@pytest.mark.parametrize(("part", "weights"), [("whole", 460), ("layer1", 390)])
def test_paths_follow_from_the_snapshots(walked, part, weights):
    found = take(PATHS, walked)
    (_, a), (_, b) = walked
    own = [snapshots(a, run, slice(weights)) for run in range(8)]
    components = trajectory.pca(own)
    np.testing.assert_allclose(found[f"{part}_path"], components.coordinates, atol=1e-8)
    np.testing.assert_allclose(found[f"{part}_shares"], np.tile(components.shares, (8, 1)), rtol=1e-9)
    for run in (0, 5):
        other = snapshots(b, run, slice(weights))
        assert found[f"{part}_separation"][run] == pytest.approx(reference.separation(own[run], other))
        assert found[f"{part}_own_share"][run] == pytest.approx(reference.share_of_variance(own[run], 2))
        ends = [np.linalg.norm(own[run][i] - other[i]) for i in (0, -1)]
        assert found[f"{part}_convergence"][run] == pytest.approx(1 - ends[1] / ends[0])
        expected = reference.relative_convergence(own[run], other)
        assert found[f"{part}_relative_convergence"][run] == pytest.approx(expected)
        lengths = np.linalg.norm(np.diff(own[run], axis=0), axis=1)
        walks = trajectory.random_walk_shares(lengths, weights, 1000, run)
        assert found[f"{part}_walk"][run] == pytest.approx(np.percentile(walks, 95))


def test_accuracy_at_marked_snapshots_is_the_epochs_accuracy(walked):
    found = take(PATHS, walked)["path_accuracy"]
    marked = [0, 4, 6]
    np.testing.assert_allclose(found[:, marked], walked[0][1].arrays["train_accuracy"][:, marked], atol=2e-3)
    assert np.isnan(found[:, [1, 2, 3, 5]]).all()


def test_accuracy_is_measured_on_threads_of_one_torch_thread(walked, monkeypatch):
    """Elsewhere it was 17 times slower on a busy machine, and the digits of a key's torch are of one thread."""
    seen, accuracies = [], paths.accuracies

    def noting(*given):
        accuracy_at = accuracies(*given)

        def noted(weights):
            seen.append((torch.get_num_threads(), threading.current_thread() is threading.main_thread()))
            return accuracy_at(weights)

        return noted

    monkeypatch.setattr(paths, "accuracies", noting)
    take(PATHS, walked)
    assert seen == 8 * 3 * [(1, False)]


@built
def test_accuracy_on_paths_is_the_same_by_kernel_and_by_torch(walked, monkeypatch):
    by_kernel = take(PATHS, walked)["path_accuracy"]
    monkeypatch.setattr(evaluation, "Evaluator", unused)
    with pytest.raises(AssertionError):
        take(PATHS, walked)
    monkeypatch.setattr(evaluation, "by_kernel", lambda *_: False)
    np.testing.assert_array_equal(take(PATHS, walked)["path_accuracy"], by_kernel)


def test_a_run_that_diverged_has_no_path_and_the_others_keep_theirs(walked):
    (block, a), (other, b) = walked
    scales = a.arrays["snapshot_scales"].copy()
    scales[2, 3:] = np.inf
    found = take(PATHS, [(block, with_arrays(a, snapshot_scales=scales)), (other, b)])
    whole = take(PATHS, walked)
    for name in (
        "whole_separation",
        "layer1_convergence",
        "whole_relative_convergence",
        "whole_own_share",
        "whole_walk",
    ):
        assert np.isnan(found[name][2])
        np.testing.assert_allclose(np.delete(found[name], 2), np.delete(whole[name], 2), rtol=1e-9)
    assert np.isnan(found["whole_path"][2]).all()
    assert np.isfinite(np.delete(found["whole_path"], 2, axis=0)).all()


def test_without_a_finite_run_nothing_is_measured_and_nothing_fails(walked):
    scales = np.full_like(walked[0][1].arrays["snapshot_scales"], np.nan)
    found = take(PATHS, [(one, with_arrays(record, snapshot_scales=scales)) for one, record in walked])
    assert all(np.isnan(found[name]).all() for name in found if name != "path_accuracy")


@pytest.fixture(scope="module")
def fitted():
    arm = replace(ARM, model=Model("[4]", activation="tanh"), epochs=500, gradient_norm="epoch")
    return trained(replace(arm, optimizer=OPTIMIZERS["adam"]))


def test_points_are_led_to_almost_zero_gradient_and_their_spectra_shared_out(fitted):
    told = []
    found = take(MinimalRatio(), fitted, progress=told.append)
    assert 0 < sum(told) <= taking.steps(MinimalRatio())
    np.testing.assert_array_equal(found["reached"], found["norm_ratio"] <= 1e-4)
    assert found["reached"].sum() >= 6
    for name in ("above", "within", "below", "gauss_newton_above"):
        assert found[name].shape == (8, len(TOLERANCES))
    np.testing.assert_allclose(found["above"] + found["within"] + found["below"], 1)
    assert (found["gauss_newton_above"] > 0).all()


def test_a_point_that_is_there_stays_and_has_the_spectrum_of_its_hessian(fitted):
    (block, record) = fitted[0]
    norms = record.arrays["gradient_norm"].copy()
    norms[:, 0] = 1e9  # every point is at almost zero by this measure
    found = take(MinimalRatio(), [(block, with_arrays(record, gradient_norm=norms))])
    assert found["reached"].all()
    assert not found["descended"].any()
    assert (found["steps_to_it"] == 0).all()
    split = data.BUILT_IN.load(block.arm.data).train
    x, y = models.inputs(block.arm.model, split.x).double(), split.y.double()
    weights = torch.tensor(record.arrays["weights"]).double()
    eigenvalues = torch.linalg.eigvalsh(reference.hessian_double_backward(block.arm.model, weights[3], x, y))[None]
    for column, tolerance in enumerate(TOLERANCES[:2]):
        shares = curvature.shares(eigenvalues, tolerance)
        assert found["above"][3, column] == pytest.approx(float(shares.above))
        assert found["below"][3, column] == pytest.approx(float(shares.below))
    loss, _ = curvature.loss_and_gradient(block.arm.model, weights, x, y)
    np.testing.assert_allclose(found["stationary_loss"], loss, rtol=1e-9)


def test_a_point_that_diverged_is_not_reached(fitted):
    (block, record) = fitted[0]
    weights = record.arrays["weights"].copy()
    weights[4] = np.nan
    found = take(MinimalRatio(), [(block, with_arrays(record, weights=weights))])
    assert not found["reached"][4]
    assert np.isnan(found["above"][4]).all()
    assert found["reached"].sum() >= 5


def test_the_line_between_two_arms_has_their_own_values_at_its_ends():
    pairs = trained(*(replace(CLASSES, name=name, independent=True) for name in "ab"))
    found = take(Interpolation(first="a", second="b", alphas=(-1.0, 0.0, 0.5, 1.0)), pairs)
    assert found["alphas"].shape == (8, 4)
    for split in ("train", "test"):
        for what, exact in (("loss", 1e-9), ("accuracy", 0)):
            mixed = found[f"mixed_{split}_{what}"]
            for alpha, (_, record) in ((1, pairs[0]), (3, pairs[1])):
                np.testing.assert_allclose(mixed[:, alpha], record.arrays[f"{split}_{what}"][:, -1], rtol=exact)


@built
def test_the_line_between_nets_with_convolutions_is_the_same_by_kernel_and_by_torch(monkeypatch):
    arm = replace(CLASSES, model=Model("C(1-3,3,pool2) dropout 27-10"), epochs=2)
    (first, a), (second, b) = trained(*(replace(arm, name=name, independent=True) for name in "ab"))
    weights = b.arrays["weights"].copy()
    weights[2] = np.inf  # it diverged
    pairs = [(first, a), (second, with_arrays(b, weights=weights))]
    spec = Interpolation(first="a", second="b", alphas=(-1.0, 0.0, 0.3, 1.0))
    kernel = take(spec, pairs)
    monkeypatch.setattr(flatness, "Evaluator", unused)
    with pytest.raises(AssertionError):
        take(spec, pairs)
    monkeypatch.setattr(flatness, "by_kernel", lambda *_: False)
    other = take(spec, pairs)
    assert np.isfinite(kernel["mixed_test_loss"]).sum() == 8 * 4 - 3
    for name, values in kernel.items():
        np.testing.assert_allclose(values, other[name], rtol=0 if "accuracy" in name else 1e-10, err_msg=name)


def test_dense_nets_and_gpus_have_their_line_by_torch(monkeypatch):
    monkeypatch.setattr(flatness, "Evaluator", unused)
    spec = Interpolation(first="a", second="b", alphas=(0.0, 1.0))
    take(spec, trained(*(replace(CLASSES, name=name, epochs=1) for name in "ab")))
    arm = replace(CLASSES, model=Model("C(1-3,3,pool2) 27-10"))
    assert evaluation.by_kernel(arm, CPU) == (binaries.isa() is not None)
    assert not evaluation.by_kernel(arm, torch.device("cuda"))


def unused(*given):
    raise AssertionError("this backend was not to be used")


@pytest.mark.parametrize("spec", [PATHS, Interpolation(first="a", second="b", alphas=(0.0, 1.0))])
def test_facts_say_which_build_of_the_kernel_evaluates(spec, monkeypatch):
    assert taking.decides(spec).items() >= {"isa": binaries.isa(), "build": binaries.build()}.items()
    monkeypatch.setattr(binaries, "isa", lambda: None)
    monkeypatch.setattr(binaries, "build", lambda: "")
    assert taking.decides(spec).items() >= {"isa": None, "build": ""}.items()


def test_the_jacobian_is_of_the_test_set_at_the_kept_weights():
    [(block, record)] = trained(replace(CLASSES, keep="best"))
    found = take(JacobianNorm(), [(block, record)])["jacobian"]
    assert found.shape == (8,)
    few = taking.take(JacobianNorm(), [(block, record)], few_test_images(20), CPU).arrays["jacobian"]
    x = few_test_images(20).test.x.flatten(1).double()
    weights = torch.tensor(record.arrays["weights"][1])
    assert few[1] == pytest.approx(float(reference.jacobian_norm(block.arm.model, weights, x)), rel=1e-9)


def few_test_images(count):
    whole = data.BUILT_IN.load(DIGITS)
    return replace(whole, test=data.Split(whole.test.x[:count], whole.test.y[:count]))


@pytest.mark.parametrize(
    ("measurement", "arm", "said"),
    [
        (PATHS, CLASSES, "arm 'arm' kept no snapshot_start, which Paths needs"),
        (JacobianNorm(), CLASSES, "arm 'arm' kept no weights, which JacobianNorm needs"),
    ],
)
def test_an_array_that_was_not_kept_is_named(measurement, arm, said):
    record = Record({"train_loss": np.zeros((8, 2))}, {}, 0.0)
    with pytest.raises(ValueError, match=said):
        taking.take(measurement, [(Block("T", "x", arm, 0), record)], data.BUILT_IN.load(DIGITS), CPU)


def test_the_target_needs_the_first_gradient_norm():
    with pytest.raises(ValueError, match=r"arm 'arm' lacks the first gradient norm, of which the target is a share"):
        take(MinimalRatio(), trained(replace(ARM, epochs=1, gradient_norm="step")))


def test_functions_have_no_flatness():
    with pytest.raises(ValueError, match="no test set to measure flatness on"):
        take(JacobianNorm(), trained(replace(ARM, epochs=1)))


def test_the_key_moves_with_measurement_blocks_and_environment():
    keys = {
        taking.key(measurement, blocks, environment)
        for measurement in (JacobianNorm(), MinimalRatio(), MinimalRatio(target=1e-3))
        for blocks in (["1"], ["2"], ["1", "2"])
        for environment in ({"threads": 1}, {"threads": 2})
    }
    assert len(keys) == 18
