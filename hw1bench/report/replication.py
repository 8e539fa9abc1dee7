"""A replication: the claims judged again on seeds never used before, compared with the record.

``python -m hw1bench.report.replication REPORT PAGE`` writes the table of a replication's claims.json into a page, between the
lines ``BEGIN`` and ``END``.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hw1bench.court import vocabulary
from hw1bench.court.vocabulary import Standing
from hw1bench.report import reading
from hw1bench.report.contract import Claim, Document, from_seeds
from hw1bench.report.plain import line
from hw1bench.support.files import write_whole

REPLICATION_OFFSET = 1_000_000
"""The first seed of a replication: no other session takes seeds from here on unless it is told to."""

BEGIN, END = "<!-- replication: begin -->", "<!-- replication: end -->"

_SAID: dict[Standing, str] = {
    "same": "repeats",
    "weaker": "weaker",
    "stronger": "stronger",
    "contrary": "contradicts",
    "unruled": "nothing on record",
}


def standings(claims: Iterable[Claim]) -> list[tuple[Claim, Standing]]:
    """How each of the ``claims`` that was judged from seeds stands to the record; an exact count has no seeds to change."""
    return [
        (claim, vocabulary.standing(claim["verdict"], claim["ruling"]))  # type: ignore[arg-type]  # so says from_seeds
        for claim in claims
        if from_seeds(claim)
    ]


def lines(document: Document) -> Iterator[str]:
    """What a terminal says of a replication: how many verdicts and pilots repeat, and each one that does not."""
    found = standings(document["claims"])
    yield f"replication on seeds from {document['seed_offset']:,}: {_counts(found)}"
    for wanted in ("contrary", "weaker", "stronger"):
        for claim, stands in found:
            if stands == wanted:
                yield line(f"  {_SAID[stands]}: {claim['id']}, {claim['ruling']} on record, {_now(claim)}")


def table(document: Document) -> str:
    """The Markdown table of a replication: each claim that was tried as reported, on record and on the new seeds."""
    found = standings(claim for claim in document["claims"] if claim["fidelity"] == "as reported")
    rows = [
        f"| `{line(claim['id'])}` | {claim['ruling'] or '-'} | {_now(claim)} | {_SAID[stands]} |"
        for claim, stands in found
    ]
    return "\n".join(
        [
            f"{document['started'][:10]}, {document['tier']} tier, seeds from {document['seed_offset']:,}: {_counts(found)}.",
            "",
            "| claim | on record | on new seeds | |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _counts(found: Sequence[tuple[Claim, Standing]]) -> str:
    """'of 5 on record 3 repeat, 1 contradicts, 1 weaker; 2 have nothing on record'."""
    numbers = {stands: sum(one == stands for _, one in found) for stands in _SAID}
    recorded = len(found) - numbers["unruled"]
    said = [f"{numbers['same']} repeat"]
    said += [f"{numbers[stands]} {_SAID[stands]}" for stands in ("contrary", "weaker", "stronger") if numbers[stands]]
    return f"of {recorded} on record {', '.join(said)}" + (
        f"; {numbers['unruled']} with nothing on record" if numbers["unruled"] else ""
    )


def _now(claim: Claim) -> str:
    return f"{claim['verdict']} in {claim['holds']} of {claim['seeds']}"


def put(page: str, shown: str) -> str:
    """``page`` with ``shown`` between its lines ``BEGIN`` and ``END``. Raises ValueError unless it has both once, in order."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"it needs one line {BEGIN} and after it one line {END}")
    return f"{page.split(BEGIN)[0]}{BEGIN}\n\n{shown}\n\n{END}{page.split(END)[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table into the page; return the exit status, 2 if it cannot be written."""
    parser = argparse.ArgumentParser(
        prog="hw1bench.report.replication", description="Write a replication's table into a page."
    )
    parser.add_argument("report", metavar="REPORT", type=Path, help="a replication's report directory or claims.json")
    parser.add_argument("page", metavar="PAGE", type=Path, help="the Markdown file")
    chosen = parser.parse_args(arguments)
    try:
        document, path = reading.read(chosen.report)
        if document["seed_offset"] != REPLICATION_OFFSET:
            raise ValueError(f"{path} is no replication: run `pytest claims/ --replicate` first")
        try:
            page = put(chosen.page.read_text(encoding="utf-8"), table(document))
        except ValueError as error:
            raise ValueError(f"{chosen.page}: {error}") from None
        write_whole(chosen.page, page.encode())
    except (OSError, ValueError) as error:
        print(f"hw1bench.report.replication: {line(str(error))}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
