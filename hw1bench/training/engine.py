"""Training of a block into a record, by the backend that suits the net and the device."""

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from hw1bench import data
from hw1bench.data import BUILT_IN, Library
from hw1bench.records.forms import ExpectedShapes
from hw1bench.records.runs import Block, Record, recorded
from hw1bench.specs.experiment import Arm, Function, Network, digest
from hw1bench.support import arithmetic, code
from hw1bench.support.precision import Precision
from hw1bench.support.progress import Advance
from hw1bench.support.stopwatch import stopwatch
from hw1bench.support.workers import processors
from hw1bench.training import sequential, side_by_side, stacked, stacked_net
from hw1bench.training.compiler import compiler_version, compiler_works
from hw1bench.training.kernels import binaries, fit_kernel, image_kernel

# Dense nets up to this many parameters are stacked: a larger net keeps all cores busy by itself, and stacking
# was measured to be slower.
STACKED_ON_CPU = 20_000

# Model-steps at batch size 1 that a block may take without the fit kernel. Each takes about 0.14 ms: seven minutes.
STEPS_WITHOUT_KERNELS = 3_000_000
SECONDS_WITHOUT_KERNELS = 0.14e-3


def device_of(name: str) -> torch.device:
    """Return the device called ``name``, "cpu" or "cuda". Raises ValueError for "cuda" if there is no CUDA device."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device here: give --device cpu")
    return torch.device(name)


def backend(arm: Arm, device: torch.device) -> str:
    """Return the backend for ``arm``: "fit_kernel", "image_kernel", "compiled" or "eager" (both stacked), or "sequential" on a
    CPU; "fit_kernel" or "resident" on a GPU; "sequential" on either for a network of one's own.

    On a CPU the kernels train every arm that they support. Compilation takes seconds per layout, which pays off only for long
    fits of functions.
    """
    if isinstance(arm.model, Network):
        return "sequential"
    if binaries.isa() and for_the_fit_kernel(arm, device):
        return "fit_kernel"
    if device.type != "cpu":
        return "resident"
    if binaries.isa() and image_kernel.supports(arm):
        return "image_kernel"
    if not stacked.stackable(arm) or arm.model.parameters > STACKED_ON_CPU:
        return "sequential"
    return "compiled" if isinstance(arm.data, Function) and compiler_works() else "eager"


def for_the_fit_kernel(arm: Arm, device: torch.device) -> bool:
    """Whether the fit kernel trains ``arm``, if it is built: whatever it supports, but on a GPU functions alone, because no GPU
    is faster at a chain of steps on so few samples. A table may have many."""
    return fit_kernel.supports(arm) and (device.type == "cpu" or isinstance(arm.data, Function))


def without_kernel(arm: Arm, device: torch.device) -> str:
    """Return why torch trains ``arm`` on ``device``, in a few words; "" if a kernel does."""
    kind = backend(arm, device)
    if kind in ("fit_kernel", "image_kernel"):
        return ""
    if kind == "resident":
        return "on a GPU"
    return ", ".join((fit_kernel if arm.data.regression else image_kernel).lacking(arm)) or binaries.reason()


def environment(device: torch.device, precision: Precision = "default") -> dict[str, Any]:
    """Describe the machine and software, for the report. ``key`` holds what determines the digits of a run."""
    return {
        "torch": torch.__version__,
        "device": _name(device),
        "isa": binaries.isa() or arithmetic.capability().lower(),
        "threads": torch.get_num_threads(),
        "kernels": binaries.isa() is not None,
        # Other sources sum in another order, so that long training ends elsewhere, as on another machine.
        **({"sources": binaries.sources()} if binaries.isa() else {}),
        "compiled": device.type == "cpu" and compiler_works(),
        **_convolutions(device, precision),
        **({"triton": stacked_net.kernels_version(device)} if device.type == "cuda" else {}),
    }


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def computing(device: torch.device, precision: Precision = "default") -> dict[str, str]:
    """Return everything that determines the digits of torch's computations on ``device`` on one thread."""
    return {
        "torch": torch.__version__,
        "device": _name(device),
        "capability": arithmetic.capability(),
        "products": arithmetic.products(),
        **_convolutions(device, precision),
        **(_gpu() if device.type == "cuda" else {}),
    }


# What decides the digits on a GPU cannot be told from small computations, as ``arithmetic.products`` does for a processor: the
# algorithms of its libraries depend on the sizes.
_SWITCHES_ON_A_GPU = (
    "NVIDIA_TF32_OVERRIDE",
    "CUBLAS_WORKSPACE_CONFIG",
    "TORCH_BLAS_PREFER_CUBLASLT",
    "DISABLE_ADDMM_CUDA_LT",
)


