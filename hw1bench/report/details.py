"""claims.json -> claims-details.md: the evidence of every claim, and what the figures show."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from hw1bench.report import card, quantities, standings, words
from hw1bench.report.contract import Claim, Document, Figure, check
from hw1bench.report.markup import code, table, text
from hw1bench.report.outline import outline

NAME = "claims-details.md"

_HEAD = ("claim", "verdict or pilot", "share", "median effect", "on record", "seconds")


def render(document: Document) -> str:
    """Render the details of a claims.json document as Markdown; raises ValueError if the document breaks its contract."""
    check(document)
    anchors = places(document)
    blocks = [
        "# Details of the claims",
        f"{quantities.plural(len(document['claims']), 'claim')}, {text(document['tier'])} tier, started "
        f"{text(document['started'])}. [claims.md](claims.md) has the verdicts in short.",
    ]
    for section in outline(document):
        told = [figure for part in section.parts for figure in part.figures if figure["note"]]
        if section.claims or section.across or told:
            blocks.append(f"## {text(section.title)}")
        if section.across:
            blocks += ["### Across reports", "\n".join(map(_figure, section.across))]
        if section.claims:
            # With a heading above the figures across reports, the claims need one too.
            blocks += ["### Each report"] * bool(section.across)
            blocks += [_table(section.claims), "\n".join(_evidence(claim, anchors) for claim in section.claims)]
        if told:
            blocks += ["### Figures", "\n".join(map(_figure, told))]
    return "\n\n".join(blocks) + "\n"


def places(document: Document) -> dict[str, str]:
    """The anchors of the claims' details by the claims' ids. They are numbered, so that no two ids can share one."""
    return {claim["id"]: f"claim-{number}" for number, claim in enumerate(document["claims"], 1)}


def _table(claims: Iterable[Claim]) -> str:
    return "\n".join(table(_HEAD, [_row(claim) for claim in claims]))


def _row(claim: Claim) -> Sequence[str]:
    return [
        f"`{code(claim['id'])}`",
        text(words.outcome(claim)),
        words.fraction(claim["verdict"], claim["holds"], claim["seeds"]).replace("/", " of ") or "-",
        text(words.effect(claim)) or "-",
        text(standings.on_record(claim)) or "-",
        f"{claim['seconds']:.1f}{', reused' if claim['reused'] else ''}" if claim["seeds"] else "-",
    ]


def _evidence(claim: Claim, anchors: dict[str, str]) -> str:
    ours = ", ours" if claim["origin"] == "ours" else ""
    parts = [
        f'- <a id="{anchors[claim["id"]]}"></a>`{code(claim["id"])}` ({text(claim["where"])}{ours}): '
        f"*{text(claim['says'])}*",
        text(words.sentence(claim)),
        *([text(card.told(claim))] if card.told(claim) else []),
    ]
    if claim["effect"]:
        parts.append(text(f"Effect: {claim['effect']['name']}."))
    parts += [text(said) for said in (words.chance(claim), standings.record(claim), words.trivial(claim)) if said]
    if claim["readings"]:
        parts.append(text(f"Other readings: {'; '.join(words.readings(claim))}."))
    doubts = (words.fragile(claim), words.close(claim), words.stands(claim["verdict"], claim.get("variants", ())))
    parts += [text(f"{said[0].upper()}{said[1:]}.") for said in doubts if said]
    if claim["assumptions"]:
        parts.append(text(f"{words.assumptions(claim).capitalize()}: {'; '.join(claim['assumptions'])}."))
    if claim["changes"]:
        parts.append(text(f"{words.changes_heading(claim)}: {'; '.join(claim['changes'])}."))
    if words.judged_on(claim):
        parts.append(text(words.judged_on(claim)))
    if words.note(claim):
        parts.append(text(words.note(claim)))
    if claim["outcome"] == "failed" or claim["remark"] not in ("", claim["verdict"]):
        parts.append(text(f"Test {claim['outcome']} ({words.standing(claim)})."))
    return " ".join(parts)


def _figure(figure: Figure) -> str:
    """A link to the figure's file, relative to the report directory, where this file is too, and what the figure shows."""
    link = f"[{text(figure['title'])}](<{quote(figure['path'])}>)"
    note = f" {text(figure['note'])}" if figure["note"] else ""
    return f"- {link} ({text(words.shown_in(figure))}).{note}"
