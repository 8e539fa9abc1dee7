"""Networks as ``nn.Module``: ``build`` makes that of a layout, ``initialise`` draws its weights. ``drawn`` makes any network, and
``load`` gives it numbers from a record."""

import math
import threading
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hw1bench.specs import notation
from hw1bench.specs.experiment import Model, Network

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def activation(model: Model) -> nn.Module:
    """Make the activation of ``model``, a function of single numbers."""
    return nn.LeakyReLU(model.slope) if model.activation == "leaky_relu" else _ACTIVATIONS[model.activation]()


_LEVELS = 2**16  # of a 16-bit number


def kept(numbers: int, p: float, generators: Sequence[torch.Generator | None], device: torch.device) -> Tensor:
    """Draw a dropout mask (numbers,) of bool from each generator, together (generators, numbers): each is True with probability
    1 - ``p``, independently of the others.

    ``generators`` are on ``device``; None is torch's own. A draw of 64 random bits gives four numbers: True if 16 bits, as a
    signed number, reach a threshold. What is left of the last draw is not used, so a mask depends on the draws before it and on
    its size alone. For 80,000 numbers it was measured 8 times as fast as ``bernoulli_``, which draws a float64 for each.

    The probability is rounded to a multiple of 2^-16, and to 2^-16 at least. It is exact for 1/2 and 1/4, the shares in use;
    any other is off by at most 2^-17 = 8e-6, which shows only in the mean of more than 10^9 numbers.
    """
    # 8 bits were measured 15 % faster, but would be off by up to 2^-9 = 0.002, which the mean of 10^5 numbers shows.
    words = torch.empty(len(generators), -(-numbers // 4), dtype=torch.int64, device=device)
    for row, generator in zip(words, generators, strict=True):
        row.random_(-(2**63), None, generator=generator)
    return words.view(torch.int16)[:, :numbers] >= _LEVELS // 2 - max(1, round((1 - p) * _LEVELS))


class SeededDropout(nn.Module):
    """Dropout (Srivastava et al., 2014) of single activations or of whole feature ``maps``, drawn from its own ``generator``.

    ``generator`` must be set before training, on the device of the input; the masks are those of ``kept``, in the order of the
    axes. In eval mode the module does nothing.
    """

    def __init__(self, p: float, maps: bool) -> None:
        super().__init__()
        self.p, self.maps = p, maps
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        # Drawn in the order of the axes, whatever the memory format.
        shape = (*x.shape[:2], *(1,) * (x.ndim - 2)) if self.maps else x.shape
        mask = kept(math.prod(shape), self.p, [self.generator], x.device).view(shape).to(x.dtype)
        if x.ndim == 4 and not self.maps:
            mask = mask.contiguous(memory_format=torch.channels_last)
        return x * mask.div_(1 - self.p)


def _modules(layer: notation.Layer, model: Model) -> list[nn.Module]:
    match layer:
        case notation.Linear(inputs, outputs, hidden, bias):
            return [nn.Linear(inputs, outputs, bias), *([activation(model)] if hidden else [])]
        case notation.Conv(inputs, outputs, kernel, padding, stride, bias):
            return [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias), activation(model)]
        case notation.Pool(size, average):
            return [nn.AvgPool2d(size) if average else nn.MaxPool2d(size)]
        case notation.Dropout(p, maps):
            return [SeededDropout(p, maps)]
        case notation.Flatten():
            return [nn.Flatten()]
        case notation.Output(name):
            return [{"tanh": nn.Tanh(), "softmax": nn.Softmax(dim=1), "logsoftmax": nn.LogSoftmax(dim=1)}[name]]


def build(model: Model, device: str = "cpu") -> nn.Sequential:
    """Build the network of ``model``, for inputs (samples, features) or (samples, channels, height, width).

    Torch initialises its weights from the global generator; ``initialise`` draws them anew from a generator of one's own.
    """
    with torch.device(device):
        return nn.Sequential(*(m for layer in notation.parse(model.layout) for m in _modules(layer, model)))


def inputs(model: Model | Network, x: Tensor) -> Tensor:
    """Return ``x (samples, ...)`` in the shape that ``model`` takes: a network of one's own takes samples as they are. Raises
    ValueError if a layout takes neither shape."""
    if isinstance(model, Network):
        return x
    shaped = x if notation.takes_maps(model.layout) else x.flatten(1)
    try:
        build(model, "meta")(torch.empty(1, *shaped.shape[1:], device="meta"))
    except (RuntimeError, IndexError) as error:
        raise ValueError(
            f"layout {model.layout!r} does not take samples of shape {tuple(x.shape[1:])}: {error}"
        ) from error
    return shaped


@torch.no_grad()
def initialise(network: nn.Module, model: Model, generator: torch.Generator) -> None:
    """Draw the weights of ``network`` in place, layer by layer from ``generator``, by the rule ``model.init``.

    "torch" is the rule of ``reset_parameters`` of Linear and Conv2d (He et al., 2015, with a = sqrt(5)): weights and biases
    uniform within 1/sqrt(fan in). "keras" is the uniform rule of Glorot and Bengio (2010) with zero biases, and "normal" draws
    weights from a normal distribution with the model's deviation, also with zero biases.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            match model.init:
                case "keras":
                    nn.init.xavier_uniform_(module.weight, generator=generator)
                case "normal":
                    assert model.deviation is not None
                    nn.init.normal_(module.weight, std=model.deviation, generator=generator)
                case "torch":
                    nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
                    if module.bias is not None:
                        bound = 1 / math.sqrt(module.weight[0].numel())
                        nn.init.uniform_(module.bias, -bound, bound, generator=generator)


_ONE_GENERATOR = threading.Lock()  # torch has one for all threads


def random_state() -> Tensor:
    """Return the state of torch's own generator, at a moment when no network draws its weights from it."""
    with _ONE_GENERATOR:
        return torch.get_rng_state()


def drawn(model: Model | Network, generator: torch.Generator) -> nn.Module:
    """Build the network of ``model`` on the CPU in float32, with all its weights drawn from ``generator``.

    A network of one's own draws from torch's own generator, which starts from the seed of ``generator`` and is afterwards as it
    was; the network has the types that it is made with.
    """
    if isinstance(model, Network):
        with _ONE_GENERATOR, torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(generator.initial_seed())
            made: nn.Module = model.make()
        made.register_forward_pre_hook(_copied)
        return made
    network = build(model, "meta").to_empty(device="cpu")
    initialise(network, model, generator)
    return network


def _copied(network: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A hook that gives a network of one's own a copy of its samples: a layer that computes in place would change the data."""
    return tuple(each.clone() for each in given)


def trainable(network: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of ``network`` that are trained, in its order."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def _buffers(network: nn.Module) -> list[Tensor]:
    """Return the tensors of ``network`` that are not trained: parameters, then buffers."""
    return [*(each for each in network.parameters() if not each.requires_grad), *network.buffers()]


def buffers(network: nn.Module) -> Tensor:
    """Copy all numbers of ``network`` that are not trained into one tensor (numbers,) float64 on the CPU."""
    return torch.cat([torch.empty(0), *(each.detach().flatten().cpu() for each in _buffers(network))]).double()


@torch.no_grad()
def load(network: nn.Module, weights: Tensor, kept: Tensor | None = None) -> None:
    """Write ``weights (parameters,)`` and, if there are any, the buffers ``kept (numbers,)`` into ``network``, whose tensors keep
    their memory format: it decides the last bits."""
    for tensors, row in ((trainable(network), weights), (_buffers(network), kept)):
        if row is not None:
            for tensor, part in zip(tensors, row.split([tensor.numel() for tensor in tensors]), strict=True):
                tensor.copy_(part.view(tensor.shape))
