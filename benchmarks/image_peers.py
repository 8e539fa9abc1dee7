"""What the engine's training on images is compared with: the plain loop, as it is and compiled, a stacked loop by ``torch.func``,
and JAX.

Each starts from the weights of the engine's runs and takes their batches in their order, from images on the device, by Adam. None
of them augments images, reads a loss or evaluates between steps. Dropout is the library's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.contenders import jax_adam
from benchmarks.image_problems import Problem
from hw1bench import models
from hw1bench.specs import notation
from hw1bench.training.streams import generator_for


@dataclass(frozen=True)
class Peer:
    """``epoch`` trains so many ``runs`` for an epoch, and returns when the device is done. ``losses`` gives the losses (runs,)
    of the whole training set, without dropout."""

    epoch: Callable[[], None]
    losses: Callable[[], np.ndarray]
    runs: int


def synchronize(device: torch.device) -> None:
    """Wait until ``device`` is done with what was begun."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _nets(problem: Problem, runs: int) -> list[nn.Sequential]:
    """Return the nets of the first ``runs`` seeds on the CPU, with torch's ordinary dropout."""
    found = []
    for seed in problem.block.seeds[:runs]:
        net = models.drawn(problem.arm.model, generator_for(problem.block, "init", seed))
        for place, module in enumerate(net):
            if isinstance(module, models.SeededDropout):
                net[place] = nn.Dropout2d(module.p) if module.maps else nn.Dropout(module.p)
        found.append(net)
    return found


