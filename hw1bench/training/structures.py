"""The structures through which Python and the kernels speak, as C++ has them: see the sources for what each field means."""

import ctypes
from typing import Any


def _fields(kind: type[Any], *names: str) -> tuple[tuple[str, type[Any]], ...]:
    return tuple((name, kind) for name in names)


class Problem(ctypes.Structure):
    """What the runs of a block share, for ``kernel.cpp``."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "widths", "x", "y"),
        *_fields(ctypes.c_double, "lr", "weight_decay", "eps"),
        ("epochs", ctypes.c_int64),
        *_fields(ctypes.c_int32, "layers", "activation", "output", "optimizer", "samples", "batch"),
    )


class State(ctypes.Structure):
    """What training changes, for ``kernel.cpp``."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "weights", "first", "second", "train_loss", "gradient_norm", "prediction"),
        ("next_epoch", ctypes.c_int64),
        *_fields(ctypes.c_double, "beta1_power", "beta2_power"),
    )


class ImageStage(ctypes.Structure):
    """A layer with weights and what follows it."""

    _fields_ = (
        *_fields(ctypes.c_int32, "channels", "height", "width", "kernel", "padding", "outputs"),
        *_fields(ctypes.c_int32, "activation", "pool", "before", "after"),
        *_fields(ctypes.c_double, "p_before", "p_after"),
    )


class ImageProblem(ctypes.Structure):
    """What the runs of a block share, for ``convolutional_kernel.cpp``."""

    _fields_ = (
        ("stages", ctypes.c_void_p),
        *_fields(ctypes.c_double, "weight_decay", "eps"),
        *_fields(ctypes.c_int32, "count", "channels", "height", "width", "batch", "output", "loss", "optimizer"),
    )


class ImageState(ctypes.Structure):
    """What training changes, for ``convolutional_kernel.cpp``."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "weights", "first", "second", "memory"),
        *_fields(ctypes.c_double, "beta1_power", "beta2_power"),
    )


class ImageSet(ctypes.Structure):
    """Images and their classes."""

    _fields_ = _fields(ctypes.c_void_p, "x", "y")


class ImagePiece(ctypes.Structure):
    """A batch, or a part of one."""

    _fields_ = (
        *_fields(ctypes.c_void_p, "order", "top", "left", "flip", "kept", "loss", "correct", "squares"),
        ("lr", ctypes.c_double),
        *_fields(ctypes.c_int32, "batch", "start", "end", "step"),
    )


MIRRORED = (Problem, State, ImageStage, ImageProblem, ImageState, ImageSet, ImagePiece)


class _Member(ctypes.Structure):
    """A row of a library's own account of them; see ``Member`` in ``kernel_vectors.h``."""

    _fields_ = (
        *_fields(ctypes.c_char_p, "structure", "name"),
        ("kind", ctypes.c_char),
        *_fields(ctypes.c_int32, "offset", "size"),
    )


_KINDS: dict[Any, bytes] = {ctypes.c_void_p: b"p", ctypes.c_double: b"f", ctypes.c_int32: b"i", ctypes.c_int64: b"i"}
_Account = dict[tuple[str, str], tuple[bytes, int, int]]  # (structure, field or "") -> kind, offset, size


def _here() -> _Account:
    found: _Account = {}
    for mirrored in MIRRORED:
        found[mirrored.__name__, ""] = b"s", 0, ctypes.sizeof(mirrored)
        for name, kind, *_ in mirrored._fields_:
            field = getattr(mirrored, name)
            found[mirrored.__name__, name] = _KINDS[kind], field.offset, field.size
    return found


def _there(library: ctypes.CDLL) -> _Account:
    found: _Account = {}
    for account in (library.members, library.image_members):
        account.restype = ctypes.POINTER(_Member)
        for row in account():
            if not row.structure:
                break
            found[row.structure.decode(), row.name.decode()] = row.kind, row.offset, row.size
    return found


def mismatch(library: ctypes.CDLL) -> str:
    """The first structure, or field of one, in which ``library`` differs from what Python mirrors; '' where none does.

    Raises AttributeError for a library that gives no account of them.
    """
    here, there = _here(), _there(library)
    differ = [place for place in here | there if here.get(place) != there.get(place)]
    return ".".join(filter(None, differ[0])) if differ else ""
