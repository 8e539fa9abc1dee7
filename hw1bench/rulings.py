"""Rulings: verdicts on record, and what a new verdict means beside one.

A small committed file beside the claims, one line a claim and tier. A ruling records the digest of the experiment's
specification (not of the code) and the environment: long training is chaotic, so another machine repeats it in
distribution, not digit by digit.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hw1bench import files

if TYPE_CHECKING:
    from hw1bench.verdict import Word

SCHEMA = 1
FILE = "rulings.json"
RULED: "tuple[Word, ...]" = ("supported", "refuted", "inconclusive")


@dataclass(frozen=True)
class Ruling:
    """The verdict on record for one claim and tier; ``experiment`` and ``environment`` are None for exact counts."""

    claim: str
    topic: str
    tier: str
    verdict: "Word"
    how: str | None
    holds: int | None
    seeds: int | None
    experiment: str | None
    environment: Mapping[str, Any] | None


Rulings = dict[tuple[str, str], Ruling]  # (claim id, tier) -> ruling


def load(path: Path) -> Rulings:
    """The rulings in ``path``; none where the file does not exist. Raises ValueError, in one line, where it is malformed."""
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']!r} is not {SCHEMA}")
        rulings = [Ruling(**entry) for entry in document["rulings"]]
        for ruling in rulings:
            if ruling.verdict not in RULED:
                raise ValueError(f"{ruling.claim} has verdict {ruling.verdict!r}, not one of {', '.join(RULED)}")
        found = {(ruling.claim, ruling.tier): ruling for ruling in rulings}
        if len(found) < len(rulings):
            raise ValueError("a claim has two rulings for one tier")
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise ValueError(
            f"rulings file {path} is malformed ({reason}): restore it, or record anew without it"
        ) from error
    return found


def save(path: Path, rulings: Iterable[Ruling]) -> None:
    """Write ``rulings``, sorted, one a line, atomically."""
    rows = sorted(rulings, key=lambda ruling: (ruling.topic, ruling.claim, ruling.tier))
    lines = ",\n".join(f"  {json.dumps(asdict(ruling), sort_keys=False)}" for ruling in rows)
    files.replace(path, f'{{"schema": {SCHEMA}, "rulings": [\n{lines}\n]}}\n'.encode())


@dataclass(frozen=True)
class Outcome:
    """What the test of a claim does: ``kind``, and a ``remark`` that says why where it is not plain."""

    kind: Literal["passed", "failed", "error", "xfailed", "skipped"]
    remark: str = ""


_SAME = {"supported": Outcome("passed"), "refuted": Outcome("xfailed"), "inconclusive": Outcome("skipped")}


def outcome(word: "Word", ruling: "Word | None") -> Outcome:
    """The outcome of a verdict ``word`` beside the verdict on record."""
    if word == "error":
        return Outcome("failed", "error")
    if word == "not run":
        return Outcome("skipped", "not run")
    if ruling == word:
        return _SAME[word]
    if word == "inconclusive":
        return Outcome("skipped", "" if ruling is None else f"weaker than the ruling ({ruling})")
    if ruling is None:
        return Outcome("passed") if word == "supported" else Outcome("failed", "refuted, no ruling yet")
    if ruling == "inconclusive":
        return Outcome(_SAME[word].kind, "stronger than the ruling (inconclusive)")
    return Outcome("failed", f"contradicts the ruling ({ruling})")


def strictly(plain: Outcome, new: Ruling, old: Ruling | None) -> Outcome:
    """``plain`` under ``--strict-rulings``: a claim without ruling fails, and so does a verdict weaker than the ruling where
    specification and environment are the ruling's own, for there it must repeat."""
    if old is None:
        return Outcome("failed", f"{new.verdict}, no ruling on record")
    weaker = new.verdict == "inconclusive" and old.verdict != "inconclusive"
    if weaker and (new.experiment, new.environment) == (old.experiment, old.environment):
        return Outcome("failed", f"weaker than the ruling ({old.verdict}) in the ruling's own environment")
    return plain
