"""claims.json -> claims.md: the verdicts for people in a hurry, short enough for a comment in a review."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from hw1bench.court.vocabulary import FULL_TIER_ONLY
from hw1bench.report import card, details, groups, origins, quantities, standings, words
from hw1bench.report.changes import Block, Row, against_other, changed, stands
from hw1bench.report.contract import Claim, Document, Report, check
from hw1bench.report.markup import code, table, text
from hw1bench.report.outline import outline, reports
from hw1bench.report.questions import Asked, Pair, asked

LIMIT = 60_000
"""Characters of the whole page. A comment on GitHub may have 65,536; the rest is for who pastes the page into one."""

# The most characters of each part, so that none can push out another; what the other parts leave is the table of claims'. The
# five reports fill two thirds of the questions' share, and little of the other ones.
_FAILED = 7_000
_CHANGED = 6_000
_COMPARED = 5_000
_REPORTS = 2_000
_QUESTIONS = 16_000
_DISAGREEMENTS = 6_000
_TOPICS = 3_000

# The most characters of a text before it is escaped. What is cut is whole in the details.
_ID, _WORD, _SENTENCE, _ANSWER = 80, 60, 300, 1_000
_PIECES = 40  # of an answer, half of which are links
_TOLD = 160  # what an effect says in a reader's units in a cell; one that says more has its median there
_COLUMNS = 8  # the most reports with a column of their own: more would not fit on a page
_NAMES = 20  # of claims of which there is no more to tell
_FOLDED = 5  # changes of a kind that the page folds away
_POSITIONS = 12  # of a question; so many reports can be read through
_LONG = 12  # rows of a table that the page folds away
_HEAD = ("verdict or pilot", "on record", "effect")


def render(document: Document, *, linked: bool = True) -> str:
    """Render the Markdown of a claims.json document, in at most ``LIMIT`` characters. Raises ValueError if the document breaks
    its contract.

    Tests that failed come first, then verdicts that are not those on record, an introduction, the questions, where reports
    disagree, and a table of the claims of each topic, folded if it is long. If that would be too long, only claims that failed,
    changed or answer a question are listed; a line says what is left out. Unless ``linked``, for a text that does not lie beside
    the details, nothing is a link to them.
    """
    check(document)
    return _Page(document, linked).text()


class _Page:
    def __init__(self, document: Document, linked: bool) -> None:
        self._document = document
        self._places = details.places(document) if linked else {}
        self._details = f"[{details.NAME}]({details.NAME})" if linked else f"`{details.NAME}` of the report"
        self._sections = outline(document)
        self._failed = groups.failed(document)
        failed = {claim["id"] for claim in self._failed}
        self._changed = [claim for claim in changed(document) if claim["id"] not in failed]
        self._compared = against_other(document)
        self._asked = asked(document)

    def text(self) -> str:
        before = [
            "# Claims and verdicts",
            *self._listed(f"{quantities.plural(len(self._failed), 'test')} failed", self._failed, _FAILED),
            *self._listed(self._changed_heading(), self._changed, _CHANGED),
            *self._against_other(),
            f"{quantities.plural(len(self._document['claims']), 'claim')}: "
            f"{groups.counted(groups.tally(self._document['claims'])) or 'none judged'}. The evidence is in {self._details}.",
            *self._introduction(),
            *self._reports(),
            *self._questions(),
            *self._disagreements(),
            "## Reports by topic",
            *self._topics(),
        ]
        after = ["## This session", *self._session()]
        room = LIMIT - len("\n\n".join([*before, *after])) - len("\n\n\n")
        return "\n\n".join([*before, *self._claims(room), *after]) + "\n"

    def _link(self, claim: Claim, said: str) -> str:
        """``said``, which is escaped, as a link to the details of ``claim``."""
        place = self._places.get(claim["id"])
        return f"[{said}]({details.NAME}#{place})" if place else said

    def _name(self, claim: Claim) -> str:
        return self._link(claim, f"`{code(claim['id'], _ID)}`")

    def _rest(self, what: str) -> Callable[[int], str]:
        """The line that says that so many more of ``what`` are not listed."""
        return lambda number: f"{quantities.plural(number, what)} more, in {self._details}."

    def _changed_heading(self) -> str:
        verb = "is" if len(self._changed) == 1 else "are"
        return f"{quantities.plural(len(self._changed), 'other result' if self._failed else 'result')} {verb} not as on record"

    def _listed(self, heading: str, claims: Sequence[Claim], room: int) -> list[str]:
        """A list of ``claims`` with how each stands to the record; empty if there are none."""
        if not claims:
            return []
        lines = [
            f"- {_said(claim)}**{text(words.outcome(claim))}**, {text(stands(claim), _SENTENCE)}: {self._name(claim)}"
            for claim in claims
        ]
        return [f"**{heading}:**", *_fitted(lines, room, self._rest("claim"))]

    def _against_other(self) -> list[str]:
        """What changed since the other document; empty if there is none."""
        if self._compared is None:
            return []
        heading = f"**{self._compared.title}:** {self._compared.summary}"
        lines = [line for block in self._compared.blocks for line in self._block(block)]
        where = "[index.html](index.html)" if self._places else "`index.html` of the report"
        return [
            heading,
            *_fitted(
                lines, _COMPARED - len(heading), lambda number: f"{quantities.plural(number, 'line')} more, in {where}."
            ),
        ]

    def _block(self, block: Block) -> list[str]:
        """A line for each change below the kind of change, with the claim's sentence unless the page folds them away; names alone
        share one line."""
        head = f"- {block.title}: {len(block.rows)}"
        if not block.rows[0].new:
            more = f" and {len(block.rows) - _NAMES} more" if block.rows[_NAMES:] else ""
            return [f"{head} ({', '.join(map(self._row_name, block.rows[:_NAMES]))}{more})"]
        shown = block.rows[:_FOLDED] if block.folded else block.rows
        rows = [
            f"  - {self._row_name(row)}: {text(row.old, _ID)} \N{RIGHTWARDS ARROW} {text(row.new, _ID)}"
            + (f". *{text(row.claim['says'], _SENTENCE)}*" if row.claim and not block.folded else "")
            for row in shown
        ]
        return [head, *rows, *([f"  - and {len(block.rows) - len(shown)} more"] if block.rows[len(shown) :] else [])]

    def _row_name(self, row: Row) -> str:
        return self._name(row.claim) if row.claim else f"`{code(row.name, _ID)}`"

    def _introduction(self) -> list[str]:
        """What the page is, and what its words mean, as far as they occur."""
        claims = self._document["claims"]
        if not claims:
            return []
        number = len(reports(self._sections))
        purpose = (
            f"{quantities.plural(number, 'report')} say{'s' if number == 1 else ''} how deep networks behave; **hw1bench** "
            "trains the models again over several seeds and rules on each sentence, a claim."
        )
        share = "7/8 means that a claim holds in 7 of 8 seeds."
        said = [
            f"{text(standings.as_of(self._document), _SENTENCE)} {share}" if self._asked else share,
            *map(text, words.data_remarks(self._document)),
        ]
        if any(groups.group(claim) == FULL_TIER_ONLY for claim in claims):
            said.append(
                "A claim is **full tier only** if its level or its arms belong to the report's own protocol, of which a reduced "
                "one says nothing."
            )
        if any(claim["fragile"] for claim in claims):
            said.append(
                "What is **fragile** hangs on a number that the report leaves open: another value of it gives another word."
            )
        lines = "\n".join(f"- {one}" for one in said)
        return [" ".join(filter(None, (purpose, text(words.judged(self._document))))), lines]

    def _questions(self) -> list[str]:
        if not self._asked:
            return []
        blocks = [self._question(question) for question in self._asked]
        return ["## Questions", *_fitted(blocks, _QUESTIONS, self._rest("question"), between="\n\n")]

    def _question(self, question: Asked) -> str:
        lines = [f"### {text(question.text, _SENTENCE)}"]
        if question.answer:
            lines += ["", self._answer(question)]
        lines.append("")
        for stand in question.stands[:_POSITIONS]:
            who = f"**{text(stand.report, _ID)}**: {text(stand.says, _SENTENCE)}"
            lines.append(f"- {who}: {self._mark(stand.claim)}")
        if question.stands[_POSITIONS:]:
            lines.append(f"- and {quantities.plural(len(question.stands[_POSITIONS:]), 'more position')}")
        if question.changed:
            said = " ".join(question.changed)
            lines.append(f"- **Changed since this was written:** {text(said, _ANSWER)}")
        return "\n".join(lines)

    def _answer(self, question: Asked) -> str:
        if sum(len(said) for said, _ in question.answer) > _ANSWER or len(question.answer) > _PIECES:
            return text("".join(said for said, _ in question.answer), _ANSWER)
        parts = [self._link(claim, text(said)) if claim else _inside(said) for said, claim in question.answer]
        return "".join(parts)

    def _disagreements(self) -> list[str]:
        """The pairs of claims at odds, with what settles each; empty if there are none."""
        pairs = [self._pair(question, pair) for question in self._asked for pair in question.pairs]
        if not pairs:
            return []
        heading = "## Where reports disagree, with each other or with themselves"
        return [heading, *_fitted(pairs, _DISAGREEMENTS, self._rest("disagreement"))]

    def _pair(self, question: Asked, pair: Pair) -> str:
        sides = [
            f"  - **{text(claim['report'], _ID)}**: {_said(claim)}{self._mark(claim)}"
            for claim in (pair.first, pair.second)
        ]
        return "\n".join([f"- **{text(question.text, _SENTENCE)}** {text(pair.settles, _SENTENCE)}", *sides])

    def _mark(self, claim: Claim) -> str:
        return self._link(claim, text(standings.mark(claim)))

    def _topics(self) -> list[str]:
        """The numbers of verdicts by topic and report; by topic alone if there are too many reports for a page."""
        columns = [report["id"] for report in reports(self._sections)]
        if len(columns) > _COLUMNS:
            columns = []
        rows = []
        for section in self._sections:
            said = {part.report: groups.counted(groups.tally(part.claims)) for part in section.parts}
            cells = [said.get(report) or "-" for report in columns] or [groups.counted(groups.tally(section.claims))]
            rows.append([text(section.title, _WORD), *cells])
        head = [text(column, _WORD) for column in columns] or ["claims"]
        return _fitted(table(["topic", *head], rows), _TOPICS, self._rest("topic"), fixed=2)

    def _reports(self) -> list[str]:
        """A list of what is known about the reports, after a line that keeps it apart from a list before it; empty if nothing is
        known."""
        said = [_about(report) for report in reports(self._sections) if words.about(report) or report["url"]]
        return ["The reports:", *_fitted(said, _REPORTS, self._rest("report"))] if said else []

    def _claims(self, room: int) -> list[str]:
        """All claims by topic, with as much of each as ``room`` allows: with what its effects say, with their median alone, or
        without its sentence. Those that matter if there is no room for any of these."""
        for columns in (self._told, self._medians, self._unsaid):
            whole = [
                part
                for section in self._sections
                if section.claims
                for part in (f"## {text(section.title, _WORD)}", *_folded(section.claims, columns(section.claims)))
            ]
            if len("\n\n".join(whole)) <= room:
                return whole
        found = self._that_matter()
        heading = "## Claims that failed, changed or answer a question"
        left = len(self._document["claims"]) - len(found)
        note = f"{quantities.plural(left, 'other claim')} would not fit on this page, and all claims are in {self._details}."
        rest = self._rest("such claim")
        return [heading, note, *_fitted(self._medians(found), room - len(heading) - len(note) - 4, rest, fixed=2)]

    def _that_matter(self) -> list[Claim]:
        """The claims that failed, changed or answer a question, and pilots that differ from the record, in the page's order."""
        names = {claim["id"] for claim in (*self._failed, *self._changed)}
        blocks = self._compared.blocks if self._compared else ()
        names |= {row.name for block in blocks if not block.folded for row in block.rows}
        names |= {stand.claim["id"] for question in self._asked for stand in question.stands}
        return [
            claim
            for section in self._sections
            for claim in section.claims
            if claim["id"] in names or claim["agreement"] == "differs"
        ]

    def _told(self, claims: Sequence[Claim]) -> list[str]:
        rows = [[_sentence(claim), *_found(claim, _effect(claim)), self._name(claim)] for claim in claims]
        return _filled(["sentence", *_HEAD, "claim"], rows)

    def _medians(self, claims: Sequence[Claim]) -> list[str]:
        rows = [[_sentence(claim), *_found(claim, words.effect(claim)), self._name(claim)] for claim in claims]
        return _filled(["sentence", *_HEAD, "claim"], rows)

    def _unsaid(self, claims: Sequence[Claim]) -> list[str]:
        return _filled(
            ["claim", *_HEAD], [[self._name(claim), *_found(claim, words.effect(claim))] for claim in claims]
        )

    def _session(self) -> list[str]:
        found = self._document
        environment = ", ".join(
            f"{key} {'-' if value is None else value}" for key, value in found["environment"].items()
        )
        facts = [
            f"{text(found['tier'])} tier, started {text(found['started'])}",
            f"duration: {quantities.duration(found['seconds'])}",
            f"environment: {text(environment, _ANSWER)}",
            f"seed offset: {found['seed_offset']}",
            *(text(said, _ANSWER) for said in (origins.on_record(found), origins.gathered(found)) if said),
            words.false_verdicts(found),
        ]
        return ["\n".join(f"- {fact}" for fact in facts)]


