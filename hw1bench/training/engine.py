"""`train`: a block in, a record out, by the backend that suits the net and the device."""

import time
from collections.abc import Callable
from typing import Any

import torch

from hw1bench import data
from hw1bench.data import BUILT_IN, Library
from hw1bench.records.forms import Shapes
from hw1bench.records.runs import Block, Record, recorded
from hw1bench.specs.experiment import Arm, Function, digest
from hw1bench.support import arithmetic, code
from hw1bench.training import sequential, stacked
from hw1bench.training.compiler import compiler_version, compiler_works
from hw1bench.training.kernels import binaries, fit_kernel, image_kernel

# Dense nets up to this many parameters are stacked on a CPU: above it a single net fills the cores by itself, and
# stacking was measured slower.
STACKED_ON_CPU = 20_000

# Model-steps at batch 1 that a block may take without the fit kernel, when one takes about 0.14 ms: seven minutes.
STEPS_WITHOUT_KERNELS = 3_000_000
SECONDS_WITHOUT_KERNELS = 0.14e-3


def device_of(name: str) -> torch.device:
    """ "cpu" or "cuda" as a device; raises ValueError for CUDA where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device here; use --device cpu")
    return torch.device(name)


def backend(arm: Arm, device: torch.device) -> str:
    """Which code trains ``arm``: "fit_kernel", "image_kernel", "compiled" or "eager" (both stacked), or "sequential".

    The kernels take what they can on a CPU, and batch 1 everywhere: no GPU hurries a chain of steps on single samples.
    Compiling takes seconds a layout, which only the long fits of functions repay. Augmentation comes image by image.
    """
    model = arm.model
    if (device.type == "cpu" or arm.batch_size == 1) and binaries.isa() and fit_kernel.supports(arm):
        return "fit_kernel"
    if device.type == "cpu" and binaries.isa() and image_kernel.supports(arm):
        return "image_kernel"
    if not stacked.stackable(arm) or (device.type == "cpu" and model.parameters > STACKED_ON_CPU):
        return "sequential"
    return "compiled" if isinstance(arm.data, Function) and device.type == "cpu" and compiler_works() else "eager"


def environment(device: torch.device) -> dict[str, Any]:
    """Where a run was trained, for people; what of it decides digits is in `key`, each where it does."""
    return {
        "torch": torch.__version__,
        "device": _name(device),
        "isa": binaries.isa() or arithmetic.capability().lower(),
        "threads": torch.get_num_threads(),
        "kernels": binaries.isa() is not None,
        "compiled": device.type == "cpu" and compiler_works(),
        **_precision(device),
    }


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def computing(device: torch.device) -> dict[str, str]:
    """What decides the digits of whatever torch computes on ``device`` on one thread."""
    return {
        "torch": torch.__version__,
        "device": _name(device),
        "capability": arithmetic.capability(),
        "products": arithmetic.products(),
        **_precision(device),
    }


def _precision(device: torch.device) -> dict[str, str]:
    """The float32 of convolutions, where it is not all of float32."""
    return {"convolutions": arithmetic.CONVOLUTIONS_ON_CUDA} if device.type == "cuda" else {}


def _decides(kind: str, device: torch.device) -> dict[str, Any]:
    """What besides specification, data and sources decides the digits of a block that backend ``kind`` trains, and no more."""
    # Whoever trains, torch draws initial weights, order, labels and dropout, on the CPU.
    drawn = {"torch": torch.__version__, "capability": arithmetic.capability(), "draws": arithmetic.draws()}
    if kind in ("fit_kernel", "image_kernel"):
        return {**drawn, "isa": binaries.isa(), "build": binaries.build()}
    decides: dict[str, Any] = {**drawn, **computing(device)}
    if device.type == "cpu" and kind != "sequential":  # where each run has one thread
        decides["threads"] = torch.get_num_threads()
    if kind == "compiled":
        decides["compiler"] = compiler_version()
    return decides


def _loaded(block: Block, library: Library) -> data.Dataset:
    with arithmetic.settled():
        return library.load(block.arm.data)


def key(block: Block, device: torch.device, library: Library = BUILT_IN) -> str:
    """The name under which the record of ``block`` is stored: the digest of all that determines it."""
    kind = backend(block.arm, device)
    return digest(
        {
            "report": block.report,
            "experiment": block.experiment,
            "arm": block.arm,
            "seeds": list(block.seeds),
            "data": _loaded(block, library).fingerprint,
            "sources": code.digest("training"),
            "backend": kind,
            "environment": _decides(kind, device),
        }
    )


def steps(block: Block, library: Library = BUILT_IN) -> int:
    """Model-steps of the whole block: optimiser steps, over all its runs."""
    return len(block.seeds) * block.arm.epochs * block.arm.steps_per_epoch(len(_loaded(block, library).train))


def contents(block: Block, library: Library = BUILT_IN) -> tuple[Shapes, dict[str, Any]]:
    """The arrays of a record of ``block``, with the shape of each of a run, and its facts."""
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
        facts["classes"] = dataset.classes
    else:
        facts |= {
            "target_variance": float(dataset.train.y.var(correction=0)),
            "x": dataset.train.x[:, 0].tolist(),
            "truth": dataset.train.y[:, 0].tolist(),
        }
    return facts


def train(
    block: Block,
    device: torch.device,
    progress: Callable[[int], None] = lambda steps: None,
    library: Library = BUILT_IN,
) -> Record:
    """Train ``block`` on ``device``; ``progress`` is told the model-steps done since it was last told.

    The same block gives the same bits on one machine, version, device and number of threads, whatever ran before it.
    Raises ValueError where the net does not take the data.
    """
    kind = backend(block.arm, device)
    dataset = _loaded(block, library)
    start = time.perf_counter()
    with arithmetic.settled():
        if kind == "fit_kernel":
            arrays = fit_kernel.train(block, dataset, progress)
        elif kind == "image_kernel":
            arrays = image_kernel.train(block, dataset, progress)
        elif kind == "sequential":
            arrays = sequential.train(block, dataset, device, progress)
        else:
            arrays = stacked.train(block, dataset, device, kind == "compiled", progress)
    return Record(arrays, _facts(block.arm, dataset), time.perf_counter() - start)
