"""Verdicts in words: the sentences that the page, the Markdown and the JUnit file share."""

from collections import Counter
from collections.abc import Collection, Sequence

from hw1bench.court import vocabulary
from hw1bench.court.chance import Result, by_chance
from hw1bench.court.vocabulary import FULL_TIER_ONLY, OPEN, PILOTS, RECORDED, RULED
from hw1bench.report import groups
from hw1bench.report.contract import (
    Claim,
    Document,
    Effect,
    Figure,
    Found,
    Median,
    Report,
    Variant,
    as_float,
    from_seeds,
    measured,
)
from hw1bench.report.quantities import number, percent, plural, quantity, share

_NO_EVIDENCE = "No evidence: "
_STANDING = {"same": "same as", "weaker": "weaker than", "stronger": "stronger than", "contrary": "contradicts"}


def effect(claim: Claim) -> str:
    """The median effect with its unit and interval, e.g. '0.84 ln ratio [0.31, 1.90]'; '' without an effect."""
    found = claim["effect"]
    if found is None:
        return ""
    places = measured(found)
    ends = (places["low"], places["high"]) if found["interval"] is not None else ()
    return _median(places["median"], found["unit"], ends)


def median(found: Median) -> str:
    """The median of another document's effect, in the words of ``effect``."""
    return _median(as_float(found["median"]), found["unit"], [as_float(end) for end in found["interval"] or ()])


def _median(value: float, unit: str, ends: Sequence[float]) -> str:
    interval = f" [{', '.join(map(number, ends))}]" if ends else ""
    return quantity(value, unit) + interval


def _not_finite(found: Effect) -> list[str]:
    """In how many seeds the effect is undefined, and in how many infinite."""
    kinds = Counter(kind for place, kind in found["not_finite"].items() if place.isdigit())
    return [f"its effect is {kind} in {count} of them" for kind, count in sorted(kinds.items(), reverse=True)]


def verdict(claim: Claim | Found) -> str:
    """The verdict, and how a claim was refuted: 'refuted, reversed'; or the pilot: 'pilot: seen'."""
    if groups.is_pilot(claim):
        return groups.PILOT + claim["verdict"]
    return ruled(claim["verdict"], claim["how"], claim["seeds"])


def outcome(claim: Claim) -> str:
    """The verdict as by ``verdict``, or why there is none: 'full tier only', 'not run' or 'failed'."""
    return groups.group(claim) if claim["verdict"] == "not run" else verdict(claim)


def ruled(word: str, how: str | None, seeds: int | None) -> str:
    """A verdict and how it refutes: 'refuted, reversed'. A refuted count, which has no seeds, is simply wrong."""
    return f"{word}, {how}" if how and seeds else word


def fraction(word: str, holds: int | None, seeds: int | None) -> str:
    """In how many seeds the claim of a verdict or pilot ``word`` holds: '7/8'. '' for a count, which has no seeds, and without
    evidence, where the number would read as a refutation."""
    return f"{holds}/{seeds}" if seeds and holds is not None and word != "no evidence" else ""


def sentence(claim: Claim) -> str:
    """The verdict or the pilot in one sentence with its numbers."""
    if not from_seeds(claim):
        told = " ".join(claim["note"].split())
        head = verdict(claim).capitalize()
        mark = "," if groups.group(claim) == FULL_TIER_ONLY else ":"  # the note goes on with a colon of its own
        return f"{head}{mark} {stop(told)}" if told else f"{head}."
    assert claim["level"]  # ``check`` ensures that these are there together
    assert claim["share"]
    seeds = plural(claim["seeds"] or 0, "seed")
    if claim["verdict"] == "no evidence":
        where = f"pilot{_place(claim)}, {seeds}" if groups.is_pilot(claim) else seeds
        numbers = [where, f"the effect is above 0 in {claim['holds']} of them", *_numbers(claim)]
        return f"{_NO_EVIDENCE.rstrip(': ')}{_because(claim)} ({'; '.join(numbers)})."
    low, high = (share(end) for end in claim["share"])
    interval = f"{percent(claim['level'])} interval of the share {low} to {high}"
    if groups.is_pilot(claim):
        head = f"{claim['verdict'].capitalize()}{_place(claim)}, {claim['holds']} of {seeds} (pilot; {interval})"
    else:
        head = f"{verdict(claim).capitalize()}: it holds in {claim['holds']} of {seeds} ({interval})"
    return stop("; ".join([head + _meaning(claim), *_numbers(claim)]))


def _place(claim: Claim) -> str:
    """' on digits': the data set of the claim without the size of its images; '' without a data set."""
    return f" on {claim['dataset']['name'].partition(', ')[0]}" if claim["dataset"] else ""


def _numbers(claim: Claim) -> list[str]:
    assert claim["effect"]
    parts = [*_not_finite(claim["effect"]), f"median effect {effect(claim)}"]
    if claim["diverged"]:
        parts.append(f"{plural(claim['diverged'], 'run')} diverged")
    return parts


