"""Verdicts and pilots on a terminal: the closing table, failure messages, reasons for skips."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from hw1bench.court import rulings
from hw1bench.report import card, groups, quantities, standings, words
from hw1bench.report.changes import changed
from hw1bench.report.contract import Claim, Document, measured
from hw1bench.report.plain import line
from hw1bench.report.questions import Asked, asked
from hw1bench.session.budget import ESTIMATED
from hw1bench.session.tables import Cell, drawn

_WIDTH = 120  # characters that the closing table needs; a narrower terminal folds its lines
_BRIEF = 5.0  # seconds of training that need no account
_LINES = 10  # experiments that have a line in the account of time
_SHOWN = 0.05  # seconds that are not 0.0 when rounded
_INDENT = "      "  # of a remark, below the claim that it is on
_RULED = {"supported": "green", "refuted": "red", "inconclusive": "yellow"}
_KINDS = {
    "ruled": "dim",
    "pilot": "cyan",
    "unjudged": "dim",
}  # the colour of other groups; no pilot looks like a verdict
_FAILING = (groups.FAILED, "error")
# A session of so many claims has a table of all of them: with topics and remarks it still fits on a terminal of 24 lines, and is
# what somebody who selected a few claims asked for. More claims than that are summed up.
_FEW = 12
_LISTED = (
    10  # claims that failed or changed, and answers that are out of date: pytest has said more of each failure above
)
_REASONS = 3  # why claims are not run
_ASCII = str.maketrans({"\N{CHECK MARK}": "+", "\N{BALLOT X}": "x", "\N{EN DASH}": "-", "\N{MIDDLE DOT}": "."})


def one_line(entry: Claim, remark: str) -> str:
    """The verdict or pilot with its numbers, and the remark on the ruling, in one line."""
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
        if card.told(entry):
            lines.append(f"told     {card.told(entry)}")
        places = measured(effect)
        values = " ".join(
            effect["not_finite"].get(place) or f"{places[place]:.3g}"
            for place in map(str, range(len(effect["values"])))
        )
        lines += [f"effect   {effect['name']} ({effect['unit']}); it holds if > 0", f"per seed {values}"]
    if standings.record(entry):
        lines.append(f"record   {standings.record(entry)}")
    if entry["readings"]:
        lines.append(f"readings {'; '.join(words.readings(entry))}")
    doubts = [doubt for doubt in (words.fragile(entry), words.close(entry)) if doubt]
    if doubts:
        lines.append(f"doubts   {'; '.join(doubts)}")
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
    """How many claims got which verdict, how many which pilot, how many neither; and what to know about pilots and data."""
    counted = groups.counted(groups.tally(document["claims"]))
    return "\n".join(
        [f"{quantities.plural(len(document['claims']), 'claim')}: {counted}", *words.data_remarks(document)]
    )


def variants(document: Document) -> list[str]:
    """For each claim that was trained otherwise too, in how many variants its verdict stands, and the word in the others."""
    found = [
        f"{entry['id']} ({entry['verdict']}) {words.stands(entry['verdict'], entry['variants'])}"
        for entry in document["claims"]
        if entry.get("variants")
    ]
    return list(
        map(line, found or ["no claim was trained in variants in this session: only claims tried as reported are"])
    )


def _remark(entry: Claim) -> str:
    """Why there is no verdict or no evidence; how the result differs from the one on record for its tier; what it hangs on."""
    if entry["verdict"] in ("not run", "error"):
        return entry["note"]
    return "; ".join(filter(None, (words.reason(entry), _differs(entry), words.fragile(entry), words.close(entry))))


def _differs(entry: Claim) -> str:
    """How the result differs from the one on record for its tier, or that that one is on another subject; '' otherwise."""
    if rulings.ELSEWHERE in entry["remark"]:
        return rulings.ELSEWHERE
    if entry["outcome"] in ("failed", "error") and entry["remark"]:
        return entry["remark"]
    return "" if entry["ruling"] in (None, entry["verdict"]) else words.standing(entry)


def _colour(entry: Claim) -> str:
    group = groups.group(entry)
    return "bold red" if group in _FAILING else _RULED.get(group, _KINDS[groups.kind(group)])


def table(document: Document, width: int, *, colour: bool) -> str:
    """The closing table, by topic: claim, verdict or pilot, share, median effect, what the full tier has ruled, time, and a
    remark below it on what is out of the ordinary. Claims of the full tier have no column for its ruling."""
    quick = any(entry["tier"] == "quick" for entry in document["claims"])
    head = ["claim", "verdict or pilot", "holds", "median effect", *(["on record"] if quick else []), "time"]
    rows: list[list[Cell]] = []
    remarks = [""]  # one per line of the table, after its head
    topic, titles = None, words.topics(document)
    for entry in document["claims"]:
        if entry["topic"] != topic:
            topic = entry["topic"]
            rows.append([(line(titles.get(topic, topic)), "bold")])
            remarks.append("")
        trained = entry["seeds"] is not None
        effect = entry["effect"]
        median = quantities.number(measured(effect)["median"]) if effect else ""
        seconds = quantities.duration(entry["seconds"]) + (" reused" if entry["reused"] else "")
        rows.append(
            [
                line(f"  {entry['id']}"),
                (line(words.verdict(entry)), _colour(entry)),
                f"{entry['holds']}/{entry['seeds']}" if trained else "",
                line(f"{median} {effect['unit']}") if effect else "",
                *([standings.on_record(entry) or "-"] if quick else []),
                seconds if trained else "",
            ]
        )
        remarks.append(line(_remark(entry)))
    wide, text = max(width, _WIDTH), []
    lines = drawn(head, rows, numbers=("holds", "median effect", "time"), colour=colour)
    for row, remark in zip(lines, remarks, strict=True):
        text += [row, *wrap(remark, wide, initial_indent=_INDENT, subsequent_indent=_INDENT)]
    return "\n".join(text) + "\n"


def brief(document: Document, width: int, *, colour: bool, encoding: str) -> str:
    """What ``table`` says, on one screen: the questions with the verdicts of record, then which claims failed or are not as on
    record, and why claims are not run. Few claims, or claims of which none is a report's answer to a question, have their whole
    table.

    Signs are those that ``encoding``, the terminal's, has.
    """
    questions = [question for question in asked(document) if question.stands]
    if len(document["claims"]) <= _FEW or not questions:
        return table(document, width, colour=colour)
    said = ["Questions, with the verdicts on record"]
    said += [one for question in questions for one in _question(question, width, encoding)]
    outdated = [one for question in questions for one in question.changed]
    said += _some([f"an answer is out of date: {one}" for one in outdated], "more such answers")
    failed = groups.failed(document)
    known = {claim["id"] for claim in failed}
    odd = [*failed, *(claim for claim in changed(document) if claim["id"] not in known)]
    if odd:
        rest = f"{quantities.plural(len(odd) - _LISTED, 'more claim')} failed or changed"
        said += ["", table({**document, "claims": odd[:_LISTED]}, width, colour=colour).rstrip("\n")]
        said += [rest] if odd[_LISTED:] else []
    idle = Counter(
        claim["note"].partition(ESTIMATED)[0] for claim in document["claims"] if groups.group(claim) == groups.NOT_RUN
    )
    said += [""] * bool(idle)
    said += [line(f"{number} not run: {note}") for note, number in idle.most_common(_REASONS)]
    more = idle.total() - sum(number for _, number in idle.most_common(_REASONS))
    said += [f"{more} not run for other reasons"] if more else []
    return "\n".join([*said, "", "-v lists all claims"]) + "\n"


def _question(question: Asked, width: int, encoding: str) -> list[str]:
    """The lines of a question: its text, and below it what each report says with what is on record of that."""
    stands = "; ".join(f"{stand.report}: {stand.says} {standings.mark(stand.claim)}" for stand in question.stands)
    said = _written(line(stands), encoding)
    return [line(question.text), *wrap(said, width, initial_indent="  ", subsequent_indent="  ")]


def _written(said: str, encoding: str) -> str:
    """``said`` with signs of ASCII if ``encoding`` has no others."""
    try:
        said.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return said.translate(_ASCII)
    return said


def _some(lines: Sequence[str], more: str) -> list[str]:
    """The first of ``lines``, cleaned, and how many ``more`` there are."""
    rest = len(lines) - _LISTED
    return [*map(line, lines[:_LISTED]), *([f"{rest} {more}"] if rest > 0 else [])]


def times(
    spent: Mapping[str, float], meanwhile: Mapping[str, float], reporting: float, whole: float, *, colour: bool
) -> str:
    """Where the ``whole`` seconds of a session went: by experiment what training and measuring took, ``spent``, the longest
    first; what figures and the report took, ``reporting``; and what all else did, such as reading data. What was trained
    ``meanwhile`` has no share, because the session did not wait for it. '' if training and measuring took a few seconds at
    most."""
    training = sum(spent.values())
    if training + sum(meanwhile.values()) < _BRIEF:
        return ""
    found: list[tuple[str, float, float | None]] = [
        *((experiment, seconds, seconds / whole) for experiment, seconds in spent.items()),
        *((f"{experiment}, on the host meanwhile", seconds, None) for experiment, seconds in meanwhile.items()),
    ]
    longest = sorted((one for one in found if one[1] >= _SHOWN), key=lambda one: -one[1])
    lines = longest[:_LINES]
    if longest[_LINES:]:
        more = longest[_LINES:]
        lines.append((f"{len(more)} more", sum(one[1] for one in more), sum(one[2] or 0.0 for one in more)))
    rest = {"Figures and report": reporting, "Everything else": whole - training - reporting, "In all": whole}
    rows: list[list[Cell]] = [
        [line(what), quantities.duration(max(seconds, 0.0)), "" if share is None else f"{100 * share:.0f} %"]
        for what, seconds, share in [
            *((f"  {what}", seconds, share) for what, seconds, share in lines),
            *((what, seconds, seconds / whole) for what, seconds in rest.items()),
        ]
    ]
    head = ("Training and measuring", "time", "share")
    return "\n".join(drawn(head, rows, numbers=("time", "share"), colour=colour)) + "\n"
