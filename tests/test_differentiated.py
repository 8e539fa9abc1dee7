"""The Hessian of any function against differences of its gradient: right, or one line that says why there is none."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from functions import CALLED, IMAGES, UNSUPPORTED, X, cubed, rows
from hw1bench.measures.curvature import hessian_of, shares, spectrum

HERE = torch.tensor([[0.7, 1.3, -0.4, 0.9, 0.35, -1.1]], dtype=torch.float64)
ZERO = torch.zeros(1, 3, dtype=torch.float64)


def gradient(function, place):
    leaf = place.clone().requires_grad_()
    return torch.autograd.grad(function(leaf.clone()), leaf)[0]


def along(function, place, direction, step=1e-4):
    """The derivative of the gradient along ``direction``, by differences of fourth order."""
    far = [gradient(function, place + times * step * direction) for times in (-2, -1, 1, 2)]
    return (far[0] - 8 * far[1] + 8 * far[2] - far[3]) / (12 * step)


@pytest.mark.parametrize("name", CALLED)
def test_the_hessian_is_the_difference_of_gradients(name):
    direction = torch.tensor([1.0, -0.6, 0.8, 0.3, -0.9, 0.5], dtype=torch.float64)
    found = hessian_of(CALLED[name], HERE)
    assert torch.equal(found, found.mT)
    expected = along(CALLED[name], HERE[0], direction)
    size = float(found[0].abs().max())
    torch.testing.assert_close(found[0] @ direction, expected, rtol=1e-7, atol=1e-8 * size)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_torch_cannot_differentiate_twice_is_never_a_silent_number(name):
    """Of some a second derivative is missing, of some it is wrong; a later torch may have either right."""
    direction = torch.ones(6, dtype=torch.float64)
    try:
        found = hessian_of(UNSUPPORTED[name], HERE)[0] @ direction
    except (ValueError, ArithmeticError) as error:
        refusal = str(error)
    else:
        torch.testing.assert_close(found, along(UNSUPPORTED[name], HERE[0], direction), rtol=1e-6, atol=1e-6)
        return
    assert "\n" not in refusal


def test_a_layer_norm_whose_scale_is_a_weight():
    x = torch.linspace(-1, 1, 7, dtype=torch.float64)
    powers = torch.stack([x, x**2, x**3], dim=1)

    def one(w):
        return (F.layer_norm(w * powers + powers.flip(1), (3,), weight=w.expand(3)) ** 3).sum()

    def two(w):
        return (F.layer_norm(w[0] * powers + powers.flip(1), (3,), weight=w[1].expand(3)) ** 3).sum()

    found = hessian_of(one, torch.tensor([[0.7]], dtype=torch.float64))
    assert found.item() == pytest.approx(-29.204, abs=5e-4)
    found = hessian_of(two, torch.tensor([[0.7, 1.3]], dtype=torch.float64))
    expected = torch.tensor([[[-203.329, -56.113], [-56.113, 65.147]]], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=0, atol=5e-4)


def test_points_are_taken_each_by_itself_whatever_way_the_function_goes():
    points = torch.tensor([[1.0, 2.0], [-1.0, 2.0]], dtype=torch.float64)
    found = hessian_of(lambda w: w.prod() if w[0] > 0 else (w**3).sum(), points)
    assert found.tolist() == [[[0, 1], [1, 0]], [[-6, 0], [0, 12]]]


@pytest.mark.parametrize(
    ("function", "place", "diagonal"),
    [
        (lambda w: torch.tensor(3.0, dtype=torch.float64), HERE, 0),
        (lambda w: w.sum(), HERE, 0),
        (lambda w: w.round().sum() + w.square().sum(), HERE, 2),
        (lambda w: w.cos().sum(), ZERO, -1),
        (lambda w: (w**4).sum() + (w**3).sum(), ZERO, 0),
        (lambda w: (1e6 * w).cos().sum(), ZERO, -1e12),
        (lambda w: w.log().sum(), torch.full((1, 3), 1e-9, dtype=torch.float64), -1e18),
        (lambda w: 1e6 + 1e-9 * w.square().sum(), HERE, 2e-9),
        (lambda w: w.square().sum(), torch.nn.Parameter(HERE.clone()), 2),
        (lambda w: w.square().sum() * 8e307, ZERO, 1.6e308),
    ],
    ids=["constant", "linear", "steps", "cosine", "flat", "narrow", "edge", "offset", "parameter", "huge"],
)
def test_functions_of_known_curvature(function, place, diagonal):
    found = hessian_of(function, place)
    assert not found.requires_grad
    expected = torch.diag_embed(torch.full_like(place.detach(), diagonal))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("function", "diagonal"),
    [
        (lambda w: w.abs().sum() + w.prod(), 0),
        (lambda w: w.relu().sum() + w.square().sum(), 2),
        (lambda w: w.relu().square().sum(), 0),
        (lambda w: w.sort().values.square().sum(), 2),
        (lambda w: ((X[:, 0] * w[0] + w[1]).relu() * w[2] - 1).square().mean(), 0),
    ],
    ids=["abs", "relu", "square", "sort", "net"],
)
def test_on_a_kink_the_derivatives_are_torchs(function, diagonal):
    assert hessian_of(function, ZERO)[0].diagonal().tolist() == [diagonal] * 3


@given(st.integers(0, 2**31), st.integers(5, 3000))
@settings(max_examples=10, deadline=None)
def test_many_kinks_close_by_do_not_matter(seed, samples):
    generator = torch.Generator().manual_seed(seed)
    x, w = (torch.randn(n, generator=generator, dtype=torch.float64) for n in (samples, 3))
    found = hessian_of(lambda w: ((x * w[0] + w[1]).relu() * w[2] - x.sin()).square().mean(), w[None])
    active = x * w[0] + w[1] > 0
    rows = torch.stack([w[2] * x, w[2].expand(samples), x * w[0] + w[1]], dim=1)[active]
    left = ((x * w[0] + w[1]) * w[2] - x.sin())[active]
    expected = 2 * rows.T @ rows / samples
    for row, weights in ((0, x[active]), (1, torch.ones_like(left))):
        extra = 2 * (left * weights).sum() / samples
        expected[row, 2] += extra
        expected[2, row] += extra
    torch.testing.assert_close(found[0], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda w: F.softmax(w, 0).sum(),
        lambda w: (w.sin() ** 2 + w.cos() ** 2).sum(),
        lambda w: ((w + 1) ** 3 - w**3 - 3 * w**2 - 3 * w).sum() + w.sum(),
    ],
)
def test_rounding_noise_is_not_curvature(function):
    found = hessian_of(function, HERE)
    assert not found.any()
    assert shares(spectrum(found)).within.item() == 1


def test_a_small_curvature_is_not_taken_for_rounding():
    found = hessian_of(lambda w: w.sum() + 1e-18 * w.square().sum(), HERE)
    torch.testing.assert_close(found[0], 2e-18 * torch.eye(6, dtype=torch.float64), rtol=1e-12, atol=0)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_it_is_the_same_if_gradients_are_switched_off(context):
    with context():
        found = hessian_of(lambda w: w.prod(), torch.ones(1, 2, dtype=torch.float64))
    assert found.tolist() == [[[0, 1], [1, 0]]]


def test_a_fixed_draw_is_a_function():
    def dropped(w):
        generator = torch.Generator().manual_seed(0)
        return (w * (torch.rand(6, generator=generator) > 0.5)).square().sum()

    assert set(hessian_of(dropped, HERE)[0].diagonal().tolist()) == {0, 2}


class Rounded(torch.autograd.Function):
    """Rounds, and has the gradient go straight through."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, by_output):
        return by_output


