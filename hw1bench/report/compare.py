"""Comparison of two claims.json documents: which verdicts and pilots changed, and which training times.

Documents that cannot be compared (no claim in common, a claim gone, different tiers) are an error, never "no change".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hw1bench.report import quantities, words
from hw1bench.report.contract import Claim, Document, check
from hw1bench.report.plain import line

#: A training time gets a line if it changes by this factor and by this many seconds.
NOTABLE_FACTOR = 1.5
NOTABLE_SECONDS = 1.0

_NAMED = 3  # how many of the claims that are gone a message names


@dataclass(frozen=True)
class Change:
    """A value that was ``old`` and is now ``new``."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Comparison:
    """Differences between two documents, for the claims that are in both unless stated otherwise.

    verdicts  verdicts that changed, in words; so did a pilot that is a verdict now, or the reverse
    pilots    pilots that changed, in words
    hows      how claims were refuted, in words, if that changed and the verdict did not
    effects   medians, in words, that changed between finite, infinite and undefined, with the same verdict
    outcomes  outcomes of tests that changed, with the same verdict
    subjects  ids of claims that are tried by another experiment or effect now
    added     ids of claims in the new document alone
    timings   seconds of training of the runs that a claim rests on, if they changed notably
    settings  seed offset and environment, as far as they changed
    seconds   durations of the two sessions
    same      the numbers of claims whose verdict did not change, and of claims whose pilot did not
    """

    verdicts: tuple[Change, ...]
    pilots: tuple[Change, ...]
    hows: tuple[Change, ...]
    effects: tuple[Change, ...]
    outcomes: tuple[Change, ...]
    subjects: tuple[str, ...]
    added: tuple[str, ...]
    timings: tuple[Change, ...]
    settings: tuple[Change, ...]
    seconds: Change
    same: tuple[int, int]

    @property
    def changed(self) -> bool:
        """Whether the verdict or the pilot of any claim in both documents changed."""
        return bool(self.verdicts or self.pilots)


def compare(old: Document, new: Document) -> Comparison:
    """Compare two claims.json documents, claim by claim.

    Raises ValueError, in one line, if a document breaks its contract, if the tiers differ, if the documents have no claim in
    common, or if the new one lacks a claim of the old one.
    """
    check(old)
    check(new)
    before = {claim["id"]: claim for claim in old["claims"]}
    after = {claim["id"]: claim for claim in new["claims"]}
    both = [(claim, after[name]) for name, claim in before.items() if name in after]
    _check_comparable(old, new, both)
    pilots = [pair for pair in both if _pilot(*pair)]
    verdicts = [pair for pair in both if not _pilot(*pair)]
    return Comparison(
        verdicts=_changes(verdicts),
        pilots=_changes(pilots),
        hows=tuple(_change(a, b) for a, b in both if a["verdict"] == b["verdict"] and a["how"] != b["how"]),
        effects=tuple(_medians(both)),
        outcomes=tuple(
            Change(a["id"], a["outcome"], b["outcome"])
            for a, b in both
            if a["verdict"] == b["verdict"] and a["outcome"] != b["outcome"]
        ),
        subjects=tuple(a["id"] for a, b in both if _has_another_subject(a, b)),
        added=tuple(name for name in after if name not in before),
        timings=tuple(Change(a["id"], a["seconds"], b["seconds"]) for a, b in both if _notable(a, b)),
        settings=tuple(_settings(old, new)),
        seconds=Change("duration", old["seconds"], new["seconds"]),
        same=(len(verdicts) - len(_changes(verdicts)), len(pilots) - len(_changes(pilots))),
    )


def render(comparison: Comparison) -> str:
    """Render the comparison as lines of plain text, changed verdicts first; no text of a document can act on a terminal."""
    lines = [f"verdict  {change.name}: {change.old} -> {change.new}" for change in comparison.verdicts]
    lines += [f"pilot    {change.name}: {change.old} -> {change.new}" for change in comparison.pilots]
    lines += [f"how      {change.name}: {change.old} -> {change.new}" for change in comparison.hows]
    lines += [f"median   {change.name}: {change.old} -> {change.new}" for change in comparison.effects]
    lines += [f"outcome  {change.name}: {change.old} -> {change.new}" for change in comparison.outcomes]
    lines += [
        f"subject  {name}: the experiment or effect is not the one in the old document" for name in comparison.subjects
    ]
    lines += [f"added    {name}" for name in comparison.added]
    lines += [f"time     {change.name}: {_times(change)}" for change in comparison.timings]
    lines += [f"setting  {change.name}: {change.old} -> {change.new}" for change in comparison.settings]
    lines.append(f"time     the whole session: {_times(comparison.seconds)}")
    verdicts, pilots = comparison.same
    said = [f"{quantities.plural(len(comparison.verdicts), 'verdict')} changed, {verdicts} did not"]
    if comparison.pilots or pilots:
        said.append(f"{quantities.plural(len(comparison.pilots), 'pilot')} changed, {pilots} did not")
    lines.append("; ".join(said))
    return "\n".join(map(line, lines)) + "\n"


def _check_comparable(old: Document, new: Document, both: list[tuple[Claim, Claim]]) -> None:
    tiers = next(((a["tier"], b["tier"]) for a, b in [(old, new), *both] if a["tier"] != b["tier"]), None)
    if tiers:
        raise ValueError(
            f"the old document is from the {tiers[0]} tier and the new one from the {tiers[1]} tier: compare one tier"
        )
    if not both:
        raise ValueError("the documents have no claim in common: compare sessions that judged the same claims")
    kept = {claim["id"] for claim, _ in both}
    gone = [claim["id"] for claim in old["claims"] if claim["id"] not in kept]
    if gone:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        raise ValueError(
            f"{quantities.plural(len(gone), 'claim')} of the old document {'is' if len(gone) == 1 else 'are'} not in the new one "
            f"({', '.join(gone[:_NAMED])}{more}): judge the same claims"
        )


def _has_another_subject(old: Claim, new: Claim) -> bool:
    """Whether a claim is tried by another experiment now, or by another effect if both verdicts have one."""
    a, b = old["effect"], new["effect"]
    return old["experiment"] != new["experiment"] or bool(a and b and (a["name"], a["unit"]) != (b["name"], b["unit"]))


def _pilot(old: Claim, new: Claim) -> bool:
    return old["fidelity"] == new["fidelity"] == "reduced"


def _changes(both: list[tuple[Claim, Claim]]) -> tuple[Change, ...]:
    """The verdicts or pilots that are not the same now; "no evidence" of a pilot is not the verdict of the same name."""
    return tuple(_change(a, b) for a, b in both if _word(a) != _word(b))


def _word(claim: Claim) -> tuple[str, bool]:
    return claim["verdict"], words.is_pilot(claim)


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
    return f"{quantities.duration(change.old)} -> {quantities.duration(change.new)}"