def _about(report: Report) -> str:
    url = report["url"]
    link = [f"[{text(url)}](<{url}>)"] if url and len(url) <= _SENTENCE else []
    known = [text(words.about(report), _SENTENCE)] if words.about(report) else []
    return f"- {text(report['id'], _ID)}: {', '.join([*known, *link])}"


def _sentence(claim: Claim) -> str:
    """What the claim says, and what a reader must know beside its verdict."""
    doubts = ", ".join(words.in_short(claim))
    return text(claim["says"], _SENTENCE) + (f" *({text(doubts, _SENTENCE)})*" if doubts else "")


def _said(claim: Claim) -> str:
    """What the claim says as a sentence before others, with a space after it; '' if it says nothing."""
    said = claim["says"].strip()
    return f"{text(words.stop(said), _SENTENCE)} " if said else ""


def _found(claim: Claim, effect: str) -> list[str]:
    """The cells below ``_HEAD``."""
    held = words.fraction(claim["verdict"], claim["holds"], claim["seeds"])
    return [
        " ".join(filter(None, (text(words.outcome(claim)), held))),
        text(standings.on_record(claim)),
        text(effect, _TOLD),
    ]


def _effect(claim: Claim) -> str:
    """What the effects say in a reader's units, or why there is no evidence, if that is short; otherwise the median effect."""
    said = card.why(claim) or card.told(claim)
    return said if 0 < len(said) <= _TOLD else words.effect(claim)