def _gpu() -> dict[str, str]:
    """Return the versions of a GPU's libraries, and the variables that choose among their algorithms."""
    versions = {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    return versions | {name: os.environ.get(name, "") for name in _SWITCHES_ON_A_GPU}


def _convolutions(device: torch.device, precision: Precision) -> dict[str, str]:
    """Return how float32 convolutions compute on a GPU. On a CPU there is no choice, and nothing to say."""
    return {"convolutions": arithmetic.CONVOLUTIONS_ON_CUDA[precision]} if device.type == "cuda" else {}


def _decides(kind: str, device: torch.device, precision: Precision) -> dict[str, Any]:
    """Return what determines the digits of a block trained by backend ``kind``, besides specification, data and sources."""
    # For every backend torch draws initial weights, order and labels on the CPU, and dropout where it trains.
    drawn = {"torch": torch.__version__, "capability": arithmetic.capability(), "draws": arithmetic.draws()}
    if kind in ("fit_kernel", "image_kernel"):
        return {**drawn, "isa": binaries.isa(), "build": binaries.build()}
    decides: dict[str, Any] = {**drawn, **computing(device, precision)}
    if kind in ("compiled", "eager"):  # as ``threads_matter`` says; "sequential" gives each run one thread
        decides["threads"] = torch.get_num_threads()
    if kind == "compiled":
        decides["compiler"] = compiler_version()
    if kind == "resident":
        decides["triton"] = stacked_net.kernels_version(device)
    return decides


def machine(device: torch.device, precision: Precision = "default") -> str:
    """Return a digest of what determines digits on ``device`` here, whatever the backend, besides sources: of two machines with
    the same digest each gives the other's records."""
    kinds = ("fit_kernel", "image_kernel", "compiled", "eager", *(() if device.type == "cpu" else ("resident",)))
    return digest({kind: _decides(kind, device, precision) for kind in kinds})


def threads_matter(arm: Arm, device: torch.device) -> bool:
    """Whether the digits of runs of ``arm`` depend on torch's number of threads."""
    return backend(arm, device) in ("compiled", "eager")


def _loaded(block: Block, library: Library) -> data.Dataset:
    with arithmetic.fixed_settings():
        return library.of(block.arm)


def key(block: Block, device: torch.device, library: Library = BUILT_IN, *, precision: Precision = "default") -> str:
    """Return the name under which the record of ``block`` is stored: a digest of everything that determines the record."""
    kind = backend(block.arm, device)
    return digest(
        {
            "report": block.report,
            "experiment": block.experiment,
            "arm": block.arm,
            **({"network": block.arm.model.content} if isinstance(block.arm.model, Network) else {}),
            "seeds": list(block.seeds),
            "data": _loaded(block, library).fingerprint,
            "sources": code.digest("training"),
            "backend": kind,
            "environment": _decides(kind, device, precision),
        }
    )


def steps(block: Block, library: Library = BUILT_IN) -> int:
    """Return the model-steps of ``block``: the optimiser steps of all its runs."""
    return len(block.seeds) * block.arm.epochs * block.arm.steps_per_epoch(len(_loaded(block, library).train))


def contents(block: Block, library: Library = BUILT_IN) -> tuple[ExpectedShapes, dict[str, Any]]:
    """Return the arrays of a record of ``block``, each with its shape per run, and the facts of the record."""
    dataset = _loaded(block, library)
    return recorded(block.arm, len(dataset.train)), _facts(block.arm, dataset)


def _facts(arm: Arm, dataset: data.Dataset) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "dataset": dataset.name,
        "fingerprint": dataset.fingerprint,
        "stand_in": bool(dataset.stands_for),
        "canonical": dataset.canonical,
        "steps_per_epoch": arm.steps_per_epoch(len(dataset.train)),
    }
    if dataset.classes is not None:
        return facts | {"classes": dataset.classes}
    by_target = [float(target.var(correction=0)) for target in dataset.train.y.T]
    facts["target_variance"] = math.fsum(by_target) / len(by_target)
    if isinstance(arm.data, Function):
        facts |= {"x": dataset.train.x[:, 0].tolist(), "truth": dataset.train.y[:, 0].tolist()}
    return facts


class Unfinished(Protocol):
    """The runs of a block that have been trained before, and those that end now: see ``hw1bench.records.unfinished``, of which
    training imports nothing, because how runs are stored decides no digit."""

    @property
    def left(self) -> list[int]: ...
    def ended(self, seed: int, record: Record) -> None: ...
    def joined(self, record: Record) -> Record: ...


