"""Networks of one's own: any ``torch.nn.Module``, made by a function. Torch is not imported here: what makes modules has."""

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from hw1bench.support.checks import called, function, label, settle, shown, version
from hw1bench.support.identifying import NOT_IDENTIFYING

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # in the text of an object, other in each process


@dataclass(frozen=True)
class Pass:
    """What a network does with a few samples: the shape of its ``outputs`` for two, whether these are logarithms of
    ``probabilities``, the ``multiply_adds`` of one sample in layers with weights, and whether it ``draws`` random numbers."""

    outputs: tuple[int, ...]
    probabilities: bool
    multiply_adds: int
    draws: bool


@dataclass(frozen=True)
class Network:
    """A network of one's own. ``make()`` gives a new ``torch.nn.Module``, which takes samples in the shape of the data, (samples,
    channels, height, width) for images, (samples, features) for tables and (samples, 1) for functions, and gives (samples,
    outputs).

    ``make`` may draw from torch's own generator, which each run seeds; dropout and the like may too. ``name`` is that with
    which ``make`` was defined, unless another is given. Name, ``version`` and number of trainable parameters decide an
    experiment's key: raise the version when you change the code. Stored blocks are also bound to the module as it is printed, and
    to the initial weights of one seed, so that most changes are noticed without.

    Raises ValueError for a ``make`` that needs arguments, raises an error, gives no module, gives the same one twice, or gives
    other weights from the same seed, and for a module without trainable parameters, with some that are not floating-point
    numbers, or with any that are not on the CPU.
    """

    make: Callable[[], Any] = field(compare=False, repr=False, metadata=NOT_IDENTIFYING)
    _: KW_ONLY
    name: str = ""
    version: str = "1"
    parameters: int = field(init=False)
    """Number of trainable parameters."""
    buffers: int = field(init=False, repr=False, metadata=NOT_IDENTIFYING)
    """Number of all other numbers: buffers, such as running statistics, and parameters that are not trained."""
    first_layer_parameters: int = field(init=False, repr=False, metadata=NOT_IDENTIFYING)
    """Number of trainable parameters of the first module that has any itself."""
    depth: int = field(init=False, repr=False, metadata=NOT_IDENTIFYING)
    """Number of modules that have trainable parameters of two axes or more themselves."""
    seeded: bool = field(init=False, repr=False, metadata=NOT_IDENTIFYING)
    """Whether the initial weights depend on the seed."""
    content: str = field(init=False, repr=False, metadata=NOT_IDENTIFYING)
    """Digest of the module as it is printed, and of all its numbers for one seed."""
    _passes: dict[tuple[Any, ...], Pass] = field(
        default_factory=dict, init=False, compare=False, repr=False, metadata=NOT_IDENTIFYING
    )

    def __post_init__(self) -> None:
        _check_make(self.make)
        if not self.name:
            object.__setattr__(self, "name", called(self.make))
            if not self.name:
                raise ValueError(f"Network make is {shown(self.make)}, which has no name: give name=")
        settle(self, name=label(), version=version())
        self._check(self._made(0))  # the first call may be what imports torch, which can be seeded only then
        first, again, other = (self._made(seed) for seed in (0, 0, 1))
        if {id(one) for one in first.parameters()} & {id(one) for one in again.parameters()}:
            raise ValueError(f"{self._whose} gives the same module twice: make a new one at each call")
        numbers, repeated, others = ([*map(_bytes, _state(module))] for module in (first, again, other))
        if numbers != repeated:
            raise ValueError(
                f"{self._whose} gives other weights when it is called again: draw them from torch's own generator"
            )
        parameters = [each.numel() for each in first.parameters() if each.requires_grad]
        layers = [[*_own(module)] for module in first.modules()]
        total = hashlib.sha256(_ADDRESS.sub("", repr(first)).encode())
        for part in numbers:
            total.update(part)
        for name, value in (
            ("parameters", sum(parameters)),
            ("buffers", sum(each.numel() for each in _state(first)) - sum(parameters)),
            ("first_layer_parameters", next(sum(map(_numel, layer)) for layer in layers if layer)),
            ("depth", sum(any(each.ndim > 1 for each in layer) for layer in layers)),
            ("seeded", numbers != others),
            ("content", total.hexdigest()[:32]),
        ):
            object.__setattr__(self, name, value)

    @property
    def numbers(self) -> int:
        """Number of all numbers of the network: parameters and buffers."""
        return self.parameters + self.buffers

    @property
    def title(self) -> str:
        """The network's name."""
        return self.name

    @property
    def _whose(self) -> str:
        return f"Network {self.name!r} make"

    def _made(self, seed: int) -> Any:
        """Return a new module, made after torch's generator was seeded with ``seed``."""
        with _seeded(seed):
            try:
                return self.make()
            except Exception as error:  # the function is an author's
                raise ValueError(f"{self._whose} raises {_said(error)}") from None

    def _check(self, module: Any) -> None:
        if not _is_module(module):
            raise ValueError(f"{self._whose} gives {shown(module)}: give a torch.nn.Module")
        parameters = [*module.parameters()]
        if not any(each.requires_grad for each in parameters):
            raise ValueError(f"{self._whose} gives a module without trainable parameters: give one with some")
        for name, each in module.named_parameters():
            if type(each).__name__ == "UninitializedParameter":
                raise ValueError(f"{self._whose} leaves the shape of {name} open: give its size")
            if each.requires_grad and not each.is_floating_point():
                raise ValueError(f"{self._whose} gives {name} as {each.dtype}: give floating-point numbers")
        for name, each in (*module.named_parameters(), *module.named_buffers()):
            if each.device.type != "cpu":
                raise ValueError(f"{self._whose} puts {name} on {each.device}: leave it on the CPU")

    def passed(self, shape: tuple[int, ...], samples: int = 2) -> Pass:
        """Evaluate two samples of ``shape`` and train on ``samples``, without a step, once for each shape.

        Raises ValueError, in one line, if the network does not take them or gives no tensor.
        """
        if (shape, samples) not in self._passes:
            self._passes[shape, samples] = self._passed(shape, samples)
        return self._passes[shape, samples]

    def _passed(self, shape: tuple[int, ...], samples: int) -> Pass:
        torch = sys.modules["torch"]
        module = self._made(0)
        counts: list[int] = []
        for each in module.modules():
            each.register_forward_hook(lambda one, _, output: counts.append(_multiply_adds(one, output)))
        x = next(each for each in module.parameters() if each.requires_grad).new_zeros((2, *shape))
        with _seeded(0), torch.no_grad():
            before, verb = torch.get_rng_state(), "take"
            try:
                outputs = module.eval()(x)
                evaluation, verb = [*counts], f"train on {samples}"
                module.train()(x[:samples])
            except Exception as error:  # the module is an author's
                what = "sample" if verb == "train on 1" else "samples"
                raise ValueError(
                    f"network {self.name!r} does not {verb} {what} of shape {shape}: {_said(error)}"
                ) from None
            draws = not torch.equal(before, torch.get_rng_state())
        if not isinstance(outputs, torch.Tensor):
            raise ValueError(
                f"network {self.name!r} gives {shown(type(outputs))}: give one tensor of outputs, (samples, outputs)"
            )
        probabilities = outputs.ndim == 2 and bool((outputs.exp().sum(1) - 1).abs().max() < 1e-3)
        return Pass(tuple(outputs.shape), probabilities, sum(evaluation) // 2, draws)


def _check_make(make: Any) -> None:
    function()(make, "Network make")
    if _is_module(make):
        raise ValueError(
            f"Network make is a module, {type(make).__name__}: give a function that makes it, or its class"
        )
    try:
        inspect.signature(make).bind()
    except TypeError:
        raise ValueError(f"Network make is {shown(make)}: give a function that takes no arguments") from None
    except ValueError:
        pass  # a function of C may not tell what it takes


def _is_module(value: Any) -> bool:
    return any(
        (kind.__module__, kind.__name__) == ("torch.nn.modules.module", "Module") for kind in type(value).__mro__
    )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Context in which torch's generator starts from ``seed``; afterwards it is as it was."""
    torch = sys.modules.get("torch")
    if torch is None:  # then nothing here can make a module
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _state(module: Any) -> list[Any]:
    """Return all tensors of a module: its parameters and its buffers."""
    return [*module.parameters(), *module.buffers()]


def _bytes(tensor: Any) -> bytes:
    text: str = str((tensor.dtype, tuple(tensor.shape)))
    content: bytes = tensor.detach().flatten().contiguous().view(sys.modules["torch"].uint8).numpy().tobytes()
    return text.encode() + content


def _own(module: Any) -> list[Any]:
    """Return the trainable parameters that ``module`` has itself."""
    return [each for each in module.parameters(recurse=False) if each.requires_grad]


def _numel(tensor: Any) -> int:
    return int(tensor.numel())


def _multiply_adds(module: Any, output: Any) -> int:
    """Return the multiply-adds with which a layer gave ``output`` (2, ...): each of its weights is used once for each place."""
    weights = [each for each in _own(module) if each.ndim > 1]
    if not weights:
        return 0
    if not hasattr(output, "numel"):  # of a recurrent layer, say
        return 2 * sum(map(_numel, weights))
    places = max(2, _numel(output) // int(weights[0].shape[0]))
    return places * sum(map(_numel, weights))
