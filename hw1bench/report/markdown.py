"""claims.json -> claims.md: the verdicts for a terminal, a review or a commit."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from hw1bench.report import origins, quantities, words
from hw1bench.report.contract import Claim, Document, Figure, Report, check, from_seeds
from hw1bench.report.outline import Section, outline, reports
from hw1bench.report.plain import line

_HEAD = ("claim", "verdict or pilot", "share", "median effect", "on record", "seconds")


def render(document: Document) -> str:
    """Render the Markdown of a claims.json document; raises ValueError if the document breaks its contract."""
    check(document)
    sections = outline(document)
    environment = ", ".join(
        f"{key} {'-' if value is None else value}" for key, value in document["environment"].items()
    )
    facts = [
        f"{_text(document['tier'])} tier, started {_text(document['started'])}",
        f"duration: {quantities.duration(document['seconds'])}",
        f"environment: {_text(environment)}",
        f"seed offset: {document['seed_offset']}",
        *filter(None, (origins.on_record(document), origins.gathered(document))),
        words.false_verdicts(document),
        *words.data_remarks(document),
    ]
    failed = words.failed(document)
    blocks = [
        "# Claims and verdicts",
        *_failed(failed),
        f"{quantities.plural(len(document['claims']), 'claim')}: {_counts(document['claims']) or 'none judged'}.",
        "\n".join(f"- {fact}" for fact in facts),
        "## Reports by topic",
        _matrix(sections),
        *_reports(sections),
    ]
    for section in sections:
        told = [figure for part in section.parts for figure in part.figures if figure["note"]]
        if section.claims or section.across or told:
            blocks.append(f"## {_text(section.title)}")
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
    columns = [report["id"] for report in reports(sections)]
    rows = []
    for section in sections:
        said = {part.report: _counts(part.claims) for part in section.parts}
        rows.append([_text(section.title), *(said.get(report) or "-" for report in columns)])
    return _rows(["topic", *map(_text, columns)], rows)


def _reports(sections: Sequence[Section]) -> list[str]:
    """A list of what is known about the reports; empty if nothing is known."""
    said = [_about(report) for report in reports(sections) if words.about(report) or report["url"]]
    return ["\n".join(said)] if said else []


def _about(report: Report) -> str:
    url = report["url"]
    link = [f"[{_text(url)}](<{url}>)"] if url else []
    return f"- {_text(report['id'])}: {', '.join([*filter(None, [_text(words.about(report))]), *link])}"


def _table(claims: Iterable[Claim]) -> str:
    return _rows(_HEAD, [_row(claim) for claim in claims])


def _row(claim: Claim) -> list[str]:
    return [
        f"`{_code(claim['id'])}`",
        _text(words.verdict(claim)) + (", test failed" if words.group(claim) == words.FAILED else ""),
        f"{claim['holds']} of {claim['seeds']}" if from_seeds(claim) else "-",
        _text(words.effect(claim)) or "-",
        _text(words.on_record(claim)) or "-",
        f"{claim['seconds']:.1f}{', reused' if claim['reused'] else ''}" if claim["experiment"] else "-",
    ]


def _evidence(claim: Claim) -> str:
    ours = ", ours" if claim["origin"] == "ours" else ""
    parts = [
        f"- `{_code(claim['id'])}` ({_text(claim['where'])}{ours}): *{_text(claim['says'])}*",
        _text(words.sentence(claim)),
    ]
    if claim["effect"]:
        parts.append(_text(f"Effect: {claim['effect']['name']}."))
    parts += [_text(said) for said in (words.chance(claim), words.record(claim), words.trivial(claim)) if said]
    if claim["readings"]:
        parts.append(_text(f"Other readings: {'; '.join(words.readings(claim))}."))
    doubts = (words.fragile(claim), words.close(claim), words.stands(claim["verdict"], claim.get("variants", ())))
    parts += [_text(f"{said[0].upper()}{said[1:]}.") for said in doubts if said]
    if claim["assumptions"]:
        parts.append(_text(f"{words.assumptions(claim).capitalize()}: {'; '.join(claim['assumptions'])}."))
    if claim["changes"]:
        parts.append(_text(f"{words.changes_heading(claim)}: {'; '.join(claim['changes'])}."))
    if words.judged_on(claim):
        parts.append(_text(words.judged_on(claim)))
    if words.note(claim):
        parts.append(_text(words.note(claim)))
    if claim["outcome"] == "failed" or claim["remark"] not in ("", claim["verdict"]):
        parts.append(_text(f"Test {claim['outcome']} ({words.standing(claim)})."))
    return " ".join(parts)


def _figure(figure: Figure) -> str:
    """A link to the figure's file, relative to the report directory, where claims.md is too, and what the figure shows."""
    link = f"[{_text(figure['title'])}](<{quote(figure['path'])}>)"
    note = f" {_text(figure['note'])}" if figure["note"] else ""
    return f"- {link} ({_text(words.shown_in(figure))}).{note}"


def _counts(claims: Iterable[Claim]) -> str:
    return words.counted(words.tally(claims))


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _failed(claims: Sequence[Claim]) -> list[str]:
    """A list of the tests that failed; empty if none did."""
    if not claims:
        return []
    said = [
        f"- `{_code(claim['id'])}`: {_text(words.verdict(claim))}, {_text(words.standing(claim))}" for claim in claims
    ]
    return [f"**{quantities.plural(len(claims), 'test')} failed:**", "\n".join(said)]


_MARKUP = re.compile(r"[\\`*_|<>\[\]#~&$@]|:(?=//)|(?<=\bmailto):|(?<=\bxmpp):|(?<=\bwww)\.", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:[-+](?=[ -]|$)|=|[0-9]{1,9}(?=[.)](?: |$)))"
)  # of a list, a rule, an underline of a heading


def _text(value: object) -> str:
    """``value`` on one line, escaped so that Markdown takes nothing in it for markup, not even a bare address."""
    text = _MARKUP.sub(r"\\\g<0>", " ".join(line(str(value)).split()))
    found = _LEADING.match(text)
    if found is None:
        return text
    mark = found.group()
    return f"{mark}\\{text[len(mark) :]}" if mark.isdigit() else f"\\{text}"


def _code(value: object) -> str:
    """``value`` for a code span, without backticks, which would end the span, and bars, which would end a table's cell."""
    return " ".join(line(str(value)).split()).replace("`", "'").replace("|", "/")
