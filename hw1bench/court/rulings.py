"""Rulings: verdicts on record, and what a new verdict means beside one.

They are kept in a small committed file beside the claims, one line per claim and tier; pilots, which reduced protocols give, are
kept in a list of their own. A ruling is on a subject: the
experiment's specification (not its code) and the effect with its numbers. It does not count for another subject. It also
records the environment: long training is chaotic, so another machine repeats it in distribution, not digit by digit.
"""

import errno
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from hw1bench.court.looks import LARGEST
from hw1bench.court.vocabulary import OPEN, PILOTS, RECORDED, RULED, OutcomeWord, RecordedWord, VerdictWord, standing
from hw1bench.specs.experiment import TIERS, Fidelity
from hw1bench.support import files, json_file
from hw1bench.support.number import NotFinite, brief, not_finite

SCHEMA = 3
FILE = "rulings.json"
ELSEWHERE = "ruled on another experiment"
RECORD = "record it with --record-rulings"
RECORD_ANEW = f"its experiment or effect has changed since: {RECORD}"

Number = float | NotFinite | None  # None: not known
Place = tuple[str, str]  # claim id, tier


def number(value: float | None) -> Number:
    """``value`` as a ruling records it: by name if it is not finite."""
    return value if value is None else not_finite(value) or value


@dataclass(frozen=True)
class Ruling:
    """The verdict, or the pilot, on record for one claim and tier, and what it rests on.

    ``experiment`` and ``effect`` are digests of its subject; ``median`` and ``interval`` describe the effect. ``seconds`` of
    training and measuring are those of all runs that it rests on, whichever claims share them. Fields that exact counts do not
    have are None, and so are seconds that are not known. ``date`` is the day in ISO format.
    """

    claim: str
    topic: str
    tier: str
    fidelity: Fidelity
    verdict: RecordedWord
    how: str | None
    holds: int | None
    seeds: int | None
    median: Number
    interval: tuple[Number, Number] | None
    experiment: str | None
    effect: str
    environment: Mapping[str, Any] | None
    seconds: float | None
    date: str | None

    @property
    def place(self) -> Place:
        return self.claim, self.tier

    @property
    def subject(self) -> "Subject":
        return self.experiment, self.effect, self.fidelity


Rulings = dict[Place, Ruling]
Subject = tuple[str | None, str, Fidelity]
"""What a ruling is on: the digests of the experiment and the effect, and whether the experiment was tried as reported."""


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _number(value: Any) -> bool:
    if value is None or (type(value) is str and value in ("undefined", "+infinity", "-infinity")):
        return True
    return type(value) in (int, float) and -math.inf < value < math.inf


def _seconds(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and (value == 0 or _SHORTEST <= value <= _LONGEST))


def _day(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(value).isoformat() == value)
    except (ValueError, TypeError):
        return False


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


_SHORTEST, _LONGEST = 1e-9, 1e9  # seconds: with these bounds, no rate and no estimate is 0 or infinite
_NUMBER = 'a number, "undefined", "+infinity", "-infinity"'
_FIELDS: dict[
    str, tuple[Callable[[Any], bool], str]
] = {  # field of a ruling in the file -> its check, and what it must be
    **dict.fromkeys(("claim", "topic", "tier", "effect"), (_text, "a text")),
    "verdict": (lambda value: _text(value) and value in RECORDED, f"one of {', '.join(RECORDED)}"),
    "how": (
        lambda value: value is None or (_text(value) and value in ("reversed", "absent")),
        "reversed, absent or null",
    ),
    **dict.fromkeys(("holds", "seeds"), (lambda value: value is None or _whole(value), "a number of seeds or null")),
    "median": (_number, f"{_NUMBER} or null"),
    "interval": (
        lambda value: value is None or (isinstance(value, list) and len(value) == 2 and all(map(_number, value))),
        f"two of {_NUMBER}, or null",
    ),
    "experiment": (lambda value: value is None or _text(value), "a digest or null"),
    "environment": (lambda value: value is None or isinstance(value, dict), "an object or null"),
    "seconds": (_seconds, f"0, or a number of seconds from {_SHORTEST:g} to {_LONGEST:,.0f}, or null"),
    "date": (lambda value: value is None or _day(value), "a day such as 2026-01-31, or null"),
}

_ENVIRONMENT: dict[str, tuple[Callable[[Any], bool], str]] = {  # likewise, what estimates and reports read of it
    "device": (lambda value: value is None or _text(value), "a text or null"),
    "threads": (lambda value: value is None or (_whole(value) and value > 0), "a whole number above 0, or null"),
}


