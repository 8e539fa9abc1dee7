"""Values from elsewhere: effects of training that is not ours, one per seed, given by a function or a table."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hw1bench.court.looks import LOOKS, check_looks
from hw1bench.court.verdict import Opposite, negated
from hw1bench.effects.identity import identity
from hw1bench.support.checks import function, integer, label, optional, reason, settle, shown, text, tuple_of
from hw1bench.support.csv_file import CsvFile
from hw1bench.support.number import NoFinding, as_real

SEED, EFFECT = "seed", "effect"
"""The columns that a file of values must have; it may have others."""
ELSEWHERE = "values from elsewhere"
"""What stands in a report for the data set and the device of such values."""

_LARGEST_SEED = 2**53  # the largest integer that every reader of claims.json holds exactly
_seed = integer(least=0, most=_LARGEST_SEED)

Table = tuple[tuple[int, float], ...]  # pairs of a seed and its effect, by ascending seed


def _source(value: Any, what: str) -> Callable[[int], float] | Table:
    """Check for a function of a seed, or a table of seeds and effects."""
    items = getattr(value, "items", None)
    if callable(items):
        return _table(items(), what)
    if callable(value):
        return _function(value, what)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return _table(value, what)
    raise ValueError(f"{what} is {shown(value)}: give a function of a seed, or a mapping from seeds to effects")


def _function(value: Any, what: str) -> Callable[[int], float]:
    try:
        inspect.signature(value).bind(0)
    except TypeError:
        raise ValueError(f"{what} is {shown(value)}: give a function that takes a seed and nothing else") from None
    except ValueError:
        pass  # a function of C may not tell what it takes
    return value  # type: ignore[no-any-return]  # it is known to take a seed; what it returns is checked per seed


def _table(pairs: Iterable[Any], what: str) -> Table:
    what = what.removesuffix(" of")
    found: dict[int, float] = {}
    for index, pair in enumerate(pairs):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"{what}: entry {index} is {shown(pair)}: give a seed and its effect")
        seed: int = _seed(pair[0], f"{what}: seed")
        if seed in found:
            raise ValueError(f"{what} has seed {seed} twice: give one effect per seed")
        try:
            found[seed] = as_real(pair[1])
        except NoFinding as error:
            raise ValueError(f"{what}: the effect of seed {seed}: {error}: give one, NaN if it is undefined") from None
    return tuple(sorted(found.items()))


@dataclass(frozen=True)
class Values:
    """Effects of training elsewhere, one per seed, which the rule judges as it judges the effects of runs.

    It stands beside ``Effect`` and the exact counts as a third kind of effect, and takes the place of effect and experiment
    at once. An ``Effect`` is a function of runs: it needs arms, a protocol, a trainer and blocks, and everything that follows
    from these, such as pilots, rehearsals, variants and estimates of cost, would have to be faked for training that nobody
    here sees. A count needs no seeds. Values have seeds and nothing below them, so they bring their own ``looks``, are the same
    in both tiers, and are always as reported.

    of           ``of(seed)`` -> the effect, or a mapping (or pairs) of seeds and effects. A function is called for the seeds
                 0, 1, ... as the looks need them, and its numbers are stored, so that it is called once per seed. Of a table the
                 lowest seeds come first
    name         what the number is, such as "accuracy with - without dropout"
    version      to be raised if training elsewhere changes although ``of`` is the same
    unit         the unit of the number
    looks        the numbers of seeds at which a verdict may be reached
    environment  what trained the runs, in words such as "jax 0.6 on a TPU v4"
    opposite     the effect of the opposite claim in a seed, given its value: its negative, unless the values compare with a
                 threshold, which has no opposite (None)

    A ruling is bound to all of these but ``environment``: of a function to its source, of a table to its content.
    Raises ValueError, in one line, for a function that does not take a seed, a table with a seed twice or with an effect that is
    not a real number, and looks that do not increase or can never decide.
    """

    of: Callable[[int], float] | Mapping[int, float] | Iterable[tuple[int, float]]
    _: KW_ONLY
    name: str
    version: str = "1"
    unit: str = ""
    looks: tuple[int, ...] = LOOKS
    environment: str = ""
    opposite: Opposite | None = negated

    def __post_init__(self) -> None:
        settle(
            self,
            name=label(),
            of=_source,
            version=label(),
            unit=text(),
            looks=tuple_of(integer(least=1)),
            environment=reason(),
            opposite=optional(function()),
        )
        try:
            check_looks(self.looks)
        except ValueError as error:
            raise ValueError(f"Values {shown(self.name)}: {error}") from None

    @classmethod
    def csv(cls, path: str | Path, **fields: Any) -> "Values":
        """The values of a table in a CSV file: a line of names with the columns "seed" and "effect", then a line per seed. An
        undefined effect is written nan. ``fields`` are those of ``Values``.

        Raises ValueError, in one line that names the file and the line, for a file that is not such a table."""
        pairs = _pairs(CsvFile.read(path, "runs.csv"))
        return cls(pairs, **fields)

    @cached_property
    def statement(self) -> dict[str, Any]:
        """What a ruling is bound to, as plain data: see ``hw1bench.effects.identity``."""
        return {
            "is": "Values",
            "source": self.source,
            "unit": self.unit,
            "looks": list(self.looks),
            "opposite": "negated" if self.opposite is negated else self.opposite and identity(self.opposite),
        }

    @cached_property
    def source(self) -> str:
        """The digest of where the numbers come from: the name, the version, and the function's source or the table's content,
        as they were when this was first read. Stored numbers are named by it."""
        return identity([self.name, self.version, self.of])

    @property
    def described(self) -> str:
        """Where the values come from, in words, which stand for the name of a data set."""
        by = f", trained with {self.environment}" if self.environment else ""
        return f"{ELSEWHERE}: {self.name}, version {self.version}{by}"

    @property
    def trained_by(self) -> dict[str, str]:
        """What trained the runs, in the form in which rulings name it."""
        return {"device": ELSEWHERE, **({"environment": self.environment} if self.environment else {})}

    @property
    def computed(self) -> bool:
        """Whether a function computes the values, so that they may take time."""
        return callable(self.of)

    @cached_property
    def _by_seed(self) -> dict[int, float]:
        return {} if callable(self.of) else dict(self.of)

    def seeds(self, first: int = 0) -> tuple[int, ...]:
        """The seeds from ``first`` on that the looks can take, ascending; a table may have fewer than they need."""
        if callable(self.of):
            return tuple(range(first, first + self.looks[-1]))
        return tuple(seed for seed in self._by_seed if seed >= first)[: self.looks[-1]]

    def has_the_seeds_of(self, other: "Values") -> bool:
        """Whether both have a value for the same seeds, wherever a session begins."""
        return self.computed == other.computed and self._by_seed.keys() == other._by_seed.keys()

    def value(self, seed: int) -> float:
        """The effect of one of ``seeds()``. Raises NoFinding if the function does not return a real number."""
        if not callable(self.of):
            return self._by_seed[seed]
        try:
            return as_real(self.of(seed))
        except NoFinding as error:
            raise NoFinding(f"values {self.name!r}, seed {seed}: {error}: return one per seed") from None


def _pairs(file: CsvFile) -> Iterable[tuple[int, float]]:
    """The seeds and effects in the lines of a file."""
    seed, effect = file.place(SEED), file.place(EFFECT)
    for where, cells in file.lines:
        yield (
            _cell(int, cells[seed], f"{where}: seed", "an integer"),
            _cell(float, cells[effect], f"{where}: effect", "a number, or nan if it is undefined"),
        )


def _cell(kind: Callable[[str], Any], cell: str, what: str, way: str) -> Any:
    try:
        return kind(cell)
    except ValueError:
        raise ValueError(f"{what} is {shown(cell)}: write {way}") from None
