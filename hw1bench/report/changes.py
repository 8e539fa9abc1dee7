"""What changed: the claims of a document that are not as on record, and what is not as in the document it is compared with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hw1bench.court import vocabulary
from hw1bench.court.vocabulary import Standing
from hw1bench.report import groups, quantities, standings, words
from hw1bench.report.compare import SHIFTS, Change, Comparison, Shift, counted, differences, shift
from hw1bench.report.contract import Claim, Document, Found

_ORDER: tuple[Standing, ...] = ("contrary", "weaker", "stronger")
_RECORD: dict[Standing, str] = {
    "contrary": "Contradicts the record",
    "weaker": "Weaker than on record",
    "stronger": "Stronger than on record",
}
_SHIFTED: dict[Shift, str] = {
    "contrary": "Contradicts what was found before",
    "weaker": "Weaker than before",
    "gone": "No verdict or pilot now",
    "stronger": "Stronger than before",
}


@dataclass(frozen=True)
class Row:
    """What was ``old`` and is ``new``, in words, of a claim of this document, or of what has that ``name``. The groups are those
    by which a verdict or a pilot is drawn; '' for anything else. Names alone, such as those of added claims, have no words."""

    name: str
    claim: Claim | None = None
    old: str = ""
    new: str = ""
    old_group: str = ""
    new_group: str = ""


@dataclass(frozen=True)
class Block:
    """Changes of one kind, with their claims' sentences; without them and ``folded`` away if they are many and change nothing
    that a claim says."""

    title: str
    rows: Sequence[Row]
    folded: bool = False


@dataclass(frozen=True)
class Changes:
    """The changes against one thing, which the title names, with their numbers in a sentence."""

    title: str
    summary: str
    blocks: Sequence[Block]


def found(document: Document) -> list[Changes]:
    """What changed: against the document that this one is compared with, if there is one, also if nothing did; then against the
    record, if something did."""
    other, recorded = against_other(document), _against_record(document)
    return [*([other] if other else []), *([recorded] if recorded.blocks else [])]


def changed(document: Document) -> list[Claim]:
    """The claims whose verdict or pilot is not the one on record for their tier, contradictions first, then weaker ones. A
    verdict of the quick tier that contradicts the full tier's is a contradiction too. A claim without a verdict is not
    changed."""
    return [claim for claims in _by_standing(document).values() for claim in claims]


def stands(claim: Claim) -> str:
    """How the claim stands to the record, in words: to its tier's ruling, or to the full tier's if it contradicts that."""
    record = claim["record"]
    if record is None or claim["remark"] not in ("", claim["verdict"]) or not _contradicts_the_full_tier(claim):
        return words.standing(claim)
    return f"contradicts the ruling of the full tier ({record['verdict']})"


def _by_standing(document: Document) -> dict[Standing, list[Claim]]:
    every = [(claim, _standing(claim)) for claim in document["claims"]]
    return {wanted: [claim for claim, stands in every if stands == wanted] for wanted in _ORDER}


def _standing(claim: Claim) -> Standing:
    """How the claim's verdict or pilot stands to the one on record; "same" if there is nothing to compare."""
    word, ruling = claim["verdict"], claim["ruling"]
    if word == "error" or word == "not run":
        return "same"
    if ruling not in (None, word):
        return vocabulary.standing(word, ruling)
    return "contrary" if _contradicts_the_full_tier(claim) else "same"


def _contradicts_the_full_tier(claim: Claim) -> bool:
    """Whether a verdict that is new, or the same as its tier's ruling, contradicts the full tier's. Fewer seeds leave open what
    the full tier decides, so a weaker verdict does not."""
    word, record = claim["verdict"], claim["record"]
    if word == "error" or word == "not run" or record is None or claim["fidelity"] == "reduced":
        return False
    return claim["ruling"] in (None, word) and vocabulary.standing(word, record["verdict"]) == "contrary"


def _against_record(document: Document) -> Changes:
    every = _by_standing(document)
    number = sum(map(len, every.values()))
    return Changes(
        "Against the record",
        f"{quantities.plural(number, 'result')} {'is' if number == 1 else 'are'} not as on record.",
        _filled(Block(_RECORD[stands], list(map(_recorded, claims))) for stands, claims in every.items()),
    )