def _meaning(claim: Claim) -> str:
    if claim["how"] == "reversed":
        return ", and the opposite is itself supported"
    if claim["how"] == "absent":
        return ", no clear effect of the claimed kind"
    if claim["verdict"] in OPEN:
        return ", which leaves both sides of 1/2 open"
    return ""


def stop(text: str) -> str:
    """``text`` as a sentence, with a full stop if it lacks an end."""
    return text if text.endswith((".", "!", "?")) else text + "."


def reason(claim: Claim) -> str:
    """Why there is no evidence, without a full stop: 'net 3 did not learn'; '' if there is, or if nothing says why."""
    told = " ".join(claim["note"].split())
    if claim["verdict"] != "no evidence" or not told.startswith(_NO_EVIDENCE):
        return ""
    return told.removeprefix(_NO_EVIDENCE).partition(". ")[0].removesuffix(".")


def _because(claim: Claim) -> str:
    return f": {reason(claim)}" if reason(claim) else ""


def note(claim: Claim) -> str:
    """What the claim's note says beyond the sentence; '' if it says nothing else."""
    if not from_seeds(claim):
        return ""
    told = " ".join(claim["note"].split())
    return told.removeprefix(f"{_NO_EVIDENCE}{reason(claim)}").removeprefix(".").strip() if reason(claim) else told


def standing(claim: Claim) -> str:
    """How the verdict or pilot compares with the one on record for its tier, e.g. 'contradicts the ruling of the quick tier
    (supported)'; the test's own remark if it has one."""
    ruling = claim["ruling"]
    if claim["remark"] not in ("", claim["verdict"]):
        return claim["remark"]
    what = "pilot on record" if claim["fidelity"] == "reduced" else f"ruling of the {claim['tier']} tier"
    if ruling is None:
        return f"no {what}"
    verdict = claim["verdict"]
    if verdict == "error" or verdict == "not run":
        return f"{what}: {ruling}"
    return f"{_STANDING[vocabulary.standing(verdict, ruling)]} the {what} ({ruling})"


def readings(claim: Claim) -> list[str]:
    """The words under other values of each assumed number, one text per number: 'within 0.2 (supported with 0.1, refuted
    with 0.4)'."""
    found: dict[str, list[str]] = {}
    for one in claim["readings"]:
        found.setdefault(one["number"], []).append(f"{one['verdict']} with {one['reading']}")
    return [f"{name} ({', '.join(said)})" for name, said in found.items()]


def fragile(claim: Claim) -> str:
    """'fragile: hangs on within 0.2'; '' if no other value of an assumed number changes the word."""
    return f"fragile: hangs on {' and on '.join(claim['fragile'])}" if claim["fragile"] else ""


def close(claim: Claim) -> str:
    """'one seed from its bound'; '' if a verdict or pilot is not."""
    return "one seed from its bound" if claim["close"] else ""


def in_short(claim: Claim) -> list[str]:
    """What a reader of one line must know beside the verdict: 'fragile', 'known truth', 'ours', and data that stand in."""
    unlike = unlike_the_real(claim)
    said = {
        "fragile": claim["fragile"],
        "known truth": claim["trivial"],
        "ours": claim["origin"] == "ours",
        f"{unlike} data": unlike,
    }
    return [words for words, holds in said.items() if holds]


def chance(claim: Claim) -> str:
    """How often an order comes about by chance, in one sentence; '' for an effect that is not of order."""
    found = claim["chance"]
    if found is None:
        return ""
    often = (
        f"about 1 of {round(1 / found):,} seeds"
        if 0 < found <= 0.5
        else f"{percent(found)} of seeds"
        if found
        else "no seed"
    )
    return f"Without a trend, the claim would hold by chance in {often}."


def trivial(claim: Claim) -> str:
    """That the claim is a known truth, and what would have to be different for it to fail; '' for other claims."""
    return stop(f"A known truth. For it to fail: {claim['trivial']}") if claim["trivial"] else ""


def assumptions(claim: Claim) -> str:
    """'under 2 assumptions', or '' if there are none."""
    return f"under {plural(len(claim['assumptions']), 'assumption')}" if claim["assumptions"] else ""


def changes_heading(claim: Claim) -> str:
    """The heading of what the claim's protocol changes: 'Quick tier changes', or '' if it changes nothing."""
    return f"{claim['tier']} tier changes".capitalize() if claim["changes"] else ""


def unlike_the_real(claim: Claim) -> str:
    """How the data set of a verdict differs from the real one: 'stand-in', 'non-canonical', or ''. A pilot is on other data than
    the report anyway, so that it stands in for nothing."""
    dataset = claim["dataset"]
    if dataset is None:
        return ""
    if dataset["stand_in"]:
        return "" if groups.is_pilot(claim) else "stand-in"
    return "" if dataset["canonical"] else "non-canonical"


def judged_on(claim: Claim) -> str:
    """The data set of the claim, with the remark that a verdict on any but the real one must carry; '' without a data set."""
    dataset = claim["dataset"]
    if dataset is None:
        return ""
    remarks = {
        "": "",
        "stand-in": ", a stand-in that settles nothing about the real data set",
        "non-canonical": ", a non-canonical copy: its fingerprint is not the known one",
    }
    return f"{'Tried' if groups.is_pilot(claim) else 'Judged'} on {dataset['name']}{remarks[unlike_the_real(claim)]}."


