"""claims.json -> claims.md: the verdicts for a terminal, a review or a commit."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from hw1bench.report import words
from hw1bench.report.contract import Claim, Document, Figure, check, from_seeds
from hw1bench.report.outline import Section, outline, reports

_HEAD = ("claim", "verdict", "share", "median effect", "ruling", "seconds")


def render(document: Document) -> str:
    """The Markdown of a claims.json document; raises ValueError for one that breaks its contract."""
    check(document)
    sections = outline(document)
    environment = ", ".join(
        f"{key} {'-' if value is None else value}" for key, value in document["environment"].items()
    )
    facts = [
        f"{_text(document['tier'])} tier, started {_text(document['started'])}",
        f"duration: {words.duration(document['seconds'])}",
        f"environment: {_text(environment)}",
        f"seed offset: {document['seed_offset']}",
        words.false_verdicts(document),
        *words.data_remarks(document),
    ]
    blocks = [
        "# Claims and verdicts",
        f"{words.plural(len(document['claims']), 'claim')}: {_counts(document['claims']) or 'none judged'}.",
        "\n".join(f"- {fact}" for fact in facts),
        "## Reports by topics",
        _matrix(sections),
    ]
    for section in sections:
        told = [figure for part in section.parts for figure in part.figures if figure.get("note")]
        if section.claims or section.across or told:
            blocks.append(f"## {_text(words.topic(section.topic))}")
        if section.across:
            blocks += ["### Across reports", "\n".join(map(_figure, section.across))]
        if section.claims:
            # With a heading above the figures across reports, the claims need one too.
            blocks += ["### Each report"] * bool(section.across)
            blocks += [_table(section.claims), "\n".join(map(_evidence, section.claims))]
        if told:
            blocks += ["### Figures", "\n".join(map(_figure, told))]
    return "\n\n".join(blocks) + "\n"


def _matrix(sections: Sequence[Section]) -> str:
    columns = reports(sections)
    rows = []
    for section in sections:
        said = {part.report: _counts(part.claims) for part in section.parts}
        rows.append([_text(words.topic(section.topic)), *(said.get(report) or "-" for report in columns)])
    return _rows(["topic", *map(_text, columns)], rows)


def _table(claims: Iterable[Claim]) -> str:
    return _rows(_HEAD, [_row(claim) for claim in claims])


def _row(claim: Claim) -> list[str]:
    return [
        f"`{_code(claim['id'])}`",
        words.verdict(claim),
        f"{claim['holds']} of {claim['seeds']}" if from_seeds(claim) else "-",
        _text(words.effect(claim)) or "-",
        _text(claim["ruling"] or "-"),
        f"{claim['seconds']:.1f}{', reused' if claim['reused'] else ''}" if claim["experiment"] else "-",
    ]


def _evidence(claim: Claim) -> str:
    ours = ", ours" if claim["origin"] == "ours" else ""
    parts = [
        f"- `{_code(claim['id'])}` ({_text(claim['where'])}{ours}): *{_text(claim['says'])}*",
        _text(words.sentence(claim)),
    ]
    if claim["assumptions"]:
        parts.append(_text(f"{words.assumptions(claim).capitalize()}: {'; '.join(claim['assumptions'])}."))
    if words.changes(claim):
        parts.append(_text(f"{words.changes_heading(claim)}: {'; '.join(words.changes(claim))}."))
    if words.judged_on(claim):
        parts.append(_text(words.judged_on(claim)))
    if from_seeds(claim) and claim["note"]:
        parts.append(_text(claim["note"]))
    return " ".join(parts)


def _figure(figure: Figure) -> str:
    """A link to the figure's file, which lies below the report directory as claims.md does, and what it shows."""
    link = f"[{_text(figure['title'])}](<{quote(figure['path'])}>)"
    note = "".join(f" {_text(line)}" for line in figure.get("note", "").splitlines())
    return f"- {link} ({_text(words.shown_in(figure))}).{note}"


def _counts(claims: Iterable[Claim]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in words.tally(claims).items())


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: object) -> str:
    """`value` on one line, with nothing in it that Markdown would take for markup."""
    return re.sub(r"([\\`*_|<>\[\]#~])", r"\\\1", " ".join(str(value).split()))


def _code(value: object) -> str:
    """`value` for a code span, where a backtick would end the span and a bar the cell of a table."""
    return " ".join(str(value).split()).replace("`", "'").replace("|", "/")
