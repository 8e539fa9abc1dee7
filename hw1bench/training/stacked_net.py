"""The nets of the stacked runs of a block on one device: forward, dropout, and the gradients of convolutions.

Each function of single numbers and each dense layer is one call for all runs. Only convolutions are a call per run, side by
side: libraries are slower at one call with groups. On a GPU, kernels of ours do what is slow in libraries (see ``gpu_kernels``).

Maps are (runs * samples, channels, height, width) with channels last; rows of features are (runs, samples, features).
"""

import math
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from hw1bench import models
from hw1bench.records.runs import Block
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm, Model
from hw1bench.support import arithmetic
from hw1bench.training.captured import Lanes, Streams
from hw1bench.training.streams import generator_for, seed_in

_SMALL = 64 * 128
"""Channels times outputs of the largest convolution whose gradient by the weights is computed by our kernel: cuDNN divides the
work of larger ones better."""


def _slope(model: Model) -> float | None:
    """Return the slope below zero of the activation of ``model``, if it is one that our kernels compute."""
    return {"relu": 0.0, "leaky_relu": model.slope}.get(model.activation)


@cache
def _working_kernels(device: torch.device) -> ModuleType | None:
    """Return the module of our kernels if they work on ``device``: Triton must be there, and a C compiler for it."""
    if device.type != "cuda" or not find_spec("triton"):
        return None
    try:
        kernels = import_module("hw1bench.training.gpu_kernels")
        kernels.activation(torch.ones(1, 1, 1, 1, device=device), torch.ones(1, 1, device=device), 1, 0.0)
    except Exception:  # whatever a compiler or a driver raises, libraries do the work
        return None
    return kernels


def kernels_version(device: torch.device) -> str:
    """Return the version of Triton, which compiles our kernels for ``device``; "" if they do not work there."""
    kernels = _working_kernels(device)
    return "" if kernels is None else str(kernels.triton.__version__)


def _kernels(arm: Arm, device: torch.device) -> ModuleType | None:
    """Return the module of our kernels if they compute the net of ``arm`` on ``device``."""
    suited = arm.precision == "float32" and _slope(arm.laid_out) is not None
    return _working_kernels(device) if suited else None


class _Convolutions(torch.autograd.Function):
    """Convolutions of ``h (runs * samples, channels, height, width)`` with ``weights (runs, size, size, channels, outputs)``,
    each run's samples with its own weights, without a bias. One lane per run. ``kernels`` give the gradient by the weights."""

    @staticmethod
    def forward(
        ctx: Any, h: Tensor, weights: Tensor, stride: int, padding: int, lanes: Lanes, kernels: ModuleType | None
    ) -> Tensor:
        ctx.save_for_backward(h, weights)
        ctx.stride, ctx.padding, ctx.lanes, ctx.kernels = stride, padding, lanes, kernels
        parts, rows = h.chunk(len(weights)), _published(weights).unbind()
        return torch.cat(
            lanes.each(lambda run: nn.functional.conv2d(parts[run], rows[run], stride=stride, padding=padding))
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None, None, None, None]:
        h, weights = ctx.saved_tensors
        runs, size = weights.shape[:2]
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        parts, rows, given = h.chunk(runs), _published(weights).unbind(), gradient.chunk(runs)
        wanted = [ctx.needs_input_grad[0], ctx.kernels is None, False]
        stride, padding, dilation = [ctx.stride] * 2, [ctx.padding] * 2, [1, 1]

        def of_run(run: int) -> tuple[Tensor, Tensor]:
            to_inputs, to_weights, _ = torch.ops.aten.convolution_backward(
                given[run], parts[run], rows[run], None, stride, padding, dilation, False, [0, 0], 1, wanted
            )
            return to_inputs, to_weights

        found = ctx.lanes.each(of_run) if any(wanted) else []
        if ctx.kernels is None:
            by_weights = torch.stack([to_weights.permute(2, 3, 1, 0) for _, to_weights in found])
        else:
            by_weights = ctx.kernels.by_weights(_rows(h), _rows(gradient), ctx.padding, size, runs)
        by_inputs = torch.cat([to_inputs for to_inputs, _ in found]) if wanted[0] else None
        return by_inputs, by_weights, None, None, None, None


def _rows(maps: Tensor) -> Tensor:
    """Return ``maps (samples, channels, height, width)`` as (samples, height, width, channels)."""
    return maps.permute(0, 2, 3, 1)