class WrongCube(torch.autograd.Function):
    """The cube, with a gradient that is right and a second derivative that is not."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, by_output):
        (x,) = ctx.saved_tensors
        return 3 * by_output * x * x.detach()


def without_gradient(w):
    with torch.no_grad():
        total = w.sum()
    return total * w.sum()


def norms_by_sample(w):
    """Gradients of a layer norm by sample, in which torch takes means for constants."""
    by_sample = torch.func.grad(lambda x: (F.layer_norm(x * w, (6,)) ** 3).sum())
    return torch.func.vmap(by_sample)(X).square().sum()


@pytest.mark.parametrize(
    "function",
    [
        lambda w: (w.detach() * w).sum(),
        lambda w: w[0].item() * w[1],
        lambda w: w.detach().sum(),
        lambda w: torch.as_tensor(float(w.detach().sum()) ** 2, dtype=torch.float64),
        lambda w: Rounded.apply(w).square().sum(),
        lambda w: (w + (w.round() - w).detach()).square().sum(),
        lambda w: WrongCube.apply(w).sum(),
        without_gradient,
        norms_by_sample,
    ],
    ids=["detached", "item", "constant", "number", "rounded", "straight", "custom", "no_grad", "vmap"],
)
def test_derivatives_that_do_not_match_the_function_are_refused(function):
    with pytest.raises(ArithmeticError, match=r"^point 0: the function's derivatives do not match its values"):
        hessian_of(function, HERE)


def test_a_detached_weight_is_noticed_even_if_its_gradient_is_zero():
    with pytest.raises(ArithmeticError, match="detaches"):
        hessian_of(lambda w: (w.detach() * w).sum(), ZERO)


def test_a_formula_that_fails_close_to_zero_only_is_noticed():
    with pytest.raises(ArithmeticError, match="torch has a derivative wrong"):
        hessian_of(lambda w: torch.sinc(w).sum(), ZERO + 1e-9)


def autocast(w):
    with torch.autocast("cpu"):
        return (w.float() @ w.float()).double()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda w: 3.0, "returns float 3.0: return a tensor"),
        (lambda w: None, "returns NoneType None: return a tensor"),
        (lambda w: [w.sum()], "returns list"),
        (lambda w: torch.tensor(3), r"a tensor \(\) torch.int64: return one number"),
        (lambda w: w.square(), r"a tensor \(6,\) torch.float64: return one number"),
        (lambda w: w.square().sum()[None], r"a tensor \(1,\) torch.float64: return one number"),
        (lambda w: torch.complex(w[0], w[1]), "torch.complex128: return one number"),
        (lambda w: w.float().square().sum(), r"computes in torch.float32 \(float\)"),
        (lambda w: w.bfloat16().square().sum().double(), r"computes in torch.bfloat16 \(bfloat16\)"),
        (lambda w: w[0].half().pow(3).double(), r"computes in torch.float16 \(half\)"),
        (lambda w: torch.complex(w[0], w[1]).to(torch.complex64).abs().double(), r"computes in torch.complex64"),
        (autocast, "computes in torch.float32"),
        (lambda w: F.dropout(w.repeat(100), 0.5).square().sum(), "at the same weights: let it return the same"),
        (lambda w: (w + 1e-3 * torch.randn(6)).square().sum(), "at the same weights: let it return the same"),
        (lambda w: F.embedding_bag(torch.zeros(1, 2, dtype=int), w[None]).sum() ** 2, "cannot differentiate"),
        (lambda w: w.exp().mul_(w).sum(), "cannot differentiate"),
    ],
)
def test_functions_that_have_no_hessian_are_named(function, message):
    with pytest.raises(ValueError, match=message):
        hessian_of(function, HERE)


@pytest.mark.parametrize(
    "function",
    [
        lambda w: (w - 5).log().sum(),
        lambda w: (1e200 * w).square().sum(),
        lambda w: (w * 0).norm(),
        lambda w: w.sum() / 0,
    ],
    ids=["nan", "infinite", "corner", "division"],
)
def test_what_is_not_finite_is_refused(function):
    with pytest.raises(ArithmeticError, match=r"^point 0: the function is \S+ and its derivatives are not finite"):
        hessian_of(function, HERE)


def test_a_mistake_in_the_function_is_its_own():
    with pytest.raises(RuntimeError, match="must match the size"):
        hessian_of(lambda w: (w + IMAGES[0, 0, 0, :5]).sum(), HERE)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (HERE[0], r"\(6,\) torch.float64: give \(points"),
        (HERE[None], r"\(1, 1, 6\) torch.float64: give \(points"),
        (HERE.float(), "float32: give"),
        (HERE.bfloat16(), "bfloat16: give"),
        (HERE.long(), "int64: give"),
        (HERE.to(torch.complex128), "complex128: give"),
        (HERE.numpy(), "weights are ndarray: give a torch tensor"),
        (HERE.tolist(), "weights are list: give a torch tensor"),
        (HERE[:, :0], "give one parameter or more"),
        (torch.cat([HERE, HERE * math.nan, HERE * math.inf]), r"points \[1, 2\] are not finite: leave them out"),
    ],
)
def test_weights_that_cannot_be_used_are_named(weights, message):
    with pytest.raises(ValueError, match=message):
        hessian_of(lambda w: w.square().sum(), weights)


def test_no_points_have_no_hessians():
    assert hessian_of(lambda w: cubed(rows(w)), HERE[:0]).shape == (0, 6, 6)


def test_a_function_that_takes_a_gradient_itself():
    def squares(w):
        return torch.autograd.grad((w**3).sum(), w, create_graph=True)[0].pow(2).sum()

    torch.testing.assert_close(hessian_of(squares, HERE)[0], torch.diag(108 * HERE[0] ** 2))


@pytest.mark.parametrize("tolerance", [None, "x", 1j, True, math.nan, 1, -0.1, [0.1]])
def test_a_tolerance_that_is_not_a_share_is_refused(tolerance):
    with pytest.raises(ValueError, match=r"a tolerance of .*: give a share"):
        shares(torch.ones(1, 2, dtype=torch.float64), tolerance)


@pytest.mark.parametrize("take", [spectrum, shares])
@pytest.mark.parametrize(
    "form", [lambda m: m.to_sparse(), lambda m: m.to_sparse_csr(), lambda m: m.to("meta"), lambda m: m.to_mkldnn()]
)
@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_tensor_that_is_not_dense_is_refused_in_one_line(take, form):
    with pytest.raises(ValueError, match="give a dense one") as refusal:
        take(form(torch.ones(1, 2, 2) if form.__code__.co_names == ("to_mkldnn",) else torch.ones(1, 2, 2).double()))
    assert "\n" not in str(refusal.value)
