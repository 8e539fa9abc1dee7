"""Parts of a measurement side by side."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from hw1bench.support.workers import pool, processors

Part = TypeVar("Part")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Part], Result], parts: Sequence[Part], device: torch.device | None = None
) -> list[Result]:
    """The results of ``function`` for each of ``parts``, in order, on as many threads as there are processors, or one on a GPU.

    The first error ends it: parts that have not begun are left out.
    """
    if not parts:
        return []
    alone = device is not None and device.type != "cpu"
    workers = 1 if alone else min(len(parts), processors())
    with pool(workers) as executor:
        return list(executor.map(function, parts))
