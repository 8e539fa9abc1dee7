"""What a claims.json document must hold before anything is rendered from it.

A document may come from another version, another machine or a text editor (`hw1bench report FILE`), so the
renderers trust it only after `check`.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

Document = Mapping[str, Any]
Claim = Mapping[str, Any]
Figure = Mapping[str, Any]

SCHEMA = 1
VERDICTS = ("supported", "refuted", "inconclusive", "error", "not run")
RULED = ("supported", "refuted", "inconclusive")
OUTCOMES = ("passed", "failed", "error", "xfailed", "skipped")
IMAGES = {".svg": "image/svg+xml", ".png": "image/png"}

_DOCUMENT_KEYS = ("schema", "tier", "started", "seconds", "seed_offset", "environment", "claims", "figures")
_CLAIM_KEYS = (
    *("id", "report", "topic", "where", "says", "tier", "verdict", "how", "ruling", "outcome", "holds", "seeds"),
    *("looks", "level", "share", "effect", "diverged", "dataset", "assumptions", "origin", "experiment", "seconds"),
    *("reused", "figure", "note"),
)
_EFFECT_KEYS = ("name", "unit", "median", "interval", "values")
_FIGURE_KEYS = ("report", "number", "title", "path")

# Keys of schema 1 that older documents do not have: a claim's "changes" (texts: what the quick protocol changes), its
# dataset's "canonical" (whether the copy has the known fingerprint), a figure's "note" (a text below it).


def check(document: Document) -> None:
    """Raise ValueError, in one line that names the value and the way out, unless `document` can be rendered."""
    _keys(document, _DOCUMENT_KEYS, "the document")
    if document["schema"] != SCHEMA:
        raise ValueError(f"claims.json has schema {document['schema']!r}; this version reads {SCHEMA}: judge again")
    for where, value in _numbers(document, ""):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}: write null where a number is not defined")
    for claim in document["claims"]:
        _check_claim(claim)
    twice = [name for name, times in Counter(claim["id"] for claim in document["claims"]).items() if times > 1]
    if twice:
        raise ValueError(f"claim id {twice[0]!r} occurs more than once: give each claim its own id")
    for figure in document["figures"]:
        _keys(figure, _FIGURE_KEYS, f"figure {figure.get('path')!r}")
        _check_path(figure["path"])
        if not isinstance(figure.get("note", ""), str):
            raise ValueError(
                f"the note of figure {figure['path']!r} is {figure['note']!r}: write a text, or leave it out"
            )


def _check_claim(claim: Claim) -> None:
    name = f"claim {claim.get('id')!r}"
    _keys(claim, _CLAIM_KEYS, name)
    if claim["verdict"] not in VERDICTS:
        raise ValueError(f"{name} has verdict {claim['verdict']!r}: use one of {', '.join(VERDICTS)}")
    if claim["outcome"] not in OUTCOMES:
        raise ValueError(f"{name} has outcome {claim['outcome']!r}: use one of {', '.join(OUTCOMES)}")
    if claim["effect"] is not None:
        _keys(claim["effect"], _EFFECT_KEYS, f"the effect of {name}")
    changes = claim.get("changes", [])
    if not isinstance(changes, list | tuple) or not all(isinstance(change, str) for change in changes):
        raise ValueError(f"{name} has changes {changes!r}: write a list of texts, or leave it out")
    if from_seeds(claim):
        absent = [key for key in ("holds", "level", "share", "effect") if claim[key] is None]
        if absent:
            raise ValueError(f"{name} was ruled from {claim['seeds']} seeds but its {absent[0]!r} is null: fill it in")
        found = len(claim["effect"]["values"])
        if found != claim["seeds"]:
            raise ValueError(f"{name} was ruled from {claim['seeds']} seeds but has {found} effects: give one a seed")


def from_seeds(claim: Claim) -> bool:
    """Whether the claim's verdict rests on seeds, hence can be false by chance."""
    return claim["seeds"] is not None and claim["verdict"] in RULED


def _keys(found: Mapping[str, Any], wanted: tuple[str, ...], name: str) -> None:
    absent = [key for key in wanted if key not in found]
    if absent:
        raise ValueError(f"{name} has no {absent[0]!r}: claims.json of schema {SCHEMA} needs it")


def _check_path(path: str) -> None:
    # Figures are read and put into the page: a document must not reach files outside its report directory.
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path or parts.suffix not in IMAGES:
        raise ValueError(f"figure path {path!r} is not an .svg or .png below the report directory: move the figure")


def _numbers(value: Any, where: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _numbers(part, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _numbers(part, f"{where}[{index}]")
    elif isinstance(value, float):
        yield where, value
