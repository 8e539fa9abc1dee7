"""The contenders that hw1bench is compared with. Each trains for a number of optimiser steps and returns the final losses.

A problem is a fit of a dense net with Adam. The runs share the data, and each starts from weights of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from hw1bench import data, models
from hw1bench.records.runs import Block
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm, Optimizer
from hw1bench.training import stacked
from hw1bench.training.kernels.structures import EPS
from hw1bench.training.streams import generator_for

Contender = Callable[[int], np.ndarray]  # steps per run -> losses (runs,) of the whole training set


@dataclass(frozen=True)
class Problem:
    """``arm`` trained from the initial weights of ``runs`` seeds, in the data order of those seeds."""

    arm: Arm
    runs: int

    @property
    def blocks(self) -> list[Block]:
        return [Block("bench", "fit", self.arm, first) for first in range(0, self.runs, 8)]

    @property
    def widths(self) -> list[int]:
        linears = [layer for layer in notation.parse(self.arm.model.layout) if isinstance(layer, notation.Linear)]
        return [linears[0].inputs, *(layer.outputs for layer in linears)]

    @property
    def operations(self) -> int:
        """Floating-point operations of the matrix products of one step: forward, weight gradients, input gradients."""
        samples = self.arm.batch_size or self.points
        products = [inputs * outputs for inputs, outputs in pairwise(self.widths)]
        return 2 * samples * (3 * sum(products) - products[0])  # the first layer's input needs no gradient

    @property
    def points(self) -> int:
        return len(data.BUILT_IN.load(self.arm.data).train)

    def initial(self) -> np.ndarray:
        """Return the initial weights (runs, parameters)."""
        return np.concatenate([stacked.initial(block, torch.float32).numpy() for block in self.blocks])[: self.runs]

    def arrays(self) -> tuple[torch.Tensor, torch.Tensor]:
        split = data.BUILT_IN.load(self.arm.data).train
        return split.x.float(), split.y.float()

    def orders(self, steps: int) -> np.ndarray:
        """Return the index (steps, runs) of the sample of each step at batch size 1."""
        epochs = -(-steps // self.points)
        columns = []
        for seed in range(self.runs):
            generator = generator_for(self.blocks[0], "order", seed)
            columns.append(torch.cat([torch.randperm(self.points, generator=generator) for _ in range(epochs)]))
        return torch.stack(columns, dim=1)[:steps].numpy()


def _eps(spec: Optimizer) -> float:
    return EPS if spec.eps is None else spec.eps


def plain(problem: Problem) -> Contender:
    """Return the loop as reports write it: one model after the other, ``loss.item()`` at every step."""
    x, y = problem.arrays()
    spec = problem.arm.optimizer

    def train(steps: int) -> np.ndarray:
        finals = []
        orders = problem.orders(steps) if problem.arm.batch_size == 1 else None
        for run, weights in enumerate(problem.initial()):
            net = models.build(problem.arm.model)
            nn.utils.vector_to_parameters(torch.from_numpy(weights), net.parameters())
            optimizer = torch.optim.Adam(net.parameters(), lr=spec.lr, eps=_eps(spec), weight_decay=spec.weight_decay)
            criterion = nn.MSELoss()
            losses = []
            for step in range(steps):
                rows = slice(None) if orders is None else slice(orders[step, run], orders[step, run] + 1)
                optimizer.zero_grad()
                loss = criterion(net(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            with torch.no_grad():
                finals.append(criterion(net(x), y).item())
        return np.array(finals)

    return train


def jax_adam(spec: Optimizer, weights: Any, gradients: Any, moments: tuple[Any, Any], count: Any) -> tuple[Any, Any]:
    """Take Adam's step number ``count``, from 1, in JAX. Return the new weights and moments; each is a tree of arrays."""
    import jax.numpy as jnp
    from jax import tree

    gradients = tree.map(lambda gradient, weight: gradient + spec.weight_decay * weight, gradients, weights)
    first = tree.map(lambda moment, gradient: 0.9 * moment + 0.1 * gradient, moments[0], gradients)
    second = tree.map(lambda moment, gradient: 0.999 * moment + 0.001 * gradient**2, moments[1], gradients)

    def moved(weight: Any, first: Any, second: Any) -> Any:
        scaled = jnp.sqrt(second / (1 - 0.999**count)) + _eps(spec)
        return weight - spec.lr * first / (1 - 0.9**count) / scaled

    return tree.map(moved, weights, first, second), (first, second)


def jax(problem: Problem, *, samples_last: bool) -> Contender:
    """Return all runs as one ``jit`` of ``vmap`` over ``scan``. Activations are samples x features or features x samples."""
    import jax.numpy as jnp
    from jax import grad, jit, lax, vmap

    spec, widths, model = problem.arm.optimizer, problem.widths, problem.arm.model
    activation = jnp.tanh if model.activation == "tanh" else lambda h: jnp.maximum(h, 0)
    last = jnp.tanh if notation.parse(model.layout)[-1] == notation.Output("tanh") else lambda h: h
    x, y = (jnp.asarray(array.numpy().T if samples_last else array.numpy()) for array in problem.arrays())
    axis = 1 if samples_last else 0

    def loss(flat: Any, x: Any, y: Any) -> Any:
        h, start = x, 0
        for index, (inputs, outputs) in enumerate(pairwise(widths)):
            weight = flat[start : start + inputs * outputs].reshape(outputs, inputs)
            start += inputs * outputs
            bias = flat[start : start + outputs]
            start += outputs
            h = weight @ h + bias[:, None] if samples_last else h @ weight.T + bias
            h = activation(h) if index < len(widths) - 2 else last(h)
        return ((h - y) ** 2).mean()

    def step(carry: Any, now: Any) -> Any:
        flat, moments = carry
        count, rows = now
        inputs, targets = (x, y) if rows is None else (jnp.take(a, rows[None], axis) for a in (x, y))
        flat, moments = jax_adam(spec, flat, grad(loss)(flat, inputs, targets), moments, count)
        return (flat, moments), None

    @jit
    def run(flat: Any, counts: Any, orders: Any) -> Any:
        def one(flat: Any, orders: Any) -> Any:
            zero = jnp.zeros_like(flat)
            (flat, _), _ = lax.scan(step, (flat, (zero, zero)), (counts, orders))
            return loss(flat, x, y)

        return vmap(one, in_axes=(0, None if orders is None else 1))(flat, orders)

    def train(steps: int) -> np.ndarray:
        orders = jnp.asarray(problem.orders(steps)) if problem.arm.batch_size == 1 else None
        counts = jnp.arange(1, steps + 1, dtype=jnp.float32)
        return np.asarray(run(jnp.asarray(problem.initial()), counts, orders))

    return train
