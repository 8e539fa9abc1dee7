"""The structures that Python passes to the kernels, and the numbers that stand for names in them.

They mirror the structures in C++: ``fit_problem.h`` and ``image_problem.h`` document each field.
"""

import ctypes
from collections.abc import Iterator
from typing import Any

from hw1bench.specs.ingredients import LEAK, Model, Optimizer

ACTIVATIONS = {"relu": 1, "leaky_relu": 2, "tanh": 3}  # the leaky ReLU with torch's default slope alone
OPTIMIZERS = {"sgd": 0, "adam": 1, "rmsprop": 2}
LOSSES = {"cross_entropy": 0, "nll": 1}
OUTPUTS = {"softmax": 1, "logsoftmax": 2}
EPS = 1e-8  # torch's default for Adam and RMSprop


def lacking(model: Model, optimizer: Optimizer) -> Iterator[str]:
    """What the kernels lack to train ``model`` by ``optimizer``, a few words each."""
    if model.activation not in ACTIVATIONS:
        yield model.activation
    elif model.slope != LEAK:
        yield f"a slope of {model.slope:g}"
    if optimizer.name not in OPTIMIZERS:
        yield optimizer.name
    elif optimizer.momentum:
        yield "momentum"


def _fields(kind: type[Any], *names: str) -> tuple[tuple[str, type[Any]], ...]:
    return tuple((name, kind) for name in names)


class FitProblem(ctypes.Structure):
    """The problem that the runs of a block share, for the fit kernel."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "widths", "x", "y", "evaluated"),
        *_fields(ctypes.c_double, "lr", "weight_decay", "eps"),
        ("epochs", ctypes.c_int64),
        *_fields(ctypes.c_int32, "layers", "activation", "output", "optimizer", "samples", "batch"),
    )


class FitState(ctypes.Structure):
    """The state that training changes, for the fit kernel."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "weights", "first", "second", "train_loss", "gradient_norm", "prediction"),
        ("next_epoch", ctypes.c_int64),
        *_fields(ctypes.c_double, "beta1_power", "beta2_power"),
    )


class ImageStage(ctypes.Structure):
    """A layer with weights, and the dropout and pooling after it."""

    _fields_ = (
        *_fields(ctypes.c_int32, "channels", "height", "width", "kernel", "padding", "outputs"),
        *_fields(ctypes.c_int32, "activation", "pool", "before", "after"),
        *_fields(ctypes.c_double, "p_before", "p_after"),
    )


class ImageProblem(ctypes.Structure):
    """The problem that the runs of a block share, for the image kernel."""

    _fields_ = (
        ("stages", ctypes.c_void_p),
        *_fields(ctypes.c_double, "weight_decay", "eps"),
        *_fields(ctypes.c_int32, "count", "channels", "height", "width", "batch", "output", "loss", "optimizer"),
    )


class ImageState(ctypes.Structure):
    """The state that training changes, for the image kernel."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "weights", "first", "second", "memory"),
        *_fields(ctypes.c_double, "beta1_power", "beta2_power"),
    )


class ImageSamples(ctypes.Structure):
    """Images and their classes."""

    _fields_ = _fields(ctypes.c_void_p, "x", "y")


class ImagePiece(ctypes.Structure):
    """A batch, or a part of a batch."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "order", "top", "left", "flip", "kept", "loss", "correct", "squares"),
        ("lr", ctypes.c_double),
        *_fields(ctypes.c_int32, "batch", "start", "end", "step"),
    )


MIRRORED = (FitProblem, FitState, ImageStage, ImageProblem, ImageState, ImageSamples, ImagePiece)


class _Member(ctypes.Structure):
    """A library's description of a member of a structure: see ``Member`` in ``interface.h``."""

    _fields_ = (
        *_fields(ctypes.c_char_p, "structure", "name"),
        ("kind", ctypes.c_char),
        *_fields(ctypes.c_int32, "offset", "size"),
    )


_KINDS: dict[Any, bytes] = {ctypes.c_void_p: b"p", ctypes.c_double: b"f", ctypes.c_int32: b"i", ctypes.c_int64: b"i"}
_Members = dict[tuple[str, str], tuple[bytes, int, int]]  # (structure, field or "") -> kind, offset, size


def _mirrored() -> _Members:
    """Describe the structures of Python."""
    found: _Members = {}
    for mirrored in MIRRORED:
        found[mirrored.__name__, ""] = b"s", 0, ctypes.sizeof(mirrored)
        for name, kind, *_ in mirrored._fields_:
            field = getattr(mirrored, name)
            found[mirrored.__name__, name] = _KINDS[kind], field.offset, field.size
    return found


def _compiled(library: ctypes.CDLL) -> _Members:
    """Return the description of the structures by ``library``."""
    found: _Members = {}
    for members in (library.fit_members, library.image_members):
        members.restype = ctypes.POINTER(_Member)
        for row in members():
            if not row.structure:
                break
            found[row.structure.decode(), row.name.decode()] = row.kind, row.offset, row.size
    return found


def mismatch(library: ctypes.CDLL) -> str:
    """Return the first structure, or field of a structure, in which ``library`` and Python differ; "" if they agree.

    Raises AttributeError if the library does not describe its structures.
    """
    here, there = _mirrored(), _compiled(library)
    differ = [place for place in here | there if here.get(place) != there.get(place)]
    return ".".join(filter(None, differ[0])) if differ else ""
