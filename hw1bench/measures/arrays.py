"""Numbers from elsewhere, tensors above all, as NumPy arrays."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

_ALIKE = (torch.float16, torch.float32, torch.float64)  # the floating-point types that NumPy has too


class Columns:
    """A tensor (rows, columns) of a type or on a device that NumPy does not have: `hw1bench.measures.trajectory.Rows`."""

    dtype = np.dtype(np.float64)

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self.shape = tuple(tensor.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: tuple[Any, ...]) -> np.ndarray:
        found: np.ndarray = self._tensor[places].to("cpu", torch.float64).numpy()
        return found


def rows(given: Any, name: str) -> Any:
    """``given`` as an array, or as what gives its columns on demand. A tensor loses its graph; nothing large is copied.

    Raises ValueError, saying what ``name`` is, for what is no array: ragged lists, masked entries, sparse tensors.
    """
    if isinstance(given, list | tuple) and any(isinstance(row, Tensor) for row in given):
        given = [whole(row, name) for row in given]
    if isinstance(given, Tensor):
        if given.layout != torch.strided or given.is_meta:
            raise ValueError(
                f"{name} is a tensor without its numbers in order ({given.layout}, {given.device}): make it dense"
            )
        plain = given.detach().resolve_conj().resolve_neg()
        if plain.is_floating_point() and (plain.device.type != "cpu" or plain.dtype not in _ALIKE):
            return Columns(plain)
        return plain.cpu().numpy()
    if hasattr(given, "shape") and not hasattr(given, "__array__"):
        return given
    if np.ma.is_masked(given):
        raise ValueError(f"{name} has masked entries: leave them out, or fill them")
    try:
        return np.asarray(given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} makes no array: give numbers, in rows of the same length") from error


def whole(given: Any, name: str) -> np.ndarray:
    """``given`` as an array, whole; raises ValueError as `rows` does."""
    found = rows(given, name)
    return found[...,] if isinstance(found, Columns) else np.asarray(found)
