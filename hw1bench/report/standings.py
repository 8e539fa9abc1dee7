"""How claims stand on record, in words: what the full tier has ruled, and what a pilot is worth beside it."""

from hw1bench.court import vocabulary
from hw1bench.court.vocabulary import FULL_TIER_ONLY, RULED, RuledWord
from hw1bench.report import groups, words
from hw1bench.report.contract import Claim, Document, from_seeds
from hw1bench.report.quantities import named, number, plural

SIGNS = {"supported": "\N{CHECK MARK}", "refuted": "\N{BALLOT X}", "inconclusive": "?", "no evidence": "\N{EN DASH}"}
"""The signs of verdicts. What is not ruled on has ``OPEN``."""
OPEN = "\N{MIDDLE DOT}"

_TRUSTED = (9, 10)  # pilots of a kind that agree with the record less often than this say so


def record(claim: Claim) -> str:
    """What the full tier has ruled on the claim, whether a pilot agrees with it, and how far pilots of its kind can be trusted;
    '' in the full tier itself, where the ruling on record is the record."""
    found = claim["record"]
    if claim["tier"] == "full":
        return ""
    if found is None:
        return " ".join(["Not on record in the full tier.", *_calibration(claim)])
    parts = [words.ruled(found["verdict"], found["how"], found["seeds"])]
    if found["seeds"]:
        parts.append(f"{found['holds']} of {plural(found['seeds'], 'seed')}")
    if found["median"] is not None:
        unit = claim["effect"]["unit"] if claim["effect"] else ""
        ends = found["interval"] or ()
        interval = f" [{', '.join(map(recorded, ends))}]" if ends else ""
        parts.append(f"median {' '.join(filter(None, (recorded(found['median']), unit)))}{interval}")
    parts += filter(None, (found["date"], named(found["device"]) if found["device"] else ""))
    return " ".join(
        [words.stop(f"On record: {', '.join(parts)}"), *_agreement(claim, found["verdict"]), *_calibration(claim)]
    )


def recorded(value: float | str | None) -> str:
    """A number of a ruling; one that is not finite is there by its name."""
    return "unknown" if value is None else value if isinstance(value, str) else number(value)


def _agreement(claim: Claim, ruling: RuledWord) -> list[str]:
    if groups.is_pilot(claim):
        if claim["agreement"]:
            return [f"The pilot {claim['agreement']}."]
        return (
            ["The pilot does not decide."]
            if claim["verdict"] in ("mixed", "no evidence")
            else ["The record does not decide."]
        )
    found = claim["verdict"]
    contrary = found in RULED and vocabulary.standing(found, ruling) == "contrary"
    return ["The verdict here contradicts it."] if contrary else []


def _calibration(claim: Claim) -> list[str]:
    found = claim["calibration"]
    least, of = _TRUSTED
    if found is None or not groups.is_pilot(claim) or of * found["agree"] >= least * found["of"]:
        return []
    return [f"Pilots of this kind ({found['kind']}) agree with the record in {found['agree']} of {found['of']}."]


def ruling(claim: Claim) -> str:
    """The full tier's ruling on record in short, as a foundation of an answer has it: "refuted 0/8"; "not on record" if there is
    none."""
    found = claim["record"]
    return "not on record" if found is None else counted(found["verdict"], found["holds"], found["seeds"])


def counted(verdict: str, holds: int | None, seeds: int | None) -> str:
    """A verdict with in how many seeds the claim holds: "refuted 0/8"."""
    return " ".join(filter(None, (verdict, words.fraction(verdict, holds, seeds))))


def known(claim: Claim) -> tuple[str, str]:
    """What is known of the claim: the group by which it is drawn, and words such as 'refuted 0/8' or 'pilot: seen'. A ruling of
    the full tier counts before what was found here; without one a verdict says that it is from here: 'refuted 0/8 here'."""
    if claim["record"] is not None:
        return claim["record"]["verdict"], f"{ruling(claim)}{doubt(claim)}"
    group = groups.group(claim)
    if group == FULL_TIER_ONLY:
        return group, ruling(claim)
    counts = from_seeds(claim) and not groups.is_pilot(claim)
    said = counted(group, claim["holds"], claim["seeds"]) if counts else group
    here = " here" if group in groups.RULED_GROUPS else ""
    return group, f"{said}{here}{doubt(claim)}"


def mark(claim: Claim) -> str:
    """What is known of the claim, with its sign: '\N{BALLOT X} refuted 0/8'."""
    group, said = known(claim)
    return f"{SIGNS.get(group, OPEN)} {said}"


def doubt(claim: Claim) -> str:
    """', fragile' after what is known of the claim, if that is what was found here too and hangs on an assumed number."""
    here = claim["record"] is None or (claim["record"]["verdict"] == claim["verdict"] and not groups.is_pilot(claim))
    return ", fragile" if here and claim["fragile"] else ""


def as_of(document: Document) -> str:
    """What a mark beside a report's position is, and up to which day the record goes."""
    days = [claim["record"]["date"] for claim in document["claims"] if claim["record"] and claim["record"]["date"]]
    if not days:
        return "Nothing is on record: marks are what was found here."
    return f"A mark is the full tier's ruling on record, up to {max(days)}; without one, what was found here."


def on_record(claim: Claim) -> str:
    """The record in short, for a column of a table: 'supported 8/8, agrees'; '' without one."""
    return ", ".join(filter(None, (ruling(claim), claim["agreement"]))) if claim["record"] else ""