def _recorded(claim: Claim) -> Row:
    """The row of a claim that is not as on record: its tier's ruling, or the full tier's if that is what it contradicts."""
    record, ruling = claim["record"], claim["ruling"]
    old: str
    if record is not None and _contradicts_the_full_tier(claim):
        old, said = (
            record["verdict"],
            f"{standings.ruling(claim)} in the full tier",
        )
    else:
        old = said = groups.grouped(ruling or "", claim["fidelity"])
    return Row(claim["id"], claim, said, _word(claim), old, groups.group(claim))


def against_other(document: Document) -> Changes | None:
    """What changed against the document that this one is compared with; None if there is none."""
    if "compared" not in document:
        return None
    old = document["compared"]
    found = differences(old, document)
    before = {one["id"]: one for one in old["claims"]}
    after = {claim["id"]: claim for claim in document["claims"]}

    def rows(changes: Iterable[Change]) -> list[Row]:
        return [Row(one.name, after[one.name], one.old, one.new) for one in changes]

    def names(ids: Iterable[str]) -> list[Row]:
        return [Row(name, after.get(name)) for name in ids]

    turned = [(before[one.name], after[one.name]) for one in (*found.verdicts, *found.pilots)]
    times = [
        Change(one.name, quantities.duration(one.old), quantities.duration(one.new))
        for one in sorted(found.timings, key=lambda one: -abs(one.new - one.old))
    ]
    blocks = _filled(
        [
            *(
                Block(_SHIFTED[wanted], [_turned(*pair) for pair in turned if shift(*pair) == wanted])
                for wanted in SHIFTS
            ),
            Block("Refuted in another way", rows(found.hows)),
            Block("Median effect left its earlier interval or changed its kind", rows(found.effects)),
            Block("Tried by another experiment or effect", names(found.subjects)),
            Block("Test ended otherwise", rows(found.outcomes), folded=True),
            Block("Added", names(found.added), folded=True),
            Block("Not in this report", names(found.gone), folded=True),
            Block("Training time", rows(times), folded=True),
            Block(
                "Environment and settings",
                [Row(one.name, None, _setting(one.old), _setting(one.new)) for one in found.settings],
                folded=True,
            ),
        ]
    )
    return Changes(
        f"Against the session of {old['started'][:16].replace('T', ' ')}", _summary(found, bool(blocks)), blocks
    )


def _filled(blocks: Iterable[Block]) -> list[Block]:
    return [block for block in blocks if block.rows]


def _summary(found: Comparison, something: bool) -> str:
    """How many verdicts and pilots changed, whether ``something`` did, and how many claims are in one document alone."""
    verdicts, pilots = found.same
    same = " and ".join(
        quantities.plural(number, what) for number, what in ((verdicts, "verdict"), (pilots, "pilot")) if number
    )
    if found.changed:
        said = [counted(found)]
    else:
        said = [f"{'No verdict or pilot' if something else 'Nothing'} changed: {same or 'no verdict'} as before"]
    if found.added:
        said.append(
            f"{quantities.plural(len(found.added), 'claim')} {'was' if len(found.added) == 1 else 'were'} added"
        )
    if found.gone:
        verb = "is" if len(found.gone) == 1 else "are"
        said.append(f"{quantities.plural(len(found.gone), 'claim')} of that session {verb} not in this report")
    return f"{'. '.join(said)}."


def _turned(old: Found, new: Claim) -> Row:
    before = groups.grouped(old["verdict"], old["fidelity"])
    return Row(new["id"], new, _word(old), _word(new), before, groups.group(new))


def _word(claim: Claim | Found) -> str:
    """A verdict or pilot with in how many seeds the claim holds: 'refuted, reversed 0/8'."""
    held = words.fraction(claim["verdict"], claim["holds"], claim["seeds"])
    return " ".join(filter(None, (words.verdict(claim), held)))


def _setting(value: object) -> str:
    return "–" if value is None else str(value)