def _plain(value: Any) -> bool:
    return value is None or type(value) in (str, bool, int) or (type(value) is float and math.isfinite(value))


_LISTS: dict[str, tuple[Fidelity, tuple[RecordedWord, ...]]] = {
    "rulings": ("as reported", RULED),
    "pilots": ("reduced", PILOTS),
}
"""List in the file -> the fidelity of its entries, and their words."""


def _ruling(entry: Any, fidelity: Fidelity, words: tuple[RecordedWord, ...]) -> Ruling:
    """The ruling that ``entry`` of a file states. Raises ValueError, naming the field, if it does not state one."""
    if not isinstance(entry, dict):
        raise ValueError(f"{brief(entry)} is not a ruling")
    whose = f"the ruling on {brief(entry.get('claim'))}"
    absent = [name for name in _FIELDS if name not in entry]
    odd = [name for name in entry if name not in _FIELDS]
    if absent or odd:
        raise ValueError(f"{whose} has no {absent[0]!r}" if absent else f"{whose} has an unknown field {brief(odd[0])}")
    for name, (right, what) in _FIELDS.items():
        if not right(entry[name]):
            raise ValueError(f"{whose} has {name} {brief(entry[name])}, not {what}")
    for name, value in (entry["environment"] or {}).items():
        right, what = _ENVIRONMENT.get(name, (_plain, "a text, a number, true, false or null"))
        if not right(value):
            raise ValueError(f"{whose} has {brief(name)} {brief(value)} in its environment, not {what}")
    holds, seeds = entry["holds"], entry["seeds"]
    if (holds is None) != (seeds is None) or (holds is not None and holds > seeds):
        raise ValueError(f"{whose} holds in {holds} of {seeds} seeds")
    if seeds is not None and seeds > LARGEST:
        raise ValueError(f"{whose} has {seeds:,} seeds, more than {LARGEST:,}")
    if entry["verdict"] not in words:
        raise ValueError(f"{whose} has verdict {brief(entry['verdict'])} in a list of {', '.join(words)}")
    return Ruling(**{**entry, "fidelity": fidelity, "interval": entry["interval"] and tuple(entry["interval"])})


def load(path: Path) -> Rulings:
    """The rulings in ``path``; none if the file does not exist. Raises ValueError, in one line, if it is malformed or cannot be
    read."""
    try:
        document = json_file.read(path)
        if not isinstance(document, dict):
            raise ValueError("it has no list of rulings")
        if document.get("schema") != SCHEMA:
            raise ValueError(f"its schema is {brief(document.get('schema'))}, not {SCHEMA}")
        absent = next((name for name in _LISTS if not isinstance(document.get(name), list)), None)
        if absent:
            raise ValueError(f"it has no list of {absent}")
        rulings = [_ruling(entry, *kind) for name, kind in _LISTS.items() for entry in document[name]]
        found: Rulings = {}
        for ruling in rulings:
            if ruling.place in found:
                raise ValueError(f"{brief(ruling.claim)} has two rulings for the {ruling.tier} tier")
            found[ruling.place] = ruling
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = " ".join(str(error.strerror if isinstance(error, OSError) and error.strerror else error).split())
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that is how a folder or a pipe is refused
            raise ValueError(f"rulings file {path} cannot be read ({reason}): make it readable") from error
        raise ValueError(
            f"rulings file {path} is malformed ({reason}): restore it, or record anew without it"
        ) from error
    return found


def save(path: Path, rulings: Iterable[Ruling]) -> None:
    """Write ``rulings`` atomically: sorted, one per line, pilots apart. What a killed writer left beside them is removed."""
    files.remove_abandoned(path.parent)
    rows = sorted(rulings, key=lambda ruling: (ruling.topic, ruling.claim, ruling.tier))
    lists = []
    for name, (fidelity, _) in _LISTS.items():
        entries = (asdict(row) for row in rows if row.fidelity == fidelity)
        stated = ({field: value for field, value in entry.items() if field != "fidelity"} for entry in entries)
        lines = ",\n".join(f"  {json.dumps(entry, allow_nan=False)}" for entry in stated)
        lists.append(f'"{name}": [\n{lines}\n]')
    files.write_whole(path, f'{{"schema": {SCHEMA}, {", ".join(lists)}}}\n'.encode())


