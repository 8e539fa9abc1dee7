"""Two claims.json documents side by side: which verdicts changed, and which claims take another time.

It fails shut: what cannot be compared (nothing in common, a claim gone, another tier) is an error, never "no change".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hw1bench.report import words
from hw1bench.report.contract import Claim, Document, check
from hw1bench.report.plain import line

#: A training time is worth a line when it changes by this factor and by this many seconds.
NOTABLE_FACTOR = 1.5
NOTABLE_SECONDS = 1.0

_NAMED = 3  # of the claims that are gone, how many a message names


@dataclass(frozen=True)
class Change:
    """Something that was `old` and is `new`."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Comparison:
    """What differs between two documents.

    `verdicts`, `hows` (refuted both times, in another way) and `effects` (with the same verdict, a median that is undefined or
    infinite only once) are of claims that are in both, as words; `outcomes` are of tests whose claim has the same verdict;
    `subjects` are ids of claims that are tried by another experiment or effect now; `added` are claims of the new document
    alone; `timings` are training seconds of the runs that a claim rests on; `settings` are what was judged under (seed
    offset, environment); `seconds` are the two sessions' durations; `same` counts the claims whose verdict did not change.
    """

    verdicts: tuple[Change, ...]
    hows: tuple[Change, ...]
    effects: tuple[Change, ...]
    outcomes: tuple[Change, ...]
    subjects: tuple[str, ...]
    added: tuple[str, ...]
    timings: tuple[Change, ...]
    settings: tuple[Change, ...]
    seconds: Change
    same: int

    @property
    def changed(self) -> bool:
        """Whether a claim that is in both documents has another verdict."""
        return bool(self.verdicts)


def compare(old: Document, new: Document) -> Comparison:
    """Compare two claims.json documents, claim by claim.

    Raises ValueError, in one line, for one that breaks its contract, for documents of different tiers or without a common
    claim, and where the new one lacks a claim of the old.
    """
    check(old)
    check(new)
    before = {claim["id"]: claim for claim in old["claims"]}
    after = {claim["id"]: claim for claim in new["claims"]}
    both = [(claim, after[name]) for name, claim in before.items() if name in after]
    _check_comparable(old, new, both)
    verdicts = tuple(_change(a, b) for a, b in both if a["verdict"] != b["verdict"])
    return Comparison(
        verdicts=verdicts,
        hows=tuple(_change(a, b) for a, b in both if a["verdict"] == b["verdict"] and a["how"] != b["how"]),
        effects=tuple(_medians(both)),
        outcomes=tuple(
            Change(a["id"], a["outcome"], b["outcome"])
            for a, b in both
            if a["verdict"] == b["verdict"] and a["outcome"] != b["outcome"]
        ),
        subjects=tuple(a["id"] for a, b in both if _is_another(a, b)),
        added=tuple(name for name in after if name not in before),
        timings=tuple(Change(a["id"], a["seconds"], b["seconds"]) for a, b in both if _notable(a, b)),
        settings=tuple(_settings(old, new)),
        seconds=Change("duration", old["seconds"], new["seconds"]),
        same=len(both) - len(verdicts),
    )


def render(comparison: Comparison) -> str:
    """The comparison as lines of plain text, the changed verdicts first; no text of a document can act on a terminal."""
    lines = [f"verdict  {change.name}: {change.old} -> {change.new}" for change in comparison.verdicts]
    lines += [f"how      {change.name}: {change.old} -> {change.new}" for change in comparison.hows]
    lines += [f"median   {change.name}: {change.old} -> {change.new}" for change in comparison.effects]
    lines += [f"outcome  {change.name}: {change.old} -> {change.new}" for change in comparison.outcomes]
    lines += [f"subject  {name}: another experiment or effect than in the old document" for name in comparison.subjects]
    lines += [f"added    {name}" for name in comparison.added]
    lines += [f"time     {change.name}: {_times(change)}" for change in comparison.timings]
    lines += [f"setting  {change.name}: {change.old} -> {change.new}" for change in comparison.settings]
    lines.append(f"time     the whole session: {_times(comparison.seconds)}")
    lines.append(f"{words.plural(len(comparison.verdicts), 'verdict')} changed, {comparison.same} did not")
    return "\n".join(map(line, lines)) + "\n"


def _check_comparable(old: Document, new: Document, both: list[tuple[Claim, Claim]]) -> None:
    tiers = next(((a["tier"], b["tier"]) for a, b in [(old, new), *both] if a["tier"] != b["tier"]), None)
    if tiers:
        raise ValueError(
            f"the old document is of the {tiers[0]} tier and the new one of the {tiers[1]}: compare one tier"
        )
    if not both:
        raise ValueError("the documents have no claim in common: compare sessions that judged the same claims")
    kept = {claim["id"] for claim, _ in both}
    gone = [claim["id"] for claim in old["claims"] if claim["id"] not in kept]
    if gone:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        raise ValueError(
            f"{words.plural(len(gone), 'claim')} of the old document {'is' if len(gone) == 1 else 'are'} not in the new one "
            f"({', '.join(gone[:_NAMED])}{more}): judge the same claims"
        )


def _is_another(old: Claim, new: Claim) -> bool:
    """Whether a claim is tried by another experiment or effect, as far as its verdicts have one."""
    a, b = old["effect"], new["effect"]
    return old["experiment"] != new["experiment"] or bool(a and b and (a["name"], a["unit"]) != (b["name"], b["unit"]))


def _change(old: Claim, new: Claim) -> Change:
    return Change(old["id"], words.verdict(old), words.verdict(new))


def _medians(both: list[tuple[Claim, Claim]]) -> Iterator[Change]:
    for old, new in both:
        if old["verdict"] == new["verdict"] and old["effect"] and new["effect"]:
            kinds = [effect["not_finite"].get("median") for effect in (old["effect"], new["effect"])]
            if kinds[0] != kinds[1]:
                yield Change(old["id"], words.effect(old), words.effect(new))


def _notable(old: Claim, new: Claim) -> bool:
    low, high = sorted((old["seconds"], new["seconds"]))
    return bool(high - low >= NOTABLE_SECONDS and high >= NOTABLE_FACTOR * low)


def _settings(old: Document, new: Document) -> Iterator[Change]:
    a = {"seed offset": old["seed_offset"], **old["environment"]}
    b = {"seed offset": new["seed_offset"], **new["environment"]}
    for name in {**a, **b}:
        if a.get(name) != b.get(name):
            yield Change(name, a.get(name), b.get(name))


def _times(change: Change) -> str:
    return f"{words.duration(change.old)} -> {words.duration(change.new)}"
