"""The types of claims.json: what a session writes, what is rendered, and what another program may rely on.

These types are the only description. The JSON schema is generated from them (``python -m hw1bench.report`` writes it to
claims.schema.json, beside this file), and a document is checked against that schema before it is trusted. Annotations give the
bounds of a type's values, in keywords of JSON schema, and its meaning in words.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_args

from hw1bench.court.vocabulary import Agreement, How, OutcomeWord, RecordedWord, RuledWord, VerdictWord
from hw1bench.report.validate import bounds, schema_of
from hw1bench.specs.report import URL
from hw1bench.support.number import NotFinite

Version = Literal[3]
Tier = Literal["quick", "full"]

Name = Annotated[str, bounds(pattern=r"\S")]  # not blank
Count = Annotated[int, bounds(minimum=0, maximum=2**53)]  # integers that every reader of JSON holds exactly
Positive = Annotated[int, bounds(minimum=1, maximum=2**53)]
Seconds = Annotated[float, bounds(minimum=0)]
Share = Annotated[float, bounds(minimum=0, maximum=1)]
Started = Annotated[
    str,
    bounds(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?$",
        examples=("2026-01-31T12:00:00+00:00",),
    ),
]
PAIR = bounds(minItems=2, maxItems=2)
Environment = dict[str, str | float | bool | None]


class Effect(TypedDict):
    """The number that a claim computes from each seed; the claim holds if it is above 0."""

    name: str
    unit: str
    median: Annotated[float | None, "the median of the values; null if it is not finite"]
    interval: Annotated[
        Annotated[list[float | None], PAIR] | None,
        "the interval of the median, at the claim's level; null ends are not finite",
    ]
    values: Annotated[
        list[float | None],
        "one per seed, from the session's seed offset on or of the seeds named; null if not finite",
    ]
    not_finite: Annotated[
        dict[str, NotFinite],
        'the kind of each null, by its place: "median", "low", "high" or the index of a value',
    ]
    told: NotRequired[Annotated[Name, "what the values say in a reader's units, without a full stop"]]
    seeds: NotRequired[Annotated[list[Count], "the seed of each value, if they come from elsewhere"]]


class Dataset(TypedDict):
    """The data that a claim was judged on."""

    name: str
    fingerprint: str
    stand_in: Annotated[bool, "whether it stands in for another set, about which it settles nothing"]
    canonical: Annotated[bool, "whether this copy has the known fingerprint"]


class OnRecord(TypedDict):
    """The full tier's ruling on record: what is known of the claim as the report made it."""

    verdict: RuledWord
    how: Annotated[How | None, "how it was refuted: whether the opposite is supported"]
    holds: Annotated[Count | None, "the number of seeds in which it holds; null for an exact count"]
    seeds: Positive | None
    median: Annotated[float | NotFinite | None, "the median effect"]
    interval: Annotated[Annotated[list[float | NotFinite | None], PAIR] | None, "the interval of the median"]
    date: Annotated[str | None, "the day of the ruling, such as 2026-01-31"]
    device: Annotated[str | None, "what trained the runs"]
    told: NotRequired[Annotated[Name, "what the median effect says in a reader's units, without a full stop"]]


class Calibration(TypedDict):
    """How often pilots of a claim's kind, its topic and its effect, show what the record says."""

    kind: Name
    agree: Count
    of: Positive


class Reading(TypedDict):
    """The word that another value of an assumed number gives, on the same runs."""

    number: Annotated[Name, 'the number in the effect, such as "within 0.2"']
    reading: Annotated[Name, "the value tried instead"]
    verdict: RecordedWord


class Variant(TypedDict):
    """The word that the claim has if it is trained otherwise in one thing that the report does not say."""

    name: Annotated[Name, 'what is otherwise, such as "batches of 16"']
    verdict: VerdictWord


