"""Checks of a claims.json document before anything is rendered from it.

A document may come from another version, another machine or a text editor (``hw1bench report FILE``), so the
renderers trust it only after ``check``. ``hw1bench.report.schema`` defines the form of each value; the checks here are of values
that depend on each other.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from hw1bench.court.looks import LARGEST
from hw1bench.court.vocabulary import PILOTS, RECORDED, RULED, agreement
from hw1bench.report import schema
from hw1bench.report.schema import (
    SCHEMA,
    Claim,
    Compared,
    Dataset,
    Document,
    Effect,
    Exhibit,
    Figure,
    Found,
    Median,
    OnRecord,
    Question,
    Report,
    Topic,
    Variant,
)
from hw1bench.report.validate import check_of, fault, schema_of, shown
from hw1bench.support.number import NotFinite

__all__ = [
    "SCHEMA",
    "Claim",
    "Compared",
    "Dataset",
    "Document",
    "Effect",
    "Exhibit",
    "Figure",
    "Found",
    "Median",
    "OnRecord",
    "Question",
    "Report",
    "Topic",
    "Variant",
    "as_float",
    "check",
    "from_seeds",
    "measured",
]

IMAGES = {".svg": "image/svg+xml", ".png": "image/png"}

_DOCUMENT = check_of(schema.JSON_SCHEMA)
_CLAIM = check_of(schema_of(Claim))
_FLOATS = {"undefined": math.nan, "+infinity": math.inf, "-infinity": -math.inf}


def check(document: Any) -> None:
    """Raise ValueError, in one line that names the value and the way out, unless ``document`` can be rendered."""
    if not isinstance(document, dict):
        raise ValueError(
            f"this is {shown(document)}, not a claims.json document: name a report directory or a claims.json"
        )
    if "schema" in document and document["schema"] != SCHEMA:
        raise ValueError(
            f"claims.json has schema {shown(document['schema'])}, but this version reads {SCHEMA}: judge again, or use the "
            "version that wrote it"
        )
    broken = fault(document, _DOCUMENT)
    if broken:
        raise ValueError(f"{_whose(document, broken)}{broken}")
    for claim in document["claims"]:
        _check_sense(claim)
    _check_once((claim["id"] for claim in document["claims"]), "claim id", "give each claim its own id")
    for figure in document["figures"]:
        _check_path(figure["path"])
    _check_once((figure["path"] for figure in document["figures"]), "figure path", "give each figure its own file")
    _check_once((report["id"] for report in document.get("reports", ())), "report", "describe each report once")
    _check_once((topic["id"] for topic in document.get("topics", ())), "topic", "give each topic one title")
    _check_once((question["id"] for question in document.get("questions", ())), "question", "ask each question once")
    if "compared" in document:
        _check_compared(document["compared"], document["tier"])


def check_claim(claim: Claim) -> None:
    """Raise ValueError, as ``check`` does, unless ``claim`` can be one of a document."""
    broken = fault(claim, _CLAIM, f"claim {shown(claim['id'])}")
    if broken:
        raise ValueError(broken)
    _check_sense(claim)


def from_seeds(claim: Claim) -> bool:
    """Whether the claim's verdict rests on seeds, and so can be false by chance."""
    return claim["seeds"] is not None and claim["verdict"] in RECORDED


def measured(effect: Effect) -> dict[str, float]:
    """Numbers of an effect by their places: "median", "low" and "high" (its interval, if it has one), "0", "1", ... (the seeds).

    A null in the document becomes NaN if it is undefined, otherwise the infinity that ``not_finite`` names.
    """
    kinds = effect["not_finite"]
    return {place: _FLOATS[kinds[place]] if value is None else value for place, value in _places(effect).items()}


def as_float(value: float | NotFinite) -> float:
    """A number, or what the name of a number that is not finite stands for: NaN or an infinity."""
    return _FLOATS[value] if isinstance(value, str) else value


