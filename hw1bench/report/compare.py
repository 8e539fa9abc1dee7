"""Two claims.json documents side by side: which verdicts changed, and which claims take another time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hw1bench.report import words
from hw1bench.report.contract import Claim, Document, check

#: A training time is worth a line when it changes by this factor and by this many seconds.
NOTABLE_FACTOR = 1.5
NOTABLE_SECONDS = 1.0


@dataclass(frozen=True)
class Change:
    """Something that was `old` and is `new`."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Comparison:
    """What differs between two documents.

    `verdicts` and `hows` (refuted both times, in another way) are of claims that are in both, as words; `timings`
    are training seconds of the runs that a claim rests on; `settings` are what was judged under (tier,
    seed offset, environment); `seconds` are the two sessions' durations; `same` counts the claims whose verdict did
    not change.
    """

    verdicts: tuple[Change, ...]
    hows: tuple[Change, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    timings: tuple[Change, ...]
    settings: tuple[Change, ...]
    seconds: Change
    same: int

    @property
    def changed(self) -> bool:
        """Whether a claim that is in both documents has another verdict."""
        return bool(self.verdicts)


def compare(old: Document, new: Document) -> Comparison:
    """Compare two claims.json documents, claim by claim; raises ValueError for one that breaks its contract."""
    check(old)
    check(new)
    before = {claim["id"]: claim for claim in old["claims"]}
    after = {claim["id"]: claim for claim in new["claims"]}
    both = [(claim, after[name]) for name, claim in before.items() if name in after]
    verdicts = tuple(_change(a, b) for a, b in both if a["verdict"] != b["verdict"])
    return Comparison(
        verdicts=verdicts,
        hows=tuple(_change(a, b) for a, b in both if a["verdict"] == b["verdict"] and a["how"] != b["how"]),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        timings=tuple(Change(a["id"], a["seconds"], b["seconds"]) for a, b in both if _notable(a, b)),
        settings=tuple(_settings(old, new)),
        seconds=Change("duration", old["seconds"], new["seconds"]),
        same=len(both) - len(verdicts),
    )


def render(comparison: Comparison) -> str:
    """The comparison as lines of plain text, the changed verdicts first."""
    lines = [f"verdict  {change.name}: {change.old} -> {change.new}" for change in comparison.verdicts]
    lines += [f"how      {change.name}: {change.old} -> {change.new}" for change in comparison.hows]
    lines += [f"added    {name}" for name in comparison.added]
    lines += [f"removed  {name}" for name in comparison.removed]
    lines += [f"time     {change.name}: {_times(change)}" for change in comparison.timings]
    lines += [f"setting  {change.name}: {change.old} -> {change.new}" for change in comparison.settings]
    lines.append(f"time     the whole session: {_times(comparison.seconds)}")
    lines.append(f"{words.plural(len(comparison.verdicts), 'verdict')} changed, {comparison.same} did not")
    return "\n".join(lines) + "\n"


def _change(old: Claim, new: Claim) -> Change:
    return Change(old["id"], words.verdict(old), words.verdict(new))


def _notable(old: Claim, new: Claim) -> bool:
    low, high = sorted((old["seconds"], new["seconds"]))
    return bool(high - low >= NOTABLE_SECONDS and high >= NOTABLE_FACTOR * low)


def _settings(old: Document, new: Document) -> Iterator[Change]:
    a = {"tier": old["tier"], "seed offset": old["seed_offset"], **old["environment"]}
    b = {"tier": new["tier"], "seed offset": new["seed_offset"], **new["environment"]}
    for name in {**a, **b}:
        if a.get(name) != b.get(name):
            yield Change(name, a.get(name), b.get(name))


def _times(change: Change) -> str:
    return f"{words.duration(change.old)} -> {words.duration(change.new)}"