def train(
    block: Block,
    device: torch.device,
    advance: Advance = lambda steps: None,
    library: Library = BUILT_IN,
    *,
    precision: Precision = "default",
    unfinished: Unfinished | None = None,
) -> Record:
    """Train ``block`` on ``device``. ``advance`` is called with the model-steps done since the last call. Where runs train one by
    one (``run_by_run``), those that ``unfinished`` has are not trained again, and each of the others is given to it as it ends.

    The same block gives the same bits on the same machine, versions, device and number of threads, whatever ran before.
    Raises ValueError if the net does not take the data.
    """
    kind = backend(block.arm, device)
    if kind == "resident":
        found: list[Record] = []
        _train_side_by_side([block], device, lambda _, record: found.append(record), advance, library, precision)
        return found[0]
    dataset = _loaded(block, library)
    if kind in _RUN_BY_RUN:
        return _train_run_by_run(kind, block, dataset, device, advance, precision, unfinished)
    seconds = stopwatch(fit_kernel.calls_beside(block) if kind == "fit_kernel" else len(block.seeds))
    with arithmetic.fixed_settings(precision):
        if kind == "fit_kernel":
            arrays = fit_kernel.train(block, dataset, advance)
        else:
            arrays = stacked.train(block, dataset, kind == "compiled", advance)
    return Record(arrays, _facts(block.arm, dataset), seconds())


_RUN_BY_RUN = ("image_kernel", "sequential")


def run_by_run(arm: Arm, device: torch.device) -> bool:
    """Whether each run of ``arm`` trains by itself, so that it can end before the others of its block."""
    return backend(arm, device) in _RUN_BY_RUN


def at_once(arm: Arm, device: torch.device) -> int:
    """How many runs of ``arm``, which train ``run_by_run``, train at the same time, as far as there are so many."""
    alone = backend(arm, device) == "sequential" and sequential.alone(arm, device)
    return 1 if alone else processors()


def _train_run_by_run(
    kind: str,
    block: Block,
    dataset: data.Dataset,
    device: torch.device,
    advance: Advance,
    precision: Precision,
    unfinished: Unfinished | None,
) -> Record:
    seeds = unfinished.left if unfinished else list(block.seeds)
    facts = _facts(block.arm, dataset)
    by_the_clock = kind == "sequential" and device.type == "cuda"
    seconds = stopwatch(None if by_the_clock else min(len(seeds), at_once(block.arm, device)) or 1)
    each = block.arm.epochs * block.arm.steps_per_epoch(len(dataset.train))
    done = 0

    def counted(steps: int) -> None:
        nonlocal done
        done += steps
        advance(steps)

    def ended(seed: int, arrays: dict[str, np.ndarray]) -> None:
        if unfinished:
            one = {name: np.asarray(array)[np.newaxis] for name, array in arrays.items()}
            share = each / max(each, done)  # of the time: other runs have taken steps too
            unfinished.ended(seed, Record(one, facts, share * seconds()))

    arrays: dict[str, np.ndarray] = {}
    with arithmetic.fixed_settings(precision):
        if seeds and kind == "image_kernel":
            arrays = image_kernel.train(block, dataset, counted, seeds=seeds, ended=ended)
        elif seeds:
            arrays = sequential.train(block, dataset, counted, device, seeds=seeds, ended=ended)
    record = Record(arrays, facts, seconds())
    return unfinished.joined(record) if unfinished else record


def groups(blocks: Sequence[Block], device: torch.device) -> list[list[Block]]:
    """Return ``blocks`` in groups for ``train_group``: those that train side by side, and each other block by itself."""
    small = [block for block in blocks if backend(block.arm, device) == "resident" and side_by_side.small(block.arm)]
    return [*([small] if small else []), *([block] for block in blocks if block not in small)]


def train_group(
    blocks: Sequence[Block],
    device: torch.device,
    done: Callable[[Block, Record], None],
    advance: Advance = lambda steps: None,
    library: Library = BUILT_IN,
    *,
    precision: Precision = "default",
    unfinished: Unfinished | None = None,
) -> None:
    """Train one of the ``groups``, otherwise as ``train``. ``done`` is called with each record as soon as there is one.
    ``unfinished`` is for a group of one block."""
    if len(blocks) > 1:
        _train_side_by_side(blocks, device, done, advance, library, precision)
    else:
        for block in blocks:
            done(block, train(block, device, advance, library, precision=precision, unfinished=unfinished))


def _train_side_by_side(
    blocks: Sequence[Block],
    device: torch.device,
    done: Callable[[Block, Record], None],
    advance: Advance,
    library: Library,
    precision: Precision,
) -> None:
    jobs = [(block, _loaded(block, library)) for block in blocks]

    def trained(place: int, arrays: dict[str, Any], seconds: float) -> None:
        block, dataset = jobs[place]
        done(block, Record(arrays, _facts(block.arm, dataset), seconds))

    with arithmetic.fixed_settings(precision):
        side_by_side.train(jobs, device, advance, trained)
