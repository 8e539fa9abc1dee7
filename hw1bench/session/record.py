"""The record: which claims have a verdict of the full tier, what it rests on, and how far quick pilots agree with it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hw1bench.court import calibration, costs, pilots
from hw1bench.court.calibration import Pair
from hw1bench.court.claim import Claim
from hw1bench.court.docket import Book, Case
from hw1bench.court.rulings import Ruling
from hw1bench.court.values import Values
from hw1bench.court.vocabulary import FULL_TIER_ONLY, RULED, RecordedWord, agreement, standing
from hw1bench.effects import Effect
from hw1bench.report import quantities, standings, words
from hw1bench.session.sections import Section, escaped
from hw1bench.specs.experiment import Tier
from hw1bench.specs.pack import Pack

_PAGE = """\
# The record

Which claims have a verdict of the full tier in `claims/rulings.json`, reached with their present protocols and effects, and
how often the quick tier's pilots agree with it. `make record-page` writes this page;
`python -m hw1bench record` prints it. [rulings.md](rulings.md) explains the words.

"""


@dataclass(frozen=True)
class Record:
    """The ``summary``, one sentence a line, and the ``sections``."""

    summary: Sequence[str]
    sections: Sequence[Section]


def record(cases: Sequence[Case], book: Book, pack: Pack) -> Record:
    """The record of the claims ``cases`` in the rulings ``book``, with the topics' titles of ``pack``."""
    titles = {topic.id: topic.title or topic.id for topic in pack.topics}
    by_topic: dict[str, list[Case]] = {}
    for case in cases:
        by_topic.setdefault(case.topic, []).append(case)
    missing = [case for case in cases if case.ruled(book, "full") is None]
    pairs = calibration.pairs(cases, book)
    return Record(
        summary(cases, book),
        [
            Section(
                "Claims",
                ("claim", "record", "holds", "median effect", "date", "device", "time", "quick tier"),
                [(titles.get(topic, topic), [_row(case, book) for case in some]) for topic, some in by_topic.items()],
                "There are none.",
                note="Times are of all runs that a ruling rests on, and claims share runs.",
                numbers=("holds", "median effect", "time"),
                spare=("time", "device", "date", "median effect"),
                anchors=tuple(by_topic),
            ),
            _costs(missing, costs.rates(costs.timed(cases, book))),
            _calibration("topic", pairs, lambda case: case.topic),
            _calibration("effect", pairs, lambda case: calibration.constructor(case.claim)),
            *_quick_against_full(cases, book, titles),
        ],
    )


@dataclass(frozen=True)
class _Both:
    """A claim whose quick protocol is not the full one, with both rulings on it, and how they stand: "agrees", "differs" or
    "undecided"."""

    case: Case
    quick: Ruling
    full: Ruling
    stands: str


def _both(cases: Iterable[Case], book: Book) -> list[_Both]:
    """The claims of which both tiers have a ruling and the quick one trains something else: it gave a pilot, or a verdict that
    the experiment vouches for as reported."""
    found = []
    for case in cases:
        quick, full, experiment = case.ruled(book, "quick"), case.ruled(book, "full"), case.claim.experiment
        if quick is None or full is None or experiment is None or experiment.quick is None:
            continue
        mine, whole = experiment.quick.training, experiment.full.training
        if (mine.arms, mine.measures) != (whole.arms, whole.measures):
            stands = _stands(quick.verdict, full.verdict, quick.fidelity == "reduced")
            found.append(_Both(case, quick, full, stands if stands in ("agrees", "differs") else "undecided"))
    return found


