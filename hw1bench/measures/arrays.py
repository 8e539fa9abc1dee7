"""Numbers from elsewhere, tensors above all, as NumPy arrays."""

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


class Columns:
    """A tensor (rows, columns) with a type or a device that NumPy lacks, as ``hw1bench.measures.trajectory.Rows``."""

    dtype = np.dtype(np.float64)

    def __init__(self, tensor: "Tensor") -> None:
        self._tensor = tensor
        self.shape = tuple(tensor.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: tuple[Any, ...]) -> np.ndarray:
        found: np.ndarray = self._tensor[places].to("cpu").double().numpy()
        return found


def _is_tensor(value: Any) -> "TypeGuard[Tensor]":
    """Whether ``value`` is a tensor; nothing is if torch is not imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def rows(given: Any, name: str) -> Any:
    """``given`` as an array, or as an object that returns columns on demand. A tensor loses its graph; nothing large is copied.

    Raises ValueError, which calls it ``name``, for ragged lists, masked entries, sparse tensors and the like.
    """
    if isinstance(given, list | tuple) and any(map(_is_tensor, given)):
        given = [whole(row, name) for row in given]
    if _is_tensor(given):
        import torch  # it is imported already; effects, which import this module, are collected without it

        if given.layout != torch.strided or given.is_meta:
            raise ValueError(
                f"{name} is a tensor that is not dense or has no values ({given.layout}, {given.device}): make it dense"
            )
        plain = given.detach().resolve_conj().resolve_neg()
        if plain.is_floating_point() and (
            plain.device.type != "cpu" or plain.dtype not in (torch.float16, torch.float32, torch.float64)
        ):
            return Columns(plain)
        return plain.cpu().numpy()
    if hasattr(given, "shape") and not hasattr(given, "__array__"):
        return given
    if np.ma.is_masked(given):
        raise ValueError(f"{name} has masked entries: leave them out, or fill them")
    try:
        return np.asarray(given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} cannot become an array: give numbers, in rows of the same length") from error


def whole(given: Any, name: str) -> np.ndarray:
    """``given`` as a whole array; raises ValueError as ``rows`` does."""
    found = rows(given, name)
    return found[...,] if isinstance(found, Columns) else np.asarray(found)