def _filled(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table without the columns in which nothing stands."""
    kept = [column for column in range(len(head)) if any(row[column] for row in rows)]
    return table([head[column] for column in kept], [[row[column] or "-" for column in kept] for row in rows])


def _folded(claims: Sequence[Claim], lines: Sequence[str]) -> list[str]:
    """The table of ``claims``; a long one below their number and verdicts, which unfold it."""
    whole = "\n".join(lines)
    if len(claims) <= _LONG:
        return [whole]
    summary = f"{quantities.plural(len(claims), 'claim')}: {groups.counted(groups.tally(claims))}"
    return [f"<details><summary>{summary}</summary>", whole, "</details>"]


def _inside(said: str) -> str:
    """``said``, a part of a sentence, with the spaces at its ends, which join it to the other parts."""
    escaped = text(said)
    return f"{' ' * said.startswith(' ')}{escaped}{' ' * said.endswith(' ')}" if escaped else " "


def _fitted(
    lines: Sequence[str], room: int, rest: Callable[[int], str], *, between: str = "\n", fixed: int = 0
) -> list[str]:
    """``lines`` in one block, as many as ``room`` characters hold, and another block that says how many are left out by ``rest``.
    The first ``fixed`` lines, the head of a table, are not counted."""
    if not lines:
        return []
    ends = list(accumulate(len(line) + len(between) for line in lines))
    if ends[-1] <= room:
        return [between.join(lines)]
    last = rest(len(lines))
    fit = sum(end <= room - len(last) - len("\n\n") for end in ends)
    shown = [between.join(lines[:fit])] if fit > fixed else []
    return [*shown, rest(len(lines) - max(fit, fixed))]