def gone(rulings: Rulings, tiers: Mapping[str, Iterable[str]], whole: Callable[[str], bool]) -> Rulings:
    """The ``rulings`` whose subject no longer exists: the claim is gone, the tier is unknown, or the claim lacks the tier.

    ``tiers`` are the tiers of each known claim; ``whole`` says whether all claims of a topic are known.
    """
    return {
        place: ruling
        for place, ruling in rulings.items()
        if ruling.tier not in TIERS
        or (ruling.tier not in tiers[ruling.claim] if ruling.claim in tiers else whole(ruling.topic))
    }


@dataclass(frozen=True)
class Outcome:
    """How the test of a claim ends: ``kind``, and a ``remark`` that says why if it is not obvious.

    ``advice`` is the way out, for the message of a test that fails for want of a ruling.
    """

    kind: OutcomeWord
    remark: str = ""
    advice: str = ""


_AS_RULED: dict[RecordedWord, OutcomeWord] = {
    **dict.fromkeys(("supported", "seen"), "passed"),
    **dict.fromkeys(("refuted", "not seen"), "xfailed"),
    **dict.fromkeys(("inconclusive", "mixed", "no evidence"), "skipped"),
}


def outcome(word: VerdictWord, ruling: RecordedWord | None) -> Outcome:
    """The outcome of a verdict ``word``, given the verdict on record."""
    if word == "error":
        return Outcome("failed", "error")
    if word == "not run":
        return Outcome("skipped", "not run")
    match standing(word, ruling):
        case "unruled":
            return (
                Outcome("failed", f"{word}, no ruling yet", RECORD)
                if _AS_RULED[word] == "xfailed"
                else Outcome(_AS_RULED[word])
            )
        case "same":
            return Outcome(_AS_RULED[word])
        case "contrary":
            return Outcome("failed", f"contradicts the ruling ({ruling})")
        case ("weaker" | "stronger") as stands:
            return Outcome(_AS_RULED[word], f"{stands} than the ruling ({ruling})")


def beside(word: VerdictWord, old: Ruling | None, subject: Subject) -> tuple[Outcome, RecordedWord | None]:
    """The outcome of a verdict ``word`` on ``subject``, given the ruling ``old``, and the verdict on record.

    A ruling on another subject does not count as a verdict on record, and the outcome says so.
    """
    if old is None or old.subject == subject:
        on_record = None if old is None else old.verdict
        return outcome(word, on_record), on_record
    plain = outcome(word, None)
    if word in RECORDED:
        failed = _AS_RULED[word] == "xfailed"
        plain = Outcome(plain.kind, f"{word}, {ELSEWHERE}" if failed else ELSEWHERE, RECORD_ANEW if failed else "")
    return plain, None


def replicated(word: VerdictWord, old: Ruling | None, subject: Subject) -> tuple[Outcome, RecordedWord | None]:
    """As ``beside``, for a verdict on seeds of a replication: without a verdict on record there is nothing to repeat."""
    plain, on_record = beside(word, old, subject)
    if on_record is None and word in RECORDED:
        return Outcome("skipped", "nothing on record to replicate" if old is None else ELSEWHERE), None
    return plain, on_record


def unfinished(new: Ruling, old: Ruling) -> bool:
    """Whether ``new`` leaves the claim open on fewer seeds than the ruling ``old`` on the same subject has, as under
    ``--max-seeds``: that says nothing against ``old``, and does not take its place."""
    return new.verdict in OPEN and new.subject == old.subject and (new.seeds or 0) < (old.seeds or 0)


def strictly(plain: Outcome, new: Ruling, old: Ruling | None) -> Outcome:
    """The outcome ``plain`` under ``--strict-rulings``: a claim without a ruling on its own subject fails, and so does a verdict
    weaker than the ruling in the ruling's own environment, where the verdict must repeat, unless it is ``unfinished``."""
    if old is None:
        return Outcome("failed", f"{new.verdict}, no ruling on record", RECORD)
    if new.subject != old.subject:
        return Outcome("failed", f"{new.verdict}, {ELSEWHERE}", RECORD_ANEW)
    weaker = standing(new.verdict, old.verdict) == "weaker"
    if weaker and unfinished(new, old):
        return replace(plain, remark=f"{plain.remark}, on {new.seeds} seeds instead of its {old.seeds}")
    if weaker and new.environment == old.environment:
        return Outcome("failed", f"weaker than the ruling ({old.verdict}) in the ruling's own environment")
    return plain