def _quick_against_full(cases: Sequence[Case], book: Book, titles: Mapping[str, str]) -> list[Section]:
    """All claims that both tiers have ruled on, by topic; and those on which they differ, with what would have silenced the
    quick one."""
    both = _both(cases, book)
    by_topic: dict[str, list[_Both]] = {}
    for one in both:
        by_topic.setdefault(one.case.topic, []).append(one)
    return [
        Section(
            "Quick against full",
            ("claim", "effect", "quick tier", "record", "the two"),
            [
                (_agreement(titles.get(topic, topic), some), [(*_compared(one), one.stands) for one in some])
                for topic, some in by_topic.items()
            ],
            "No claim is on record in both tiers with a quick protocol of its own.",
            note="Each claim on record in both tiers whose quick protocol is not the full one. Quick protocols that are as "
            "reported too, such as those of fits, give verdicts, so more is counted here than pilots. A pilot agrees if it is "
            "seen and the claim is supported, or not seen and refuted; a verdict agrees if the full tier has the same word, be "
            "it inconclusive. Undecided: one of the two decides nothing.",
            spare=("effect",),
        ),
        Section(
            "Pilots that differ from the record",
            ("claim", "effect", "quick tier", "median there", "record", "median", "silenced by"),
            [
                (
                    "",
                    [
                        (
                            *_compared(one)[:3],
                            _median(one.case, one.quick),
                            _word(one.full),
                            _median(one.case, one.full),
                            _silenced_by(one.case.claim),
                        )
                        for one in both
                        if one.stands == "differs"
                    ],
                )
            ],
            "There are none.",
            note="The last column names the rule of pilots that would have silenced the quick protocol if neither the claim "
            "(own_level, about_not_training) nor the experiment (as_reported) were exempt from it. None: it meets all five, "
            "speaks and is wrong, a fault of the protocol.",
            numbers=("median there", "median"),
            spare=("effect", "median there", "median"),
        ),
    ]


def _compared(one: _Both) -> tuple[str, str, str, str]:
    return one.case.claim.id, calibration.constructor(one.case.claim), _word(one.quick), _word(one.full)


def _agreement(title: str, some: Sequence[_Both]) -> str:
    """'Weight paths: 3 of 4 agree', of those that both tiers decide."""
    found = Counter(one.stands for one in some)
    decided = found["agrees"] + found["differs"]
    return f"{title}: " + (f"{found['agrees']} of {decided} agree" if decided else "undecided")


def _silenced_by(claim: Claim) -> str:
    """The rules that would have silenced the quick protocol of ``claim`` without its exemptions."""
    found = pilots.unexempted(claim)
    known = [f"{rule}: {why}" for rule, why in found.known.items()]
    return "; ".join([*known, *(f"perhaps {rule}, which only its runs tell" for rule in found.runs)]) or "none"


def summary(cases: Sequence[Case], book: Book) -> list[str]:
    """What is on record of the claims ``cases``, and how far pilots agree with it, one sentence a line."""
    pairs = calibration.pairs(cases, book)
    found = Counter(ruling.verdict for case in cases if (ruling := case.ruled(book, "full")) is not None)
    counted = ", ".join(f"{found[word]} {word}" for word in RULED if found[word])
    on_record = found.total()
    said = f"{on_record} of {quantities.plural(len(cases), 'claim')} {'is' if on_record == 1 else 'are'} on record"
    lines = [f"{said}: {counted}." if counted else f"{said}."]
    stale = sum(case.found(book, "full") is not None for case in cases) - on_record
    if stale:
        lines.append(
            f"{quantities.plural(stale, 'more ruling')} rest{'s' if stale == 1 else ''} on another protocol or effect."
        )
    agree = sum(pair.agrees for pair in pairs)
    lines.append(
        f"Pilots agree with the record on {agree} of the {quantities.plural(len(pairs), 'claim')} that both decide."
        if pairs
        else "There is no claim yet that both a pilot and the record decide."
    )
    return lines


def _row(case: Case, book: Book) -> tuple[str, ...]:
    ruling = case.ruled(book, "full")
    quick = _quick(case, book, ruling)
    if ruling is None:
        return case.claim.id, _absent(case, book, "full"), *[""] * 5, quick
    return (
        case.claim.id,
        words.ruled(ruling.verdict, ruling.how, ruling.seeds),
        _holds(ruling),
        _median(case, ruling),
        ruling.date or "",
        str((ruling.environment or {}).get("device") or ""),
        _time(ruling),
        quick,
    )


