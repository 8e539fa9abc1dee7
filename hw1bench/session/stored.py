"""The store as a command shows it: what is there by experiment, what present claims need of it, and what was removed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from hw1bench.records import stock
from hw1bench.records.about import Kind
from hw1bench.records.stock import Entry
from hw1bench.report.quantities import plural
from hw1bench.session.sections import Section
from hw1bench.support.files import remove_abandoned

_KINDS: tuple[Kind, ...] = get_args(Kind)
_HEAD = ("experiment", *_KINDS, "MB", "last used")


@dataclass(frozen=True)
class Shown:
    """How the command speaks: line by line, to a terminal ``width`` characters wide, with ``colour`` or without."""

    say: Callable[[str], None]
    width: int | None = None
    colour: bool = False

    def table(self, title: str, entries: Sequence[Entry], needed: Callable[[Entry], bool] | None, note: str) -> None:
        head = (*_HEAD, *(["needed"] if needed else []))
        groups = [("", _rows(entries, needed))]
        section = Section(title, head, groups, "Nothing is there.", note, (*_KINDS, "MB"), ("values", "last used"))
        self.say(section.text(self.width, colour=self.colour))


def folder_of(report_dir: Path) -> Path:
    """The store of a report directory. Raises ValueError if there is none."""
    folder = report_dir / "blocks"
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: name a report directory that has stored blocks")
    return folder


def listed(
    report_dir: Path,
    needed: Callable[[Entry], bool] | None,
    note: str,
    shown: Shown,
    *,
    prune: bool = False,
    limit: int | None = None,
) -> None:
    """List the store of ``report_dir``, with a ``note``. ``prune`` removes what is not ``needed``, ``limit`` what was not used
    for longest, until so many bytes are left. ``needed`` is None if it is not known what claims need.

    Raises ValueError, in one line, if there is no store, and OSError if the disk refuses.
    """
    folder = folder_of(report_dir)
    there = stock.entries(folder)
    if prune or limit is not None:
        remove_abandoned(folder)
    if prune:
        assert needed is not None
        there = _removed("not needed", there, [one for one in there if not needed(one)], shown)
    if limit is not None:
        there = _removed("over the limit", there, stock.least_recent(there, limit), shown)
    shown.table(f"{folder}: {_sum(there)}", there, needed, note)
    left = [one for one in there if needed and not needed(one)]
    if left and not prune:
        shown.say(f"--prune would remove {_sum(left)}")


def _removed(why: str, there: Sequence[Entry], unwanted: Sequence[Entry], shown: Shown) -> list[Entry]:
    """Remove what is ``unwanted``, say so, and return what is left of what was ``there``."""
    gone = stock.remove(unwanted)
    paths = {one.path for one in gone}
    kept = [one for one in there if one.path not in paths]
    if gone:
        shown.table(f"Removed, {why}: {_sum(gone)}", gone, None, "")
    busy = len(unwanted) - len(gone)
    used = f"; {plural(busy, 'record')} of these came into use meanwhile" if busy else ""
    shown.say(f"{why}: removed {_sum(gone)}; kept {_sum(kept)}{used}\n")
    return kept


def of_experiments(folder: Path, there: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """The records ``there``, in ``folder``, of experiments with the ids ``names``, or all if no names are given.

    Raises ValueError, in one line, for a name of which there are no records, and if there are none at all.
    """
    known = sorted({one.of.whose for one in there if one.of})
    for name in names:
        if name not in known:
            raise ValueError(f"{folder} has no records of {name!r}: there are {', '.join(known) or 'none'}")
    found = [one for one in there if not names or (one.of and one.of.whose in names)]
    if not found:
        raise ValueError(f"{folder} has no records: name another report directory")
    return found


def summed(records: int, size: int) -> str:
    """A number of records and their size in bytes, in words."""
    return f"{plural(records, 'record')}, {_megabytes(size)} MB"


def _sum(entries: Sequence[Entry]) -> str:
    return summed(len(entries), stock.size(entries))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def _rows(entries: Sequence[Entry], needed: Callable[[Entry], bool] | None) -> list[tuple[str, ...]]:
    """A row for each experiment, the largest first, and their sum."""
    groups: dict[str, list[Entry]] = {}
    for one in entries:
        groups.setdefault(one.of.whose if one.of else f"({one.state})", []).append(one)
    ordered = sorted(groups.items(), key=lambda pair: (-stock.size(pair[1]), pair[0]))
    rows = [_row(name, some, needed) for name, some in ordered]
    return [*rows, _row("sum", entries, needed)] if len(rows) > 1 else rows


def _row(name: str, entries: Sequence[Entry], needed: Callable[[Entry], bool] | None) -> tuple[str, ...]:
    kinds = [one.of.kind for one in entries if one.of]
    count = sum(map(needed, entries)) if needed else 0
    word = {len(entries): "all", 0: "none"}.get(count, f"{count:,} of {len(entries):,}")
    return (
        name,
        *(f"{kinds.count(kind):,}" if kind in kinds else "" for kind in _KINDS),
        _megabytes(stock.size(entries)),
        _used(entries),
        *([word] if needed else []),
    )


def _used(entries: Sequence[Entry]) -> str:
    """How long ago the entries were used, the latest and the earliest."""
    now = time.time_ns()
    ages = [_age((now - one.used) / 1e9) for one in sorted(entries, key=lambda one: -one.used)]
    return f"{ages[0]} ago" if ages[0] == ages[-1] else f"{ages[0]} to {ages[-1]} ago"


def _age(seconds: float) -> str:
    """Seconds as "5 min", "3 h" or "12 d"; a clock that went back counts as no time."""
    for unit, length, most in (("min", 60, 60), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{max(0, int(seconds // length))} {unit}"
    return f"{int(seconds // 86_400):,} d"
