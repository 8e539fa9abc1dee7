"""Which claims of a document have another verdict or pilot than is on record."""

from hw1bench.court import vocabulary
from hw1bench.court.vocabulary import Standing
from hw1bench.report import words
from hw1bench.report.contract import Claim, Document

_ORDER: tuple[Standing, ...] = ("contrary", "weaker", "stronger")


def changed(document: Document) -> list[Claim]:
    """The claims whose verdict or pilot is not the one on record for their tier, contradictions first, then weaker ones. A
    verdict of the quick tier that contradicts the full tier's is a contradiction too. A claim without a verdict is not
    changed."""
    found = [(claim, _standing(claim)) for claim in document["claims"]]
    return [claim for wanted in _ORDER for claim, stands in found if stands == wanted]


def stands(claim: Claim) -> str:
    """How the claim stands to the record, in words: to its tier's ruling, or to the full tier's if it contradicts that."""
    record = claim["record"]
    if record is None or claim["remark"] not in ("", claim["verdict"]) or not _contradicts_the_full_tier(claim):
        return words.standing(claim)
    return f"contradicts the ruling of the full tier ({record['verdict']})"


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
