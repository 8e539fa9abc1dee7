"""Verdicts on a terminal: the closing table, failure messages, reasons for skips."""

from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hw1bench.court import rulings
from hw1bench.report import words
from hw1bench.report.contract import Claim, Document, measured
from hw1bench.report.plain import line

_WIDTH = 120  # characters that the closing table needs; a narrower terminal folds its lines
_COLOURS = {
    "supported": "green",
    "refuted": "red",
    "inconclusive": "yellow",
    "seen": "green",
    "not seen": "red",
    "mixed": "yellow",
    "no evidence": "dim",
    "error": "bold red",
    "not run": "dim",
    words.FAILED: "bold red",
}


def one_line(entry: Claim, remark: str) -> str:
    """The verdict with its numbers, and the remark on the ruling, in one line."""
    sentence = words.sentence(entry)
    return line(f"{sentence} [{remark}]" if remark and remark != entry["verdict"] else sentence)


def message(entry: Claim, outcome: rulings.Outcome, report_dir: Path) -> str:
    """What a failing test prints, on one screen: why it fails and what to do, what was claimed and where, what was seen, and the
    figure."""
    advice = f" ({outcome.advice})" if outcome.advice else ""
    lines = [
        f"{entry['id']}: {outcome.remark or entry['verdict']}{advice}",
        f"claimed  {entry['says']} (report {entry['report']}, {entry['where']})",
        f"seen     {words.sentence(entry)}",
    ]
    effect = entry["effect"]
    if effect is not None:
        places = measured(effect)
        values = " ".join(
            effect["not_finite"].get(place) or f"{places[place]:.3g}"
            for place in map(str, range(len(effect["values"])))
        )
        lines += [f"effect   {effect['name']} ({effect['unit']}); it holds if > 0", f"per seed {values}"]
    if entry["assumptions"]:
        lines.append(f"assumed  {'; '.join(entry['assumptions'])}")
    if entry["changes"]:
        lines.append(f"changed  {'; '.join(entry['changes'])}")
    if words.judged_on(entry):
        lines.append(f"data     {words.judged_on(entry)}")
    if entry["figure"]:
        lines.append(f"figure   {report_dir / entry['figure']}")
    return "\n".join(map(line, lines))


def counts(document: Document) -> str:
    """How many claims got which verdict, and what to know about the data."""
    tally = words.tally(document["claims"])
    counted = ", ".join(f"{count} {word}" for word, count in tally.items())
    return "\n".join([f"{words.plural(len(document['claims']), 'claim')}: {counted}", *words.data_remarks(document)])


def variants(document: Document) -> list[str]:
    """For each claim that was trained otherwise too, in how many variants its verdict stands, and the word in the others."""
    found = [
        f"{entry['id']} ({entry['verdict']}) {words.stands(entry['verdict'], entry['variants'])}"
        for entry in document["claims"]
        if entry.get("variants")
    ]
    return list(
        map(line, found or ["no claim of this session has variants of training: they are of claims tried as reported"])
    )


def _remark(entry: Claim) -> str:
    """Why there is no verdict; or that it differs from the verdict on record, or that the ruling is on another subject."""
    if entry["verdict"] in ("not run", "error"):
        return entry["note"]
    if rulings.ELSEWHERE in entry["remark"]:
        return rulings.ELSEWHERE
    if entry["outcome"] in ("failed", "error") and entry["remark"]:
        return entry["remark"]
    return "" if entry["ruling"] in (None, entry["verdict"]) else words.standing(entry).replace(" on record", "")


def table(document: Document, width: int, *, colour: bool) -> str:
    """The closing table, by topic: claim, verdict, share, median effect, time, and a remark if the verdict is not as ruled."""
    rows = Table(box=None, pad_edge=False, header_style="bold")
    rows.add_column("claim", no_wrap=True)
    rows.add_column("verdict", no_wrap=True)
    for heading in ("holds", "median effect", "time"):
        rows.add_column(heading, justify="right", no_wrap=True)
    rows.add_column("", overflow="fold")
    topic, titles = None, words.topics(document)
    for entry in document["claims"]:
        if entry["topic"] != topic:
            topic = entry["topic"]
            rows.add_row(Text(line(titles.get(topic, topic)), "bold"))
        trained = entry["seeds"] is not None
        effect = entry["effect"]
        median = words.number(measured(effect)["median"]) if effect else ""
        seconds = words.duration(entry["seconds"]) + (" reused" if entry["reused"] else "")
        rows.add_row(
            Text(line(f"  {entry['id']}")),
            Text(line(words.verdict(entry)), _COLOURS[words.group(entry)]),
            f"{entry['holds']}/{entry['seeds']}" if trained else "",
            Text(line(f"{median} {effect['unit']}")) if effect else "",
            seconds if trained else "",
            Text(line(_remark(entry))),
        )
    target = StringIO()
    Console(file=target, width=max(width, _WIDTH), force_terminal=colour, no_color=not colour).print(rows)
    return target.getvalue()