def _absent(case: Case, book: Book, tier: Tier) -> str:
    """Why no ruling of ``tier`` counts: there is none, or it was reached with another protocol or effect."""
    stale, (experiment, effect, _) = case.found(book, tier), case.subjects[tier]
    if stale is None:
        return "none"
    changed = (("protocol", stale.experiment != experiment), ("effect", stale.effect != effect))
    what = " and ".join(name for name, differs in changed if differs) or "fidelity"
    return f"stale: {stale.verdict}, with another {what}"


def _quick(case: Case, book: Book, record: Ruling | None) -> str:
    """What the quick tier has on record, and how that stands to the full tier's ruling ``record``."""
    if "quick" not in case.claim.tiers or pilots.silenced(case.claim):
        return FULL_TIER_ONLY
    quick = case.ruled(book, "quick")
    if quick is None:
        return _absent(case, book, "quick")
    stands = _stands(quick.verdict, record.verdict, quick.fidelity == "reduced") if record else ""
    return ", ".join(filter(None, (_word(quick), stands)))


def _stands(quick: RecordedWord, ruled: RecordedWord, reduced: bool) -> str:
    if reduced:
        return agreement(quick, ruled) or ""  # type: ignore[arg-type]  # the full tier gives no pilots
    found = standing(quick, ruled)
    return {"same": "agrees", "contrary": "differs"}.get(found, found)


def _word(ruling: Ruling) -> str:
    return f"{ruling.verdict} {_holds(ruling)}".strip()


def _time(ruling: Ruling) -> str:
    """The seconds of the runs that ``ruling`` rests on; '' for an exact count."""
    if ruling.seeds is None:
        return ""
    return "unknown" if ruling.seconds is None else quantities.duration(ruling.seconds)


def _holds(ruling: Ruling) -> str:
    return f"{ruling.holds}/{ruling.seeds}" if ruling.seeds else ""


def _median(case: Case, ruling: Ruling) -> str:
    if ruling.median is None or not isinstance(case.claim.effect, Effect | Values):
        return ""
    ends = f" [{', '.join(map(standings.recorded, ruling.interval))}]" if ruling.interval else ""
    return f"{standings.recorded(ruling.median)} {case.claim.effect.unit}{ends}"


def _costs(missing: Iterable[Case], rates: costs.Rates) -> Section:
    cases = [*missing]
    rows = [
        (
            cost.experiment.id,
            str(len(cost.claims)),
            str(cost.seeds),
            f"{cost.steps:,}",
            f"{cost.samples:,}",
            *(quantities.duration(cost.seconds[device]) for device in rates.devices),
        )
        for cost in costs.costs(cases, rates)
    ]
    times = tuple(f"time, {device}" for device in rates.devices)
    note = "Optimiser steps and training samples of all runs of the first look, of the arms that the claims compare."
    if times:
        note += " Times are estimated from what nets of the nearest kind on record took, to within a factor of 3 in most cases."
    return Section(
        "Not on record, and what the first look of the full tier takes",
        ("experiment", "claims", "seeds", "steps", "samples", *times),
        [("", rows)],
        "None of these trains anything here." if cases else "Every claim is on record.",
        note=note,
        numbers=("claims", "seeds", "steps", "samples", *times),
        spare=("samples",),
    )


def _calibration(what: str, pairs: Sequence[Pair], kind: Callable[[Case], str]) -> Section:
    found = [
        *calibration.calibrations(pairs, kind).values(),
        *calibration.calibrations(pairs, lambda _: "all").values(),
    ]
    return Section(
        f"How often pilots agree with the record, by {what}",
        (what, "agree", "of"),
        [("", [(one.kind, str(one.agree), str(one.of)) for one in found])],
        "No pilot can be compared yet.",
        numbers=("agree", "of"),
    )


def text(found: Record, width: int | None, *, colour: bool) -> str:
    """The record for a terminal ``width`` characters wide; for a file if None, with lines as long as they need to be."""
    parts = ("\n".join(found.summary), *(section.text(width, colour=colour) for section in found.sections))
    return "\n\n".join(parts) + "\n"


def page(found: Record) -> str:
    """The record as the Markdown page of the docs."""
    parts = ["\n".join(f"- {escaped(said)}" for said in found.summary), *(one.markdown() for one in found.sections)]
    return _PAGE + "\n\n".join(filter(None, parts)) + "\n"
