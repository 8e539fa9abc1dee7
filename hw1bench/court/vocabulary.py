"""The court's words, each defined once: verdicts, kinds of refutation, how tests end, how a verdict compares with a ruling.

Nothing is imported here, so that a report can be rendered from its document alone.
"""

from typing import Literal, get_args

ALPHA = 0.05  # probability of a false verdict on one claim, over all its looks

RuledWord = Literal["supported", "refuted", "inconclusive"]
"""A verdict that goes on record."""
VerdictWord = Literal[RuledWord, "error", "not run"]
How = Literal["reversed", "absent"]
"""The kind of a refutation: the opposite claim is itself supported, or there is no clear effect."""
OutcomeWord = Literal["passed", "failed", "error", "xfailed", "skipped"]
"""How pytest ends a test. "error" is a failure outside the test itself: in a fixture, before or after it."""
Standing = Literal["unruled", "same", "weaker", "stronger", "contrary"]

RULED: tuple[RuledWord, ...] = get_args(RuledWord)
VERDICTS: tuple[VerdictWord, ...] = get_args(VerdictWord)


def standing(verdict: RuledWord, ruling: RuledWord | None) -> Standing:
    """How ``verdict`` compares with the ``ruling`` on record: an inconclusive verdict is weaker than any other."""
    if ruling is None:
        return "unruled"
    if verdict == ruling:
        return "same"
    if verdict == "inconclusive":
        return "weaker"
    return "stronger" if ruling == "inconclusive" else "contrary"
