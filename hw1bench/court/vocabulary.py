"""The court's words, each defined once: verdicts, kinds of refutation, how tests end, how a verdict compares with a ruling.

Nothing is imported here, so that a report can be rendered from its document alone.
"""

from typing import Literal, get_args

ALPHA = 0.05  # probability of a false verdict on one claim, over all its looks

RuledWord = Literal["supported", "refuted", "inconclusive", "no evidence"]
"""A verdict on a claim that was tried as reported. "no evidence": the effect is undefined, a tie in every seed, or rests on nets
that did not train."""
PilotWord = Literal["seen", "not seen", "mixed", "no evidence"]
"""What a reduced protocol shows of a claim: a pilot, never a verdict on the report. "no evidence": the pilot may not speak."""
RecordedWord = Literal[RuledWord, PilotWord]
"""What goes on record: verdicts and pilots, apart from each other."""
VerdictWord = Literal[RecordedWord, "error", "not run"]
How = Literal["reversed", "absent"]
"""The kind of a refutation: the opposite claim is itself supported, or there is no clear effect."""
OutcomeWord = Literal["passed", "failed", "error", "xfailed", "skipped"]
"""How pytest ends a test. "error" is a failure outside the test itself: in a fixture, before or after it."""
Standing = Literal["unruled", "same", "weaker", "stronger", "contrary"]
Agreement = Literal["agrees", "differs"]

RULED: tuple[RuledWord, ...] = get_args(RuledWord)
PILOTS: tuple[PilotWord, ...] = get_args(PilotWord)
RECORDED: tuple[RecordedWord, ...] = tuple(dict.fromkeys((*RULED, *PILOTS)))
VERDICTS: tuple[VerdictWord, ...] = tuple(dict.fromkeys(get_args(VerdictWord)))

FULL_TIER_ONLY = "full tier only"
"""The start of the note of a claim that is not run because no reduced protocol can speak to it."""

PILOT_OF: dict[str, PilotWord] = dict(zip(RULED, PILOTS, strict=True))
"""The word of a pilot for what would be a verdict if the protocol were as reported."""

OPEN: tuple[RuledWord, PilotWord] = ("inconclusive", "mixed")
"""The verdict, and the pilot, which a further look may still decide."""
_UNDECIDED = ("no evidence", *OPEN)


def _strength(word: RecordedWord) -> int:
    """0 without evidence, 1 with evidence that decides nothing, 2 if it decides."""
    return 2 if word not in _UNDECIDED else 0 if word == "no evidence" else 1


def standing(verdict: RecordedWord, ruling: RecordedWord | None) -> Standing:
    """How ``verdict`` compares with the ``ruling`` on record, both of pilots or neither: an undecided verdict is weaker than a
    decided one, and no evidence is weaker than both."""
    if ruling is None:
        return "unruled"
    if verdict == ruling:
        return "same"
    found, recorded = _strength(verdict), _strength(ruling)
    if found == recorded:
        return "contrary"
    return "weaker" if found < recorded else "stronger"


def agreement(pilot: VerdictWord, ruling: RuledWord) -> Agreement | None:
    """Whether a pilot shows what the full tier's ``ruling`` says; None unless both decide."""
    decided = {"seen": "supported", "not seen": "refuted"}
    if pilot not in decided or ruling not in decided.values():
        return None
    return "agrees" if decided[pilot] == ruling else "differs"
