"""Second derivatives of any function by plain backward passes, and whether they match its values.

Only the last pass takes many directions together (vmap), so that nothing is differentiated through a vmap: there torch
splits some operations into simpler ones, with results of their forward pass as constants, and silently
differentiates these wrongly: a layer norm, for example, by jacrev(jacrev(f)) and by torch.func.hessian.

Derivatives may be wrong for other reasons too: a detached tensor, a rounded one, a backward pass of the user's own, a formula
of torch's. So each Hessian is compared with differences along one line through its point. That costs two gradients per
step, and usually one or two steps: little beside one backward pass per parameter.
An error below 1e-4 of the largest change goes unnoticed.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

Function = Callable[[Tensor], Tensor]

_ROWS = 64  # rows of a Hessian at once: the memory of a backward pass is multiplied by it
# Shares of the weights, the ones that usually suffice first.
_STEPS = (1e-4, 1e-5, 1e-3, 1e-6, 1e-2, 1e-7, 1e-8, 1e-9, 1e-10)
_NEAR = (1e-3, 1e-4, 1e-5)  # how far away another point is tried if a point lies on a kink
_SAME = 1e-4  # the relative error that a difference may have
_EPS = 64 * torch.finfo(torch.float64).eps  # a few roundings


class _Precise(TorchFunctionMode):
    """Refuses operations on the weights in less than float64."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor) and found.requires_grad and found.dtype not in (torch.float64, torch.complex128):
            name = getattr(func, "__name__", func)
            raise ValueError(f"the function computes in {found.dtype} ({name}): let it compute in float64")
        return found


@dataclass(frozen=True)
class _Slope:
    """A function at a place: its value, and its gradient with respect to ``place (p,)`` with the graph to go on from."""

    place: Tensor
    value: Tensor
    gradient: Tensor


def _value(function: Function, place: Tensor) -> Tensor:
    # A copy, so that a function may change what it is given. The fused attention has no second derivative.
    with _Precise(), sdpa_kernel(SDPBackend.MATH):
        value: object = function(place.clone())
    if not isinstance(value, Tensor):
        shown = f"{type(value).__name__} {value!r}".splitlines()[0][:60]
        raise ValueError(f"the function returns {shown}: return a tensor computed from the weights")
    if value.shape != () or value.dtype != torch.float64:
        raise ValueError(
            f"the function returns a tensor {tuple(value.shape)} {value.dtype}: return one number, of shape () and float64"
        )
    return value


def _slope(function: Function, place: Tensor) -> _Slope:
    leaf = place.clone().requires_grad_()
    value = _value(function, leaf)
    return _Slope(leaf, value.detach(), _derived(value, leaf, None))


def _slope_near(function: Function, place: Tensor) -> _Slope | None:
    """``_slope``, or None at a place where the function is not defined."""
    try:
        return _slope(function, place)
    except (RuntimeError, ArithmeticError, ValueError):
        return None


def _derived(what: Tensor, place: Tensor, direction: Tensor | None, batched: bool = False) -> Tensor:
    """The derivatives of ``what`` with respect to ``place``, times ``direction``: zero if it does not depend on it."""
    found = None
    if what.requires_grad:
        try:
            (found,) = torch.autograd.grad(
                what, place, direction, create_graph=direction is None, retain_graph=True, allow_unused=True,
                is_grads_batched=batched,
            )  # fmt: skip
        except RuntimeError as error:
            line = str(error).splitlines()[0]
            raise ValueError(f"torch cannot differentiate the function twice: {line}") from error
    if found is None:
        return torch.zeros_like(place if direction is None else direction)
    return found


def hessian_at(function: Function, place: Tensor) -> Tensor:
    """The Hessian of ``function`` at finite ``place (p,)`` float64: (p, p), as the backward passes give it.

    Raises ValueError if the function does not return one float64 number computed in float64, or if torch cannot
    differentiate it twice, and ArithmeticError if the derivatives are not finite or do not match the values.
    """
    here = _slope(function, place)
    rows = _rows(here)
    if not (here.value.isfinite() and here.gradient.isfinite().all() and rows.isfinite().all()):
        raise ArithmeticError(f"the function is {float(here.value)} and its derivatives are not finite: leave it out")
    unit = _unit(place)
    first, again = float(here.value), float(_value(function, place.clone().requires_grad_()).detach())
    if abs(again - first) > 1e-9 * max(abs(again), _largest(unit * here.gradient.detach())):
        raise ValueError(
            f"the function returns {first}, then {again} at the same weights: let it return the same, with draws made outside it"
        )
    if _only_rounding(function, here, rows, unit):
        rows = torch.zeros_like(rows)
    _hold(function, here, rows @ unit, unit)
    return rows