def data_remarks(document: Document) -> list[str]:
    """Remarks on what the words rest on, one sentence each: what pilots are, and how many verdicts or pilots are not on the real
    data set."""
    claims = [claim for claim in document["claims"] if claim["verdict"] in RECORDED]
    found = Counter(map(unlike_the_real, claims))
    said = []
    if any(map(groups.is_pilot, claims)):
        said.append(
            "Pilots come from reduced protocols (other data, smaller nets or fewer steps) and are no verdicts on the reports."
        )
    if found["stand-in"]:
        said.append(f"Verdicts on stand-in data, which settle nothing about the real data set: {found['stand-in']}.")
    if found["non-canonical"]:
        said.append(f"Judged on a non-canonical copy of the real data set: {found['non-canonical']}.")
    return said


def shown_in(figure: Figure) -> str:
    """Whose figure it is: 'Report x, figure 3', or 'Reports x, y' for a figure across reports."""
    if ", " in figure["report"]:
        return f"Reports {figure['report']}"
    number = figure["number"]
    return f"Report {figure['report']}" + (f", figure {number}" if number and number != "-" else "")


def topics(document: Document) -> dict[str, str]:
    """The titles of the topics that the document lists, by their ids, in the order of a page."""
    return {topic["id"]: topic["title"] or topic["id"] for topic in document.get("topics", ())}


def about(report: Report) -> str:
    """A report's title, with its source in parentheses; '' if neither is known."""
    title, source = report["title"], report["source"]
    return f"{title} ({source})" if title and source else title or source


def judged(document: Document) -> str:
    """In a sentence: how many claims were judged as reported, how many by reduced protocols, and how far these agree with the
    record."""
    claims = document["claims"]
    reported = sum(claim["verdict"] in RULED and not groups.is_pilot(claim) for claim in claims)
    pilots = [claim for claim in claims if groups.is_pilot(claim)]
    parts = [f"{plural(reported, 'claim')} {'was' if reported == 1 else 'were'} judged as reported"] if reported else []
    if pilots:
        agree = Counter(claim["agreement"] for claim in pilots)
        compared = agree["agrees"] + agree["differs"]
        all_of = "all" if agree["agrees"] == compared else agree["agrees"]
        trusted = (
            f", of which {compared} decide what the record decides too, and {all_of} agree with it" if compared else ""
        )
        parts.append(f"{len(pilots)} by reduced protocols, as pilots{trusted}")
    waiting = sum(groups.group(claim) == FULL_TIER_ONLY for claim in claims)
    if waiting:
        parts.append(f"{waiting} need the full tier")
    return f"{'; '.join(parts)}." if parts else ""


def false_verdicts(document: Document) -> str:
    """How many of the document's decided verdicts, and of its pilots, may be false by chance, and what that does not cover."""
    said = [_by_chance(document, "verdict", RULED), _by_chance(document, "pilot", PILOTS)]
    if not any(said):
        return "No verdict here is decided from seeds, so none can be false by chance."
    return (
        f"Expected to be false by chance: {', and '.join(filter(None, said))}. This is chance alone: an assumption, a "
        "threshold or data that stand in for a report's own may be wrong for every seed alike."
    )


def _by_chance(document: Document, kind: str, known: Collection[str]) -> str:
    """How many of the decided words of one ``kind`` may be false by chance; '' if none is decided from seeds."""
    of_seeds = [
        (claim["verdict"], Result(claim["holds"], claim["seeds"], tuple(claim["looks"])))
        for claim in document["claims"]
        if claim["verdict"] in known and claim["holds"] is not None and claim["seeds"] and claim["looks"]
        if claim["verdict"] != "no evidence" or groups.is_pilot(claim) == (kind == "pilot")
    ]
    found = by_chance(
        [result for verdict, result in of_seeds if verdict != "no evidence"],
        [result.looks for verdict, result in of_seeds if verdict == "no evidence"],
    )
    if not found.decided:
        return ""
    most = min(found.expected, found.decided)
    return (
        f"at most {number(most)} of {plural(found.decided, f'decided {kind}')} ({percent(most / found.decided)}; false discovery "
        f"rate {percent(found.rate)}, Benjamini-Hochberg)"
    )


def stands(verdict: str, variants: Sequence[Variant]) -> str:
    """In how many of the ``variants`` of training that were run a ``verdict`` stands, and the words of the others; '' without
    variants."""
    if not variants:
        return ""
    run = [variant for variant in variants if variant["verdict"] not in ("not run", "error")]
    others = [f"{variant['name']} {variant['verdict']}" for variant in variants if variant["verdict"] != verdict]
    same = sum(variant["verdict"] == verdict for variant in variants)
    text = f"stands in {same} of {len(run)} variants of training"
    return f"{text}: {', '.join(others)}" if others else text
