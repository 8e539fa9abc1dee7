"""One report of several: of the parts of a session, which machines have judged apart, or of any reports that do not contradict
each other."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from hw1bench import report
from hw1bench.report import html, merge
from hw1bench.report.contract import Claim, Document, Figure
from hw1bench.report.merge import Earlier
from hw1bench.report.plain import line
from hw1bench.report.reading import read
from hw1bench.support import json_file
from hw1bench.support.files import write_whole

TIMINGS = "benchmark.json"

_Listed = Literal["claims", "figures", "exhibits", "reports", "topics", "questions"]
_KEYS: dict[_Listed, str] = {
    "claims": "id",
    "figures": "path",
    "exhibits": "test",
    "reports": "id",
    "topics": "id",
    "questions": "id",
}
_BOUND = ("experiment", "effect_digest", "fidelity")
_FOUND = ("verdict", "how", "holds", "seeds", "effect")
_NAMED = 5  # claims that are named before the rest is only counted
_Entry = TypeVar("_Entry", bound=Mapping[str, Any])


class Source(NamedTuple):
    """The ``document`` in a report directory ``folder``."""

    folder: Path
    document: Document


def write(folders: Sequence[Path], into: Path, notice: Callable[[str], None] = lambda text: None) -> Document:
    """Merge the reports in ``folders`` into a new or empty folder ``into``: claims, figures, pages, JUnit and timings. Return the
    whole document. ``notice`` is told of selected claims that none of the reports has, and as by ``report.write``.

    Raises ValueError, in one line and before anything is written, if a folder holds no report, if two reports contradict each
    other, and if ``into`` is not empty; OSError if it cannot be written.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ValueError(f"{into} is not an empty folder: remove it, or merge into another")
    sources = [Source(path.parent, document) for document, path in map(read, folders)]
    whole, timings = merged(sources), _timings([source.folder for source in sources])
    shown = _figures(sources)
    pictures = {path: html.content(figure, folder) for path, (figure, folder) in shown.items()}
    into.mkdir(parents=True, exist_ok=True)
    for path, picture in pictures.items():
        if picture is not None:
            write_whole(into / path, picture)
    if timings is not None:
        write_whole(into / TIMINGS, json.dumps(timings, indent=1).encode())
    report.write(whole, into, notice=notice)
    there = {claim["id"] for claim in whole["claims"]}
    if lacking := [name for name in _order(sources, "claims") if name not in there]:
        more = f" and {len(lacking) - _NAMED} more" if lacking[_NAMED:] else ""
        notice(f"claims that were selected and are in no report: {', '.join(lacking[:_NAMED])}{more}")
    return whole


def merged(sources: Sequence[Source]) -> Document:
    """The document of all ``sources``, one or more. Of parts of a selection it is as of one session: claims, figures and
    descriptions in the order of the selection, judged when the first part began. Otherwise claims come in the order of the
    sources, and keep the time at which they were judged. Seconds are added up. What a source was compared with is left out.

    Raises ValueError, in one line, if two of them are of different tiers or first seeds, or rule differently on a claim.
    """
    for one, other in pairwise(sources):
        a, b = one.document, other.document
        for what, first, second in (("tier", a["tier"], b["tier"]), ("seed", a["seed_offset"], b["seed_offset"])):
            if first != second:
                told = f"{one.folder} is of the {what} {first}, {other.folder} of the {what} {second}"
                raise ValueError(f"{told}: merge reports of one tier from one first seed")
    _check_claims(sources)
    documents = [source.document for source in sources]
    parts = all("shard" in document for document in documents)
    started = (min if parts else max)(document["started"] for document in documents)
    if parts:
        documents = [_begun(document, started) for document in documents]
    whole = documents[0]
    for document in documents[1:]:
        whole = merge.added(_earlier(whole), document)
    exhibits = {one["test"]: one for document in documents for one in document.get("exhibits", ())}
    found: Document = {
        **whole,
        "started": started,
        "seconds": sum(document["seconds"] for document in documents),
        "environment": _environment(documents),
        "figures": [figure for figure, _ in _figures(sources).values()],
        "exhibits": [*exhibits.values()],
    }
    found.pop("shard", None)
    found.pop("compared", None)
    for listed, key in _KEYS.items():
        if listed in found:
            found[listed] = _sorted(found[listed], key, _order(sources, listed))  # type: ignore[typeddict-item]  # as it was
    return found


