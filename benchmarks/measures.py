"""Measures of trained nets, by us, by ``torch.func`` and by textbook loops, timed on untrained nets, for which the work is the
same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, hessian, jacrev, vmap

from benchmarks.contenders import Problem
from hw1bench import models
from hw1bench.measures import curvature, interpolation, sensitivity
from hw1bench.measures.line import grid
from hw1bench.specs.experiment import Model

DENSE = Model("784-512-10")
_TOGETHER = 50  # inputs whose Jacobians torch.func takes at once: all of them would take gigabytes


@dataclass(frozen=True)
class Measure:
    """A measure of ``items`` items, and ``ways`` to take it, by name: "ours", "torch.func" and "textbook loop", which is timed on
    ``sampled`` items. Results differ by ``close`` at most, relative to them."""

    title: str
    ways: Mapping[str, Callable[[int], np.ndarray]]
    items: int
    sampled: int
    close: float = 1e-4


def _loaded(model: Model, weights: Tensor) -> nn.Sequential:
    net = models.build(model).to(weights.dtype).eval()
    nn.utils.vector_to_parameters(weights, net.parameters())
    return net


def double_backward(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return the Hessian (parameters, parameters) of the mean squared error at one point, by a backward pass per row."""
    net = _loaded(model, weights)
    parameters = [*net.parameters()]
    loss = nn.functional.mse_loss(net(x), y)
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)
    rows = []
    for entry in nn.utils.parameters_to_vector(gradient):
        row = torch.autograd.grad(entry, parameters, retain_graph=True, materialize_grads=True)
        rows.append(nn.utils.parameters_to_vector(row))
    return torch.stack(rows)


def loop_of_jacobians(model: Model, weights: Tensor, x: Tensor) -> float:
    """Return the mean Jacobian norm of one net, by a backward pass per input and class."""
    net = _loaded(model, weights).requires_grad_(False)
    total = 0.0
    for sample in x.split(1):
        sample = sample.clone().requires_grad_()
        p = torch.softmax(net(sample), dim=1)[0]
        rows = [torch.autograd.grad(each, sample, retain_graph=True)[0] for each in p]
        total += torch.stack(rows).norm().item()
    return total / len(x)


@torch.no_grad()
def mixed_one_by_one(
    model: Model, first: Tensor, second: Tensor, alphas: np.ndarray, x: Tensor, y: Tensor
) -> np.ndarray:
    """Return loss and accuracy (2, alphas) on the line between two nets. Mixed weights are loaded one after the other."""
    net = _loaded(model, first)
    found = []
    for alpha in alphas.tolist():
        nn.utils.vector_to_parameters((1 - alpha) * first + alpha * second, net.parameters())
        output = net(x)
        accuracy = (output.argmax(1) == y).double().mean().item()
        found.append((nn.functional.cross_entropy(output, y).item(), accuracy))
    return np.array(found).T


def spectra(problem: Problem, sampled: int) -> Measure:
    """Return the measure of Hessian and spectrum, at the initial weights of all runs, on all points, in float64."""
    problem = replace(problem, arm=replace(problem.arm, batch_size=None))
    model, weights = problem.arm.model, torch.from_numpy(problem.initial()).double()
    x, y = (array.double() for array in problem.arrays())

    def ours(points: int) -> np.ndarray:
        return curvature.spectrum(curvature.hessian(model, weights[:points], x, y)).numpy()

    def by_func(points: int) -> np.ndarray:
        net = _loaded(model, weights[0])

        def loss(flat: Tensor) -> Tensor:
            return nn.functional.mse_loss(_called(net, flat, x), y)

        return torch.linalg.eigvalsh(torch.stack([hessian(loss)(each) for each in weights[:points]])).numpy()

    def loop(points: int) -> np.ndarray:
        return np.stack(
            [torch.linalg.eigvalsh(double_backward(model, each, x, y)).numpy() for each in weights[:points]]
        )

    title = f"Hessian and spectrum, {model.parameters} parameters, {len(x)} points, at {problem.runs} weights"
    return Measure(title, {"ours": ours, "torch.func": by_func, "textbook loop": loop}, problem.runs, sampled)


def _called(net: nn.Sequential, flat: Tensor, x: Tensor) -> Tensor:
    """The outputs of ``net`` for ``x`` with ``flat`` weights (parameters,), as ``torch.func`` differentiates them."""
    named = dict(net.named_parameters())
    parts = flat.split([one.numel() for one in named.values()])
    weights = {name: part.view_as(one) for (name, one), part in zip(named.items(), parts, strict=True)}
    return functional_call(net, weights, (x,))


def _random(samples: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw the weights (2, parameters) of two nets, and inputs and classes for them."""
    generator = torch.Generator().manual_seed(0)
    nets = [models.drawn(DENSE, generator).parameters() for _ in range(2)]
    x = torch.randn(samples, 784, generator=generator)
    return torch.stack([nn.utils.parameters_to_vector(net).detach() for net in nets]), x, torch.arange(samples) % 10


def jacobians(samples: int, sampled: int) -> Measure:
    """Return the measure of the mean Jacobian norm over ``samples`` inputs."""
    weights, x, _ = _random(samples)
    net = _loaded(DENSE, weights[0]).requires_grad_(False)

    def ours(inputs: int) -> np.ndarray:
        return sensitivity.jacobian_norm(DENSE, weights[:1], x[:inputs])

    def by_func(inputs: int) -> np.ndarray:
        jacobian = vmap(jacrev(lambda sample: torch.softmax(net(sample), dim=0)))
        norms = [jacobian(some).flatten(1).norm(dim=1) for some in x[:inputs].split(_TOGETHER)]
        return torch.cat(norms).mean().numpy()[None]

    def loop(inputs: int) -> np.ndarray:
        return np.array([loop_of_jacobians(DENSE, weights[0], x[:inputs])])

    ways = {"ours": ours, "torch.func": by_func, "textbook loop": loop}
    return Measure(f"Jacobian norm, {DENSE.layout}, {samples:,} inputs", ways, samples, sampled)


def line(alphas: int, samples: int) -> Measure:
    """Return the measure of loss and accuracy at ``alphas`` places on the line between two nets."""
    weights, x, y = _random(samples)
    steps = grid(0, 1, alphas)
    net = _loaded(DENSE, weights[0])

    def ours(count: int) -> np.ndarray:
        found = interpolation.along(DENSE, weights[:1], weights[1:], steps[:count], x, y)
        return np.concatenate([found.loss, found.accuracy])

    @torch.no_grad()
    def by_func(count: int) -> np.ndarray:
        found = []
        for some in (
            torch.from_numpy(steps[:count]).float()[:, None].split(10)
        ):  # outputs of hidden layers stay in the caches
            outputs = vmap(lambda flat: _called(net, flat, x))((1 - some) * weights[0] + some * weights[1])
            losses = vmap(lambda output: nn.functional.cross_entropy(output, y))(outputs)
            found.append(torch.stack([losses, (outputs.argmax(2) == y).float().mean(1)]))
        return torch.cat(found, dim=1).numpy()

    def loop(count: int) -> np.ndarray:
        return mixed_one_by_one(DENSE, *weights, steps[:count], x, y)

    title = f"line between two nets, {DENSE.layout}, {alphas} alphas, {samples:,} inputs"
    return Measure(title, {"ours": ours, "torch.func": by_func, "textbook loop": loop}, alphas, alphas)