def _on(problem: Problem, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return images, in the shape that the net takes, and classes on ``device``."""
    train = problem.images().train
    return models.inputs(problem.arm.model, train.x).to(device), train.y.to(device)


def _criterion(problem: Problem) -> Callable[[Tensor, Tensor], Tensor]:
    return nn.functional.nll_loss if problem.arm.loss == "nll" else nn.functional.cross_entropy


def plain(problem: Problem, device: torch.device) -> Peer:
    """One run of ordinary modules, step by step: batch gathered, forward, backward, Adam."""
    return _loop(problem, device, lambda net: net)


def compiled(problem: Problem, device: torch.device) -> Peer:
    """The same, with forward and backward compiled by ``torch.compile``."""
    torch.compiler.reset()  # otherwise nets before this one count towards the limit after which nothing is compiled
    return _loop(problem, device, torch.compile)


def _loop(problem: Problem, device: torch.device, made: Callable[[nn.Module], Any]) -> Peer:
    (net,) = _nets(problem, 1)
    net.to(device)
    forward = made(net)
    x, y = _on(problem, device)
    orders, loss = problem.orders(1), _criterion(problem)
    optimizer = torch.optim.Adam(net.parameters(), lr=problem.arm.optimizer.lr, fused=True)

    def epoch() -> None:
        for rows in next(orders)[:, 0].to(device):
            optimizer.zero_grad()
            loss(forward(x[rows]), y[rows]).backward()
            optimizer.step()
        synchronize(device)

    @torch.no_grad()
    def losses() -> np.ndarray:
        net.eval()
        found = loss(net(x), y).cpu().numpy()[None]
        net.train()
        return found

    return Peer(epoch, losses, 1)


def vmapped(problem: Problem, device: torch.device) -> Peer:
    """Eight runs by ``vmap`` over the ``grad`` of a ``functional_call``, step by step, with Adam on the stacked weights."""
    nets = _nets(problem, len(problem.block.seeds))
    weights, _ = torch.func.stack_module_state(nets)
    weights = {name: weight.detach().to(device) for name, weight in weights.items()}
    x, y = _on(problem, device)
    orders, criterion = problem.orders(len(nets)), _criterion(problem)
    optimizer = torch.optim.Adam(weights.values(), lr=problem.arm.optimizer.lr, fused=True)

    def loss(one: dict[str, Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
        return criterion(torch.func.functional_call(nets[0], one, (inputs,)), targets)

    gradients = torch.func.vmap(torch.func.grad(loss), randomness="different")

    def epoch() -> None:
        for rows in next(orders).to(device):
            for name, gradient in gradients(weights, x[rows], y[rows]).items():
                weights[name].grad = gradient
            optimizer.step()
        synchronize(device)

    @torch.no_grad()
    def losses() -> np.ndarray:
        nets[0].eval()
        found = torch.func.vmap(loss, in_dims=(0, None, None))(weights, x, y).cpu().numpy()
        nets[0].train()
        return found

    return Peer(epoch, losses, len(nets))


def _jax_outputs(layout: str, weights: list[Any], x: Any, key: Any) -> Any:
    """Return the outputs (samples, classes) of the net for ``x``; ``weights`` are a weight and a bias per layer, as torch has
    them. ``key`` draws dropout; None is without."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    left, h = iter(weights), x
    for place, layer in enumerate(notation.parse(layout)):
        match layer:
            case notation.Conv(padding=padding):
                weight, bias = next(left), next(left)
                h = lax.conv_general_dilated(h, weight, (1, 1), [(padding, padding)] * 2)
                h = jnp.maximum(h + bias[:, None, None], 0)
            case notation.Pool(size):
                window = (1, 1, size, size)
                h = lax.reduce_window(h, -jnp.inf, lax.max, window, window, "VALID")
            case notation.Dropout(p, maps):
                if key is not None:
                    shape = (*h.shape[:2], *(1,) * (h.ndim - 2)) if maps else h.shape
                    kept = jax.random.bernoulli(jax.random.fold_in(key, place), 1 - p, shape)
                    h = jnp.where(kept, h / (1 - p), 0)
            case notation.Flatten():
                h = h.reshape(len(h), -1)
            case notation.Linear(hidden=hidden):
                weight, bias = next(left), next(left)
                h = h @ weight.T + bias
                h = jnp.maximum(h, 0) if hidden else h
            case notation.Output(name):
                h = {"softmax": jax.nn.softmax, "logsoftmax": jax.nn.log_softmax, "tanh": jnp.tanh}[name](h)
    return h


def jax_trained(problem: Problem) -> Peer:
    """Eight runs by ``vmap`` in JAX, the steps of an epoch by one ``jit`` of a ``scan``; or, where a CPU trains a net with
    convolutions, one run, step by step. There ``vmap`` makes grouped convolutions of them, which take two to four times as
    long, and a convolution within a ``scan`` takes four to fifteen times as long as outside.

    Precision is what JAX has by default: on a GPU its matrix products may be in TF32, where ours are in float32. The device is
    JAX's own default.
    """
    import jax
    import jax.numpy as jnp
    from jax import lax

    arm = problem.arm
    apart = jax.default_backend() == "cpu" and problem.operations.convolutions > 0
    runs = 1 if apart else len(problem.block.seeds)
    nets = _nets(problem, runs)
    weights = [
        jnp.asarray(torch.stack(same).detach().numpy())
        for same in zip(*(net.parameters() for net in nets), strict=True)
    ]
    x, y = (jnp.asarray(array.numpy()) for array in _on(problem, torch.device("cpu")))
    orders = problem.orders(runs)

    def loss(weights: list[Any], x: Any, y: Any, key: Any) -> Any:
        output = _jax_outputs(arm.model.layout, weights, x, key)
        logarithms = output if arm.loss == "nll" else jax.nn.log_softmax(output)
        return -jnp.take_along_axis(logarithms, y[:, None], axis=1).mean()

    def per_run(function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` of the first, and only, run, or of all."""

        def of_one(*given: Any) -> Any:
            return jax.tree.map(lambda found: found[None], function(*jax.tree.map(lambda one: one[0], given)))

        return of_one if apart else jax.vmap(function)

    def step(state: Any, rows: Any) -> Any:
        weights, moments, count, key = state
        keys = jax.random.split(jax.random.fold_in(key, count), runs)
        gradients = per_run(jax.grad(loss))(weights, x[rows], y[rows], keys)
        weights, moments = jax_adam(arm.optimizer, weights, gradients, moments, count + 1)
        return (weights, moments, count + 1, key), None

    def steps(state: Any, rows: Any) -> Any:
        return (step(state, rows) if apart else lax.scan(step, state, rows))[0]

    trained = jax.jit(steps, donate_argnums=0)
    zero = [jnp.zeros_like(weight) for weight in weights]
    state = (
        weights,
        (zero, [jnp.zeros_like(weight) for weight in weights]),
        jnp.zeros((), jnp.int32),
        jax.random.key(0),
    )

    def epoch() -> None:
        nonlocal state
        order = jnp.asarray(next(orders).numpy().astype(np.int32))
        for rows in order if apart else [order]:
            state = trained(state, rows)
        jax.block_until_ready(state)

    def losses() -> np.ndarray:
        return np.asarray(jax.jit(per_run(lambda weights: loss(weights, x, y, None)))(state[0]))

    return Peer(epoch, losses, runs)