def _places(effect: Effect) -> dict[str, float | None]:
    ends = effect["interval"] or ()
    return {
        "median": effect["median"],
        **dict(zip(("low", "high"), ends, strict=False)),
        **{str(index): value for index, value in enumerate(effect["values"])},
    }


def _check_sense(claim: Claim) -> None:
    """Raise ValueError if values of ``claim`` contradict each other."""
    name = f"claim {shown(claim['id'])}"
    holds, seeds, looks, share = claim["holds"], claim["seeds"], claim["looks"], claim["share"]
    if from_seeds(claim):
        absent = [key for key in ("holds", "looks", "level", "share", "effect") if claim[key] is None]
        if absent:
            raise ValueError(f"{name} was ruled from {seeds} seeds but its {absent[0]!r} is null: fill it in")
    if holds is not None and (seeds is None or holds > seeds):
        raise ValueError(f"{name} holds in {holds} of {shown(seeds)} seeds: write at most its number of seeds")
    if claim["how"] is not None and claim["verdict"] != "refuted":
        raise ValueError(f"{name} is {claim['verdict']}, but how is {claim['how']!r}: write null if nothing is refuted")
    if share is not None and share[0] > share[1]:
        raise ValueError(f"{name} has the share {share[0]} to {share[1]}: write the lower end first")
    if looks is not None and any(after <= before for before, after in pairwise(looks)):
        raise ValueError(f"{name} has looks {looks}, which do not increase: write each number of seeds once, in order")
    if looks is not None and looks and looks[-1] > LARGEST:
        raise ValueError(f"{name} has a look at {looks[-1]:,} seeds: write {LARGEST:,} or fewer")
    if looks is not None and seeds is not None and seeds not in looks:
        raise ValueError(
            f"{name} has {seeds} seeds, and looks at {looks}: write a number of seeds at which it was looked"
        )
    if claim["effect"] is not None:
        _check_effect(claim["effect"], seeds, name)
    _check_fidelity(claim, name)
    _check_record(claim, name)
    _check_readings(claim, name)


def _check_fidelity(claim: Claim, name: str) -> None:
    """Refuse a verdict of a reduced protocol, and a pilot of one that is as reported."""
    reduced = claim["fidelity"] == "reduced"
    if reduced and claim["tier"] == "full":
        raise ValueError(f"{name} is of the full tier, but its fidelity is 'reduced': write 'as reported'")
    known, other = (PILOTS, RULED) if reduced else (RULED, PILOTS)
    given = [claim["verdict"], claim["ruling"], *(reading["verdict"] for reading in claim["readings"])]
    wrong = next((word for word in given if word in other and word not in known), None)
    if wrong is not None:
        raise ValueError(f"{name} is {claim['fidelity']} and says {wrong!r}: write one of {', '.join(known)}")


def _check_record(claim: Claim, name: str) -> None:
    """Refuse an agreement that does not follow from the verdict and the record, and a calibration that no pilot can have."""
    record, calibration = claim["record"], claim["calibration"]
    due = agreement(claim["verdict"], record["verdict"]) if record else None
    if claim["agreement"] != due:
        raise ValueError(
            f"{name} is {claim['verdict']}, with {record['verdict'] if record else 'nothing'} on record, but its agreement is "
            f"{shown(claim['agreement'])}: write {due or 'null'}"
        )
    if record is not None and record["holds"] is not None and (record["seeds"] or 0) < record["holds"]:
        raise ValueError(
            f"{name} holds in {record['holds']} of {shown(record['seeds'])} seeds on record: write at most those"
        )
    if calibration is not None and claim["fidelity"] != "reduced":
        raise ValueError(f"{name} is as reported and has a calibration, which is of pilots: write null")
    if calibration is not None and calibration["agree"] > calibration["of"]:
        raise ValueError(
            f"{name} has {calibration['agree']} pilots that agree of {calibration['of']}: write at most their number"
        )