def _rows(here: _Slope) -> Tensor:
    each = torch.eye(len(here.place), dtype=here.place.dtype, device=here.place.device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop")
        try:
            return torch.cat([_derived(here.gradient, here.place, some, batched=True) for some in each.split(_ROWS)])
        except ValueError:  # some functions can be differentiated only in one direction at a time
            return torch.stack([_derived(here.gradient, here.place, one) for one in each])


def _unit(place: Tensor, seed: int = 0) -> Tensor:
    """A direction that moves every weight by about its own size."""
    draws = torch.rand(2, len(place), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(place)
    return place.abs().clamp_min(1e-2) * (0.5 + draws[0] / 2) * torch.where(draws[1] < 0.5, -1.0, 1.0)


def _only_rounding(function: Function, here: _Slope, rows: Tensor, unit: Tensor) -> bool:
    """Whether ``rows`` are so small that they may be rounding alone, and differ a step of 1e-7 away."""
    size = (unit[:, None] * rows * unit).abs().max()
    scale = torch.maximum(here.value.abs(), (unit * here.gradient).abs().max())
    if not 0 < size <= 1e3 * _EPS * scale:
        return False
    there = _rows(_slope(function, here.place.detach() + 1e-7 * unit))
    return bool((unit[:, None] * (there - rows) * unit).abs().max() > 1e-3 * size)


def _hold(function: Function, here: _Slope, product: Tensor, unit: Tensor) -> None:
    """Raise ArithmeticError unless the gradient, and the Hessian times ``unit``, agree with differences along it.

    If the point lies on a kink there is nothing to compare with, and the derivatives at another point close by must do.
    """
    place = here.place.detach()
    differences = _differences(function, here, product, unit)
    if differences.agree:
        return
    if differences.kink:
        for seed, far in enumerate(_NEAR, 1):
            there = _slope_near(function, place + far * _unit(place, seed))
            if there and _differences(function, there, _derived(there.gradient, there.place, unit), unit).agree:
                return
    raise ArithmeticError(
        f"the function's derivatives do not match its values, {differences.what}: it detaches or rounds what depends on "
        "the weights, or torch has a derivative wrong"
    )


@dataclass(frozen=True)
class _Differences:
    """Whether derivatives agree with differences, whether the point seems to lie on a kink, and what is off."""

    agree: bool
    kink: bool
    what: str


def _differences(function: Function, here: _Slope, product: Tensor, unit: Tensor) -> _Differences:
    """Central differences of the gradient along ``unit`` against ``product``, and the rise of the value against Simpson's
    rule of the gradient: at one step after another, until both agree. All in units of the function."""
    place, curve = here.place.detach(), unit * product
    least, largest, bend, what = math.inf, 0.0, math.inf, "wherever they are compared"
    resolved: dict[float, Tensor] = {}
    for step in _STEPS:
        ahead, behind = (_slope_near(function, place + sign * step * unit) for sign in (1, -1))
        if ahead is None or behind is None:
            continue
        values = torch.stack([behind.value, here.value, ahead.value])
        slopes = torch.stack([unit * at.gradient.detach() for at in (behind, here, ahead)])
        parts = slopes * slopes.new_tensor([[1], [4], [1]]) * (step / 3)
        found = (slopes[2] - slopes[0]) / (2 * step)
        size, off = _largest(found), _largest(found - curve)
        rise = float(values[2] - values[0])
        missed = abs(rise - float(parts.sum()))
        grain = _EPS * max(_largest(values), _largest(slopes)) / step  # the rounding error of a difference
        if not math.isfinite(off + missed + grain):
            continue
        largest = max(largest, size)
        least = min(least, off)
        if step == _STEPS[0]:
            what = f"{off:.1e} off a second difference of {size:.1e}, {missed:.1e} off a rise of {rise:.1e}"
        # A difference that drowns in rounding even at the largest step, or beside a far larger one, counts as agreeing.
        drowned = grain <= 1e-3 * largest or step == max(_STEPS)
        same = (size > 0 and off <= _SAME * size) or (drowned and off <= _SAME * max(size, _largest(curve)) + grain)
        if same and missed <= _SAME * float(parts.abs().sum()) + grain * step:
            return _Differences(True, False, what)
        if grain <= 1e-3 * size:
            resolved[step] = found
        bend = min(bend, _largest(slopes[2] - 2 * slopes[1] + slopes[0]) / (step * max(size, _largest(curve), grain)))
    # Near a kink differences of the gradient depend on the side, or grow without bound as steps shrink: no two steps find the
    # same.
    steps = sorted(resolved)
    settled = any(
        _largest(resolved[step] - resolved[longer]) <= 1e-3 * _largest(resolved[longer])
        for step, longer in pairwise(steps)
    )
    return _Differences(False, 1e-2 < bend < math.inf or (not settled and least <= 1e-3 * largest), what)


def _largest(tensor: Tensor) -> float:
    return float(tensor.abs().max())
