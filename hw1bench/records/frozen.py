"""Arrays and facts that nobody can change, because effects and measurements share them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


def frozen(value: Any) -> Any:
    """``value``, made of arrays, mappings and lists, with no part that can be changed.

    An array becomes a view, not a copy, and unlike an array that is merely read-only it cannot be made writable again.
    """
    match value:
        case _Unchanging():
            return value
        case np.ndarray():
            base: Any = value.base
            known = isinstance(base, memoryview) and base.readonly
            return value if known else np.asarray(value.data.toreadonly())
        case Mapping():
            return _Unchanging({name: frozen(item) for name, item in value.items()})
        case list() | tuple():
            return tuple(value if {*map(type, value)} == {float} else map(frozen, value))
    return value


class _Unchanging(Mapping[str, Any]):
    """A mapping whose items are all frozen, so that what holds it need not look at them again: facts may have thousands of
    numbers, and all runs of a block share them."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        self._items = items

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


class Copies(Mapping[str, np.ndarray]):
    """Arrays by name. Each read gives a new copy, read-only like the array.

    Torch ignores the read-only flag and writes into any memory it is given, so the array that others read is given to nobody.
    """

    def __init__(self, kept: Mapping[str, np.ndarray]) -> None:
        self.kept = kept

    def __getitem__(self, name: str) -> np.ndarray:
        array = self.kept[name]
        if np.ndim(array) == 0:
            return frozen(array.copy())  # type: ignore[no-any-return]  # an array in, an array out
        if all(array.strides):
            return frozen(array.copy())  # type: ignore[no-any-return]
        # An array that repeats one number, as made-up runs have them, may be larger than memory: it stays a repetition.
        once = array[tuple(slice(None if stride else 1) for stride in array.strides)]
        return np.broadcast_to(frozen(once.copy()), array.shape)

    def __contains__(self, name: object) -> bool:
        return name in self.kept

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def __repr__(self) -> str:
        return repr(dict(self.kept))


class Frozen:
    """A dataclass whose ``arrays`` and ``facts`` are frozen."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in ("arrays", "facts"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