def _check_readings(claim: Claim, name: str) -> None:
    """Refuse a claim that is called fragile for a number whose readings do not change the word, or that is not although one
    does."""
    changing = {reading["number"] for reading in claim["readings"] if reading["verdict"] != claim["verdict"]}
    odd = sorted(changing.symmetric_difference(claim["fragile"]))
    if odd:
        changes = odd[0] in changing
        raise ValueError(
            f"{name}: a reading of {shown(odd[0])} {'changes' if changes else 'does not change'} the word: "
            f"{'name it under' if changes else 'remove it from'} fragile"
        )
    if claim["close"] and not from_seeds(claim):
        raise ValueError(f"{name} was not judged from seeds, but is close: write false")


def _check_effect(effect: Effect, seeds: int | None, name: str) -> None:
    if seeds is not None and len(effect["values"]) != seeds:
        raise ValueError(f"{name} has {seeds} seeds but {len(effect['values'])} effects: give one per seed")
    if "seeds" in effect and len(effect["seeds"]) != len(effect["values"]):
        raise ValueError(
            f"{name} has {len(effect['values'])} effects of {len(effect['seeds'])} seeds: give one per seed"
        )
    places = _places(effect)
    for place, value in places.items():
        if value is None and place not in effect["not_finite"]:
            raise ValueError(f"{name} has null as effect {place!r}: state its kind under not_finite")
    for place in effect["not_finite"]:
        if places.get(place, 0.0) is not None:
            raise ValueError(f"{name} has {shown(place)} in not_finite, but no null there: remove it from not_finite")
    found = measured(effect)
    if effect["interval"] is not None and found["low"] > found["high"]:
        raise ValueError(f"{name} has the interval {found['low']} to {found['high']}: write the lower end first")


def _check_compared(compared: Compared, tier: str) -> None:
    """Refuse a document to compare with that is of another tier, or that no session can have written."""
    if compared["tier"] != tier:
        raise ValueError(f"compared is of the {compared['tier']} tier, and the document of the {tier} tier: remove it")
    _check_once(
        (found["id"] for found in compared["claims"]), "compared: claim id", "keep one of the claims of that id"
    )
    for found in compared["claims"]:
        name = f"compared: claim {shown(found['id'])}"
        if found["holds"] is not None and found["holds"] > (found["seeds"] or 0):
            raise ValueError(f"{name} holds in {found['holds']} of {shown(found['seeds'])} seeds: write at most those")
        if found["how"] is not None and found["verdict"] != "refuted":
            raise ValueError(f"{name} is {found['verdict']}, but how is {found['how']!r}: write null")
        known, other = (PILOTS, RULED) if found["fidelity"] == "reduced" else (RULED, PILOTS)
        if found["verdict"] in other and found["verdict"] not in known:
            raise ValueError(
                f"{name} is {found['fidelity']} and says {found['verdict']!r}: write one of {', '.join(known)}"
            )
        ends = [as_float(end) for end in (found["effect"] and found["effect"]["interval"]) or ()]
        if ends and ends[0] > ends[1]:
            raise ValueError(f"{name} has the interval {ends[0]} to {ends[1]}: write the lower end first")


def _whose(document: Mapping[str, Any], broken: str) -> str:
    """The start of a message about claims[3]: the id of that claim, if it has one."""
    place = re.match(r"claims\[([0-9]+)\]", broken)
    claim = document["claims"][int(place.group(1))] if place else None
    return f"claim {shown(claim['id'])}: " if isinstance(claim, dict) and isinstance(claim.get("id"), str) else ""


def _check_once(names: Iterable[str], what: str, way_out: str) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{what} {shown(twice[0])} occurs more than once: {way_out}")


def _check_path(path: str) -> None:
    # Figures are read and put into the page: a document must not reach files outside its report directory.
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path or parts.suffix not in IMAGES:
        raise ValueError(
            f"figure path {shown(path)} is not an .svg or .png below the report directory: move the figure"
        )
    if re.search("[\x00-\x1f\x7f\ud800-\udfff]", path):
        raise ValueError(f"figure path {shown(path)} has characters that a file name cannot hold: rename the figure")
