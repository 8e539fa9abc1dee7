"""What stands on a claim's card, for a reader who knows neither the formula nor the tool: what was found here and what is on
record, in units of what was measured, and the commands that judge it again."""

import math
import re
import shlex
from dataclasses import dataclass, replace

from hw1bench.court.vocabulary import RULED
from hw1bench.report import groups, origins, words
from hw1bench.report.contract import Claim, OnRecord, as_float, from_seeds, measured
from hw1bench.report.quantities import named, plural, quantity
from hw1bench.report.schema import Tier

_TIER = re.compile(r"\[(quick|full)-")  # in the id of a claim's test, which begins with the tier
_PLAIN = re.compile(r"[\w./:\[\]=,+ -]+")  # text that no shell changes between double quotes


@dataclass(frozen=True)
class Finding:
    """What was found of a claim once: its ``heading``, the ``group`` by which it is drawn, the verdict or pilot as a ``word``,
    what it ``rests_on`` (in how many seeds the claim is true, or why there is no evidence), what the effects ``told``, and
    ``when`` and on what."""

    heading: str
    group: str
    word: str
    rests_on: str
    told: str
    when: str


@dataclass(frozen=True)
class Command:
    """A command that judges the claim, and ``where``: 'quick tier'."""

    where: str
    text: str


def told(claim: Claim) -> str:
    """What the effects of the seeds say in a reader's units, as a sentence; '' if nobody has put them into words."""
    effect = claim["effect"]
    return _sentence(effect.get("told", "")) if effect else ""


def _sentence(said: str) -> str:
    one_line = " ".join(said.split())
    return words.stop(f"{one_line[0].upper()}{one_line[1:]}") if one_line else ""


def why(claim: Claim) -> str:
    """Why there is no evidence, as a sentence; '' if there is, or if nothing says why."""
    said = words.reason(claim)
    return f"No evidence: {words.stop(said)}" if said else ""


def findings(claim: Claim) -> list[Finding]:
    """What was found here, if the claim was judged from seeds, and, beside a result of the quick tier, what is on record: one
    finding if the two are the same."""
    here = _here(claim) if from_seeds(claim) else None
    record = claim["record"]
    if claim["tier"] == "full" or record is None or _exact(claim):
        return [here] if here else []
    there = _on_record(record)
    if here is None:
        return [there]
    if not _same(claim, record):
        return [here, there]
    when = f"{here.when}; on record {there.when}" if there.when else here.when
    return [replace(here, heading="Here and on record", when=when)]


def _same(claim: Claim, record: OnRecord) -> bool:
    """Whether the same was found here as is on record, by the same protocol."""
    assert claim["effect"] is not None
    if groups.is_pilot(claim) or record["median"] is None:
        return False
    median, recorded = measured(claim["effect"])["median"], as_float(record["median"])
    alike = all(claim[name] == record[name] for name in ("verdict", "how", "holds", "seeds"))
    return alike and (median == recorded or (math.isnan(median) and math.isnan(recorded)))


def _here(claim: Claim) -> Finding:
    effect = claim["effect"]
    assert effect is not None  # as the claim was judged from seeds
    median = f"median effect: {quantity(measured(effect)['median'], effect['unit'])}"
    rests_on, said = _true_in(claim["holds"], claim["seeds"]), told(claim) or _sentence(median)
    if claim["verdict"] == "no evidence":
        # What nets did that have not learned reads like a verdict, unless it is said first why it is none.
        rests_on = words.reason(claim)
        said = said if rests_on else ""
    return Finding(
        heading=f"Here, {claim['tier']} tier",
        group=groups.group(claim),
        word=f"{claim['verdict']} (pilot)" if groups.is_pilot(claim) else words.verdict(claim),
        rests_on=rests_on,
        told=said,
        when=origins.judged(claim).removeprefix("judged "),
    )


def _on_record(record: OnRecord) -> Finding:
    when = " on ".join(filter(None, (record["date"], named(record["device"]) if record["device"] else "")))
    evidence = record["verdict"] != "no evidence"  # a ruling does not say why there is none
    return Finding(
        heading="On record, full tier",
        group=record["verdict"],
        word=words.ruled(record["verdict"], record["how"], record["seeds"]),
        rests_on=_true_in(record["holds"], record["seeds"]) if evidence else "",
        told=_sentence(record.get("told", "")) if evidence else "",
        when=when,
    )


def _true_in(holds: int | None, seeds: int | None) -> str:
    """'true in 1 of 16 seeds'; '' for an exact count."""
    return f"true in {holds} of {plural(seeds, 'seed')}" if holds is not None and seeds else ""


def commands(claim: Claim) -> list[Command]:
    """The commands that judge this claim and no other, in each tier that can; none if its test is not known."""
    test = claim.get("test")
    if not test or not test.isprintable():
        return []
    own = claim["tier"]
    if claim["experiment"] is None and claim["verdict"] in RULED:  # nothing is trained, so that no tier needs a device
        return [Command("any tier", f"pytest {_quoted(test)}")]
    tiers = claim.get("tiers", [own]) if _TIER.search(test) else [own]
    return [command for tier in tiers for command in _in_tier(tier, _TIER.sub(f"[{tier}-", test, count=1))]


def _exact(claim: Claim) -> bool:
    """Whether it is a count, which each tier judges in the same way."""
    return claim["seeds"] is None and claim["verdict"] in RULED


def _quoted(test: str) -> str:
    return f'"{test}"' if _PLAIN.fullmatch(test) else shlex.quote(test)


def _in_tier(tier: Tier, test: str) -> list[Command]:
    quoted = _quoted(test)
    if tier == "quick":
        return [Command("quick tier", f"pytest {quoted}")]
    return [
        Command("full tier, on a GPU", f"pytest -m gpu {quoted}"),
        Command("full tier, on a CPU", f"pytest -m gpu --device cpu {quoted}"),
    ]


def source(claim: Claim) -> str:
    """The file and the function of the claim's test: 'claims/test_fit.py::test_fit'; '' if it is not known."""
    return (claim.get("test") or "").partition("[")[0]