class Claim(TypedDict):
    """One claim: what was said and where, what was found, and how that compares with the ruling on record."""

    id: Name
    report: Name
    topic: Name
    where: str
    says: str
    tier: Tier
    fidelity: Annotated[
        Literal["as reported", "reduced"],
        "whether its protocol is the report's, or a smaller one, which gives a pilot and no verdict",
    ]
    judged: Annotated[
        Started, "when the session that judged it began: the document's, or an earlier one that it adds to"
    ]
    verdict: VerdictWord
    how: Annotated[How | None, "how it was refuted: whether the opposite is supported"]
    ruling: Annotated[RecordedWord | None, "the verdict, or the pilot, on record for this tier"]
    record: Annotated[OnRecord | None, "the full tier's ruling on record"]
    agreement: Annotated[Agreement | None, "how a pilot stands to the record; null unless both decide"]
    calibration: Annotated[
        Calibration | None, "how far pilots of its kind can be trusted; null if no such pilot has a record"
    ]
    outcome: Annotated[OutcomeWord, "the outcome of the test, in pytest's words; an error is a failure in a fixture"]
    remark: Annotated[str, "the reason for the outcome; empty if it is obvious"]
    holds: Annotated[Count | None, "the number of seeds in which it holds"]
    seeds: Positive | None
    looks: Annotated[list[Positive] | None, "the planned numbers of seeds"]
    level: Annotated[
        Annotated[float, bounds(exclusiveMinimum=0, exclusiveMaximum=1)] | None, "the level of one look's interval"
    ]
    share: Annotated[Annotated[list[Share], PAIR] | None, "the interval of the share of seeds in which it holds"]
    effect: Effect | None
    chance: Annotated[Share | None, "for an effect of order, the chance that arms without a trend are in order"]
    close: Annotated[bool, "whether one seed more or less would have changed the verdict at its look"]
    readings: Annotated[list[Reading], "the words under other values of the numbers that the report does not state"]
    fragile: Annotated[list[Name], "the numbers whose other values change the word"]
    variants: NotRequired[Annotated[list[Variant], "the words under other ways of training, if they were tried"]]
    trivial: Annotated[str, "of a known truth, what would have to be different for the claim to fail; empty otherwise"]
    diverged: Annotated[Count | None, "the number of runs that diverged"]
    dataset: Dataset | None
    assumptions: list[str]
    changes: Annotated[list[str], "what the quick protocol changes"]
    origin: Annotated[Literal["report", "ours"], "who makes the claim"]
    experiment: Annotated[
        str | None, "the digest of its specification; null for an exact count and for values from elsewhere"
    ]
    effect_digest: NotRequired[
        Annotated[
            Name, "the digest of its effect with its numbers: with experiment and fidelity, what a ruling is bound to"
        ]
    ]
    environment: NotRequired[
        Annotated[Environment | None, "what trained its runs, as a ruling states it; null if nothing was trained"]
    ]
    seconds: Annotated[Seconds, "seconds of training, for all runs that the claim rests on"]
    reused: Annotated[bool, "whether none of these runs was trained for it"]
    figure: Annotated[str | None, "the path of the figure that shows it"]
    question: NotRequired[Annotated[Name, "the question that it bears on"]]
    note: str
    tiers: NotRequired[Annotated[list[Tier], "the tiers that can judge it"]]
    test: NotRequired[
        Annotated[Name | None, "the node id of its test, in the session that judged it; null if the test never ran"]
    ]


class Exhibit(TypedDict):
    """A test that judges nothing: it trains what a figure shows."""

    test: Annotated[Name, "its node id"]
    topic: Name
    outcome: OutcomeWord
    reason: Annotated[str, "why it ended so; empty if it passed"]


class Figure(TypedDict):
    """A figure of the session, in a file."""

    report: Name
    number: Annotated[str, 'the number in the report; "-" for a figure that the report does not have']
    title: str
    path: Annotated[str, "the path of an .svg or .png, relative to the report directory"]
    note: Annotated[str, "what it shows, one sentence per line; may be empty"]
    runs: Annotated[Count, "the number of runs that it shows"]
    topic: NotRequired[Annotated[Name, "the topic under which it is shown if no claim has its experiment"]]


class Report(TypedDict):
    """A report that claims name by its id. A text that is not known is empty."""

    id: Name
    title: str
    source: Annotated[str, "a course or a paper, for example"]
    url: Annotated[str, bounds(pattern=URL, examples=("https://example.org/report.pdf",)), "where it can be read"]


