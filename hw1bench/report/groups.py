"""Groups of claims: by what they are counted and coloured, which are verdicts, pilots and the rest."""

from collections import Counter
from collections.abc import Iterable, Mapping

from hw1bench.court.vocabulary import FULL_TIER_ONLY, PILOTS, RULED
from hw1bench.report.contract import Claim, Document, Found

FAILED = "failed"
NOT_RUN = "not run"
PILOT = "pilot: "
RULED_GROUPS: tuple[str, ...] = RULED
PILOT_GROUPS = tuple(PILOT + word for word in PILOTS)
UNJUDGED_GROUPS = (FAILED, "error", FULL_TIER_ONLY, NOT_RUN)
GROUPS = (*RULED_GROUPS, *PILOT_GROUPS, *UNJUDGED_GROUPS)
"""The words by which claims are counted and coloured: verdicts, pilots and the rest, which are counted apart."""

_FAILING = ("failed", "error")


def is_pilot(claim: Claim | Found) -> bool:
    """Whether what was found is a pilot: the word of a reduced protocol, which is no verdict on the report."""
    return claim["fidelity"] == "reduced" and claim["verdict"] in PILOTS


def group(claim: Claim) -> str:
    """The word by which a claim is counted and coloured, one of ``GROUPS``: its verdict or pilot, "failed" if its test failed
    before it had one, or "full tier only" if no quick protocol can speak to it."""
    if claim["verdict"] == "not run":
        if claim["outcome"] in _FAILING:
            return FAILED
        return FULL_TIER_ONLY if claim["note"].startswith(FULL_TIER_ONLY) else NOT_RUN
    return PILOT + claim["verdict"] if is_pilot(claim) else claim["verdict"]


def grouped(word: str, fidelity: str) -> str:
    """The group of a verdict or a pilot of which no more is known than its word: one on record, or of another document."""
    return PILOT + word if fidelity == "reduced" and word in PILOTS else word


def kind(group: str) -> str:
    """What a group of claims is: 'ruled', 'pilot' or 'unjudged'."""
    return "pilot" if group in PILOT_GROUPS else "ruled" if group in RULED_GROUPS else "unjudged"


def short(group: str) -> str:
    """The word of a group where it is told from others by its kind: 'seen' for 'pilot: seen'."""
    return group.removeprefix(PILOT)


def tally(claims: Iterable[Claim]) -> dict[str, int]:
    """The number of claims per group, in the order of ``GROUPS``, without zeros."""
    found = Counter(map(group, claims))
    return {word: found[word] for word in GROUPS if found[word]}


def counted(tally: Mapping[str, int]) -> str:
    """A tally in words, failures first, with pilots and claims without a verdict apart: '1 failed, 4 supported; 2 seen, 1 mixed
    (pilots); 5 full tier only'; '' for an empty tally."""

    def said(groups: Iterable[str]) -> str:
        return ", ".join(f"{tally[group]} {short(group)}" for group in groups if group in tally)

    pilots = said(PILOT_GROUPS)
    parts = [said((FAILED, *RULED_GROUPS)), f"{pilots} (pilots)" if pilots else "", said(UNJUDGED_GROUPS[1:])]
    return "; ".join(filter(None, parts))


def failed(document: Document) -> list[Claim]:
    """The claims whose tests failed, whatever their verdicts."""
    return [claim for claim in document["claims"] if claim["outcome"] in _FAILING]