def _check_claims(sources: Sequence[Source]) -> None:
    """Raise ValueError if two of ``sources`` have found different things of one claim. One that was not run contradicts no
    verdict."""
    first: dict[str, tuple[Claim, Path]] = {}
    for folder, document in sources:
        for claim in document["claims"]:
            there, where = first.setdefault(claim["id"], (claim, folder))
            idle = "not run" in (there["verdict"], claim["verdict"])
            key = next((key for key in (*_BOUND, *(() if idle else _FOUND)) if there.get(key) != claim.get(key)), None)
            if key is not None:
                what = "is tried by" if key in _BOUND else "has"
                raise ValueError(
                    f"claim {claim['id']} {what} another {key} in {folder} than in {where}: leave one of them out"
                )
            if there["verdict"] == "not run":
                first[claim["id"]] = claim, folder


def _begun(document: Document, started: str) -> Document:
    """``document`` as of a session that began when it was ``started``."""
    own = document["started"]
    claims: list[Claim] = [
        {**claim, "judged": started} if claim["judged"] == own else claim for claim in document["claims"]
    ]
    return {**document, "started": started, "claims": claims}


def _earlier(document: Document) -> Earlier:
    described = (document.get("reports", ()), document.get("topics", ()), document.get("questions", ()))
    return Earlier(document["claims"], document["figures"], (), *described)


def _environment(documents: Sequence[Document]) -> dict[str, str | float | bool | None]:
    """What the environments of ``documents`` say, each value that occurs of what is not the same: "avx2, avx512"."""
    found: dict[str, dict[str | float | bool | None, None]] = {}
    for document in documents:
        for name, value in document["environment"].items():
            found.setdefault(name, {})[value] = None
    return {
        name: next(iter(values)) if len(values) == 1 else ", ".join(map(str, values)) for name, values in found.items()
    }


def _figures(sources: Sequence[Source]) -> dict[str, tuple[Figure, Path]]:
    """By its path each figure and the folder that holds it: of those that several have, the one that shows most runs."""
    found: dict[str, tuple[Figure, Path]] = {}
    for folder, document in sources:
        for figure in document["figures"]:
            there = found.get(figure["path"])
            if there is None or figure["runs"] > there[0]["runs"]:
                found[figure["path"]] = figure, folder
    return found


def _order(sources: Sequence[Source], listed: _Listed) -> dict[str, int]:
    """The place of each name in the selections that the ``sources`` are parts of."""
    names = (name for _, document in sources if "shard" in document for name in document["shard"][listed])
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _sorted(entries: Sequence[_Entry], key: str, order: Mapping[str, int]) -> list[_Entry]:
    """``entries`` in the ``order`` of their names, and as they were after those that it has."""
    return sorted(entries, key=lambda entry: order.get(entry[key], len(order)))


def _timings(folders: Sequence[Path]) -> dict[str, Any] | None:
    """What pytest-benchmark has timed for the reports in ``folders``, with all else as in the first; None if it was not there.
    Raises ValueError, in one line, for a file that is not its own."""
    whole: dict[str, Any] | None = None
    for path in (folder / TIMINGS for folder in folders):
        if not path.exists():
            continue
        try:
            found = json_file.read(path)
            if not isinstance(found, dict) or not isinstance(rows := found.get("benchmarks"), list):
                raise ValueError("it has no list of benchmarks")
        except (OSError, ValueError) as error:
            reason = line(str(error.strerror if isinstance(error, OSError) else error))
            raise ValueError(
                f"{path} is not what pytest-benchmark writes ({reason}): remove it, or restore it"
            ) from error
        whole = whole or {**found, "benchmarks": []}
        whole["benchmarks"] += rows
    return whole