class Net:
    """The nets of the runs, with weights on the device of the streams ``on``.

    ``weights`` are the tensors that train: of a convolution (runs, size, size, channels, outputs), of a dense layer (runs,
    inputs, outputs), each followed by its bias (runs, outputs) if it has one.
    """

    def __init__(self, block: Block, on: Streams) -> None:
        device = on.device
        self._model, self._runs = block.arm.laid_out, len(block.seeds)
        self._layers = notation.parse(self._model.layout)
        self._activation = models.activation(self._model)
        self.maps = notation.takes_maps(self._model.layout)
        self._lanes = Lanes(on, self._runs)
        self._kernels = _kernels(block.arm, device)
        self.generators = [torch.Generator(device).manual_seed(seed_in(block, "dropout", seed)) for seed in block.seeds]
        drawn = [models.drawn(self._model, generator_for(block, "init", seed)) for seed in block.seeds]
        self.weights = [
            _stored(torch.stack(same).detach().to(device, getattr(torch, block.arm.precision))).requires_grad_()
            for same in zip(*(network.parameters() for network in drawn), strict=True)
        ]

    def outputs(self, x: Tensor, *, training: bool) -> Tensor:
        """Return the outputs (runs, samples, outputs) for ``x (runs, samples, ...)``: images have their channels last."""
        h = x.flatten(0, 1).permute(0, 3, 1, 2) if self.maps else x
        weights = iter(self.weights)
        for before, layer, after in zip((None, *self._layers), self._layers, (*self._layers[1:], None), strict=False):
            match layer:
                case notation.Conv(outputs=channels):
                    pool = after.size if isinstance(after, notation.Pool) and not after.average else 1
                    z = self._convolved(h, next(weights), layer)
                    bias = next(weights) if layer.bias else z.new_zeros(self._runs, channels)
                    h = self._activated(z, bias, pool)
                case notation.Pool(size, average=True):
                    h = nn.functional.avg_pool2d(h, size)
                case notation.Pool(size):
                    h = h if isinstance(before, notation.Conv) else nn.functional.max_pool2d(h, size)
                case notation.Dropout():
                    h = self._dropped(h, layer) if training else h
                case notation.Flatten():
                    h = h.flatten(1).unflatten(0, (self._runs, -1))
                case notation.Linear():
                    weight = next(weights)
                    h = torch.baddbmm(next(weights)[:, None], h, weight) if layer.bias else torch.bmm(h, weight)
                    h = self._activation(h) if layer.hidden else h
                case notation.Output(name):
                    h = {"tanh": nn.Tanh(), "softmax": nn.Softmax(-1), "logsoftmax": nn.LogSoftmax(-1)}[name](h)
        return h

    def _convolved(self, h: Tensor, weight: Tensor, layer: notation.Conv) -> Tensor:
        """Return the convolutions of ``h (runs * samples, channels, height, width)``, without a bias."""
        # Our kernel's gradient takes products in TF32, so without TF32 libraries compute it. It moves by one place at a time.
        ours = layer.inputs * layer.outputs <= _SMALL and layer.stride == 1 and arithmetic.tf32()
        kernels = self._kernels if ours else None
        found: Tensor = _Convolutions.apply(  # type: ignore[no-untyped-call]  # missing in torch's stub
            h, weight, layer.stride, layer.padding, self._lanes, kernels
        )
        return found

    def _activated(self, z: Tensor, bias: Tensor, pool: int) -> Tensor:
        """Return the activations of ``z (runs * samples, channels, height, width)`` plus ``bias (runs, channels)``: the largest
        of each window of ``pool`` x ``pool``."""
        if self._kernels is not None:
            h: Tensor = self._kernels.activation(_rows(z), bias, pool, _slope(self._model))
            return h.permute(0, 3, 1, 2)
        # Adding a bias and all activations but GELU keep the order of numbers, so the largest may be found first: what follows
        # has fewer numbers.
        first = pool > 1 and self._model.activation != "gelu"
        z = nn.functional.max_pool2d(z, pool) if first else z
        z = z.unflatten(0, (self._runs, -1)) + bias[:, None, :, None, None]
        h = self._activation(z).flatten(0, 1)
        return nn.functional.max_pool2d(h, pool) if pool > 1 and not first else h

    def _dropped(self, h: Tensor, dropout: notation.Dropout) -> Tensor:
        """Return ``h`` with the dropout of each run's generator: see ``models.kept``."""
        samples = h.unflatten(0, (self._runs, -1)) if h.ndim == 4 else h  # (runs, samples, ...)
        shape = (*samples.shape[1:3], *(1,) * (samples.ndim - 3)) if dropout.maps else samples.shape[1:]
        mask = models.kept(math.prod(shape), dropout.p, self.generators, h.device)
        scaled = mask.to(h.dtype).div_(1 - dropout.p).view(self._runs, *shape)
        if h.ndim < 4:
            return h * scaled
        return h * scaled.flatten(0, 1).contiguous(memory_format=torch.channels_last)

    def rows(self, tensors: Sequence[Tensor]) -> Tensor:
        """Return ``tensors``, the weights or parts of them, as (runs, parameters) in torch's order."""
        return torch.cat([_published(tensor).flatten(1) for tensor in tensors], dim=1)

    @torch.no_grad()
    def load(self, run: int, row: Tensor) -> None:
        """Write ``row (parameters,)``, in torch's order, into the weights of ``run``."""
        sizes = [weight[run].numel() for weight in self.weights]
        for weight, part in zip(self.weights, row.split(sizes), strict=True):
            target = _published(weight)[run]
            target.copy_(part.view(target.shape))


def _stored(weight: Tensor) -> Tensor:
    """Return ``weight (runs, ...)`` of a layer with torch's order of axes in the order in which it is trained."""
    order = {5: (0, 3, 4, 2, 1), 3: (0, 2, 1), 2: (0, 1)}[weight.ndim]
    return weight.permute(order).contiguous()


def _published(weight: Tensor) -> Tensor:
    """The opposite of ``_stored``, as a view."""
    order = {5: (0, 4, 3, 1, 2), 3: (0, 2, 1), 2: (0, 1)}[weight.ndim]
    return weight.permute(order)
