"""Comparison of two claims.json documents: which verdicts, pilots and effects changed, and which training times.

Documents that cannot be compared (no claim in common, different tiers) are an error, never "no change". So is a claim that is
gone, except in a report of a part of the claims, which counts it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hw1bench.court import vocabulary
from hw1bench.court.vocabulary import RECORDED
from hw1bench.report import groups, quantities, words
from hw1bench.report.contract import Claim, Compared, Document, Effect, Found, Median, as_float, check, measured
from hw1bench.report.plain import line
from hw1bench.report.reading import read
from hw1bench.report.schema import Tier
from hw1bench.support.number import not_finite

#: A training time gets a line if it changes by this factor and by this many seconds.
NOTABLE_FACTOR = 1.5
NOTABLE_SECONDS = 1.0

Shift = Literal["contrary", "weaker", "gone", "stronger"]
SHIFTS: tuple[Shift, ...] = ("contrary", "weaker", "gone", "stronger")
"""How a verdict or a pilot changed, in the order in which a reader has to look at them. "gone": there is none now."""

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

    verdicts  verdicts that changed, in words, in the order of ``SHIFTS``; so did a pilot that is a verdict now, or the reverse
    pilots    pilots that changed, in words, in the same order
    hows      how claims were refuted, in words, if that changed and the verdict did not
    effects   medians, in words, that left the old interval, or changed between finite, infinite and undefined, with the same
              verdict and the same subject
    outcomes  outcomes of tests that changed, with the same verdict
    subjects  ids of claims that are tried by another experiment or effect now
    added     ids of claims in the new document alone
    gone      ids of claims in the old document alone
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
    gone: tuple[str, ...]
    timings: tuple[Change, ...]
    settings: tuple[Change, ...]
    seconds: Change
    same: tuple[int, int]

    @property
    def changed(self) -> bool:
        """Whether the verdict or the pilot of any claim in both documents changed."""
        return bool(self.verdicts or self.pilots)


def facts(document: Document) -> Compared:
    """What of ``document`` is compared with another document."""
    return {
        "tier": document["tier"],
        "started": document["started"],
        "seconds": document["seconds"],
        "seed_offset": document["seed_offset"],
        "environment": document["environment"],
        "claims": [_found(claim) for claim in document["claims"]],
    }


def compare(old: Document, new: Document) -> Comparison:
    """Compare two claims.json documents, claim by claim.

    Raises ValueError, in one line, if a document breaks its contract, if the tiers differ, if the documents have no claim in
    common, or if the new one lacks a claim of the old one.
    """
    check(old)
    check(new)
    _check_comparable(old, new)
    return differences(facts(old), new)


def differences(old: Compared, new: Document) -> Comparison:
    """What in ``new`` is not as in ``old``. Both are as ``check`` wants them; nothing else is asked of them."""
    before = {found["id"]: found for found in old["claims"]}
    after = {claim["id"]: _found(claim) for claim in new["claims"]}
    both = [(found, after[name]) for name, found in before.items() if name in after]
    judged = [pair for pair in both if any(claim["verdict"] in RECORDED for claim in pair)]
    pilots = [pair for pair in judged if _pilot(*pair)]
    verdicts = [pair for pair in judged if not _pilot(*pair)]
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
        gone=tuple(name for name in before if name not in after),
        timings=tuple(Change(a["id"], a["seconds"], b["seconds"]) for a, b in both if _notable(a, b)),
        settings=tuple(_settings(old, new)),
        seconds=Change("duration", old["seconds"], new["seconds"]),
        same=(len(verdicts) - len(_changes(verdicts)), len(pilots) - len(_changes(pilots))),
    )


def other(source: Path, tier: Tier, claims: Collection[str]) -> Compared:
    """The document in the file or report directory ``source``, to compare ``claims`` of ``tier`` with, by their ids.

    Raises ValueError, in one line, if there is none, if it is of the other tier, or if it has none of the claims.
    """
    document, path = read(source)
    tiers = {document["tier"], *(claim["tier"] for claim in document["claims"])}
    if tiers != {tier}:
        found = next(one for one in sorted(tiers) if one != tier)
        raise ValueError(
            f"{path} is of the {found} tier, and what it is compared with of the {tier} tier: name one of this tier"
        )
    if not {claim["id"] for claim in document["claims"]} & set(claims):
        raise ValueError(
            f"{path} has none of the {quantities.plural(len(claims), 'claim')} to compare with it: name a report that has "
            "some of them"
        )
    return facts(document)


def shift(old: Found, new: Claim | Found) -> Shift:
    """How a verdict or a pilot that is not the same now has changed: a verdict is stronger than a pilot, and either is stronger
    than none."""
    if new["verdict"] not in RECORDED:
        return "gone"
    if old["verdict"] not in RECORDED:
        return "stronger"
    if groups.is_pilot(old) != groups.is_pilot(new):
        return "weaker" if groups.is_pilot(new) else "stronger"
    stands = vocabulary.standing(new["verdict"], old["verdict"])
    return stands if stands in ("contrary", "weaker") else "stronger"


def counted(comparison: Comparison) -> str:
    """How many verdicts and pilots changed: '2 verdicts changed, 120 did not; 1 pilot changed, 41 did not'."""
    verdicts, pilots = comparison.same
    said = [f"{quantities.plural(len(comparison.verdicts), 'verdict')} changed, {verdicts} did not"]
    if comparison.pilots or pilots:
        said.append(f"{quantities.plural(len(comparison.pilots), 'pilot')} changed, {pilots} did not")
    return "; ".join(said)


def against(name: str, document: Document) -> str:
    """The line for a terminal on a ``document`` that is compared with the one of that ``name``."""
    return line(f"against {name}: {counted(differences(document['compared'], document))}; see the report")


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
    lines.append(counted(comparison))
    return "\n".join(map(line, lines)) + "\n"


def _check_comparable(old: Document, new: Document) -> None:
    after = {claim["id"]: claim for claim in new["claims"]}
    both = [(claim, after[claim["id"]]) for claim in old["claims"] if claim["id"] in after]
    tiers = next(((a["tier"], b["tier"]) for a, b in [(old, new), *both] if a["tier"] != b["tier"]), None)
    if tiers:
        raise ValueError(
            f"the old document is from the {tiers[0]} tier and the new one from the {tiers[1]} tier: compare one tier"
        )
    if not both:
        raise ValueError("the documents have no claim in common: compare sessions that judged the same claims")
    gone = [claim["id"] for claim in old["claims"] if claim["id"] not in after]
    if gone:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        raise ValueError(
            f"{quantities.plural(len(gone), 'claim')} of the old document {'is' if len(gone) == 1 else 'are'} not in the new one "
            f"({', '.join(gone[:_NAMED])}{more}): judge the same claims"
        )


def _found(claim: Claim) -> Found:
    return {
        "id": claim["id"],
        "fidelity": claim["fidelity"],
        "verdict": claim["verdict"],
        "how": claim["how"],
        "holds": claim["holds"],
        "seeds": claim["seeds"],
        "outcome": claim["outcome"],
        "effect": _median(claim["effect"]) if claim["effect"] else None,
        "experiment": claim["experiment"],
        "seconds": claim["seconds"],
    }


def _median(effect: Effect) -> Median:
    found = {place: not_finite(value) or value for place, value in measured(effect).items()}
    interval = [found["low"], found["high"]] if effect["interval"] is not None else None
    return {"name": effect["name"], "unit": effect["unit"], "median": found["median"], "interval": interval}


def _has_another_subject(old: Found, new: Found) -> bool:
    """Whether a claim is tried by another experiment now, or by another effect if both verdicts have one."""
    a, b = old["effect"], new["effect"]
    return old["experiment"] != new["experiment"] or bool(a and b and (a["name"], a["unit"]) != (b["name"], b["unit"]))


def _pilot(old: Found, new: Found) -> bool:
    return old["fidelity"] == new["fidelity"] == "reduced"


def _changes(both: list[tuple[Found, Found]]) -> tuple[Change, ...]:
    """The verdicts or pilots that are not the same now; "no evidence" of a pilot is not the verdict of the same name."""
    found = [pair for pair in both if _word(pair[0]) != _word(pair[1])]
    return tuple(_change(a, b) for a, b in sorted(found, key=lambda pair: SHIFTS.index(shift(*pair))))


def _word(claim: Found) -> tuple[str, bool]:
    return claim["verdict"], groups.is_pilot(claim)


def _change(old: Found, new: Found) -> Change:
    return Change(old["id"], words.verdict(old), words.verdict(new))


def _medians(both: list[tuple[Found, Found]]) -> Iterator[Change]:
    """Medians that left the old interval or changed their kind. A claim whose word changed is told already, and the median of
    another effect is another number."""
    for old, new in both:
        a, b = old["effect"], new["effect"]
        if a and b and _word(old) == _word(new) and not _has_another_subject(old, new) and _left(a, b):
            yield Change(old["id"], words.median(a), words.median(b))


def _left(old: Median, new: Median) -> bool:
    """Whether the new median lies outside the old one's interval, or is finite where the old one is not, or the reverse.

    The old interval is what the old document itself says of where the median may lie, in the claim's own unit and at its own
    level, so one rule serves losses, epochs and ratios alike, and no margin has to be chosen. On the same seeds and the same
    machine a median repeats to the last digit, and any departure has a cause. On fresh seeds the new median varies too: if
    nothing changed, 3 to 9 % leave the interval (simulated for 8 to 32 normal values at the levels in use). A median on an end
    of the interval has not left it, and one that reads the same to the digits shown has not changed for a reader. An undefined
    end bounds nothing.
    """
    before, after = as_float(old["median"]), as_float(new["median"])
    if not_finite(before) != not_finite(after):
        return True
    if old["interval"] is None or quantities.number(before) == quantities.number(after):
        return False
    low, high = map(as_float, old["interval"])
    return after < low or after > high


def _notable(old: Found, new: Found) -> bool:
    low, high = sorted((old["seconds"], new["seconds"]))
    return bool(high - low >= NOTABLE_SECONDS and high >= NOTABLE_FACTOR * low)


def _settings(old: Compared, new: Document) -> Iterator[Change]:
    a = {"seed offset": old["seed_offset"], **old["environment"]}
    b = {"seed offset": new["seed_offset"], **new["environment"]}
    for name in {**a, **b}:
        if a.get(name) != b.get(name):
            yield Change(name, a.get(name), b.get(name))


def _times(change: Change) -> str:
    return f"{quantities.duration(change.old)} -> {quantities.duration(change.new)}"