class Topic(TypedDict):
    """A topic that claims name by its id."""

    id: Name
    title: str


class Position(TypedDict):
    """What a report says on a question, in a few words, and the claim that tries it."""

    report: Name
    says: str
    claim: Name


class Foundation(TypedDict):
    """A ruling that an answer rests on, as it was when the answer was written."""

    claim: Name
    ruling: Annotated[str, 'the word and the share of seeds of the full tier\'s ruling, such as "refuted 0/8"']


class Contrast(TypedDict):
    """Two claims that contradict each other, or answer by two measures, and under which condition each is right."""

    first: Name
    second: Name
    settles: str


class Question(TypedDict):
    """A question that several reports answer, and the sentence that settles it."""

    id: Name
    text: str
    positions: list[Position]
    answer: Annotated[str, "may be empty; its links, [none of 8](claim), are to the claims by their ids"]
    rests_on: list[Foundation]
    contrasts: list[Contrast]


class Median(TypedDict):
    """The median of an effect, without the values of its seeds."""

    name: str
    unit: str
    median: float | NotFinite
    interval: Annotated[Annotated[list[float | NotFinite], PAIR] | None, "the interval of the median"]


class Found(TypedDict):
    """What another document found of a claim: as much as is compared."""

    id: Name
    fidelity: Literal["as reported", "reduced"]
    verdict: VerdictWord
    how: How | None
    holds: Count | None
    seeds: Positive | None
    outcome: OutcomeWord
    effect: Median | None
    experiment: str | None
    seconds: Seconds


class Compared(TypedDict):
    """Another document, with which this one is compared. It has what was found there, and not what changed since: so nothing in
    it can contradict the claims of this document, claims that a later session adds are compared too, and a page that is
    rendered again follows the rules of the version that renders it."""

    tier: Tier
    started: Started
    seconds: Seconds
    seed_offset: Count
    environment: Environment
    claims: list[Found]


class Shard(TypedDict):
    """The part of a selection that a session judged, and the whole selection in its order, in which its parts are merged."""

    part: Annotated[Positive, "its number, from 1"]
    of: Annotated[Positive, "the number of parts"]
    claims: Annotated[list[Name], "the ids of the claims of all parts"]
    figures: Annotated[list[Name], "the paths of the figures that all parts may draw"]
    exhibits: Annotated[list[Name], "the node ids of the exhibits of all parts"]
    reports: Annotated[list[Name], "the ids of the reports that are described"]
    topics: Annotated[list[Name], "the ids of the topics"]
    questions: Annotated[list[Name], "the ids of the questions"]


class Document(TypedDict):
    """The findings of a session. Other keys than those listed here are allowed and ignored."""

    schema: Version
    tier: Tier
    started: Started
    seconds: Annotated[Seconds, "seconds that the session took"]
    seed_offset: Annotated[Count, "the first seed"]
    environment: Annotated[Environment, "of the session; a claim that an earlier session judged has its own"]
    reports: NotRequired[
        Annotated[list[Report], "the reports of its claims and figures, if more than their ids is known"]
    ]
    topics: NotRequired[
        Annotated[list[Topic], "the topics of its claims and figures, in the order of a page; others come after them"]
    ]
    questions: NotRequired[Annotated[list[Question], "the questions that its claims bear on, in the order of a page"]]
    claims: list[Claim]
    figures: list[Figure]
    exhibits: NotRequired[Annotated[list[Exhibit], "the tests of the session that judge nothing"]]
    compared: NotRequired[Annotated[Compared, "the document with which this one is compared, if any"]]
    shard: NotRequired[Annotated[Shard, "the part of a selection that the session judged, if not the whole"]]


SCHEMA: int = get_args(Version)[0]
"""The version of this form of document. It rises if a key is removed or changes its meaning, not if keys are added."""

JSON_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "claims.json of hw1bench",
    **schema_of(Document),
}
FILE = Path(__file__).with_name("claims.schema.json")


def text() -> str:
    """The JSON schema as its file holds it."""
    return json.dumps(JSON_SCHEMA, indent=1) + "\n"
