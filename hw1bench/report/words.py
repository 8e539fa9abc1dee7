"""Verdicts in words: the sentences that the page, the Markdown and the JUnit file share."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from hw1bench.court import vocabulary
from hw1bench.court.chance import Result, by_chance
from hw1bench.court.vocabulary import PILOTS, RULED, VERDICTS
from hw1bench.report.contract import Claim, Document, Effect, Figure, Report, Variant, from_seeds, measured

FAILED = "failed"
GROUPS = (FAILED, *VERDICTS)

_FAILING = ("failed", "error")
_STANDING = {"same": "same as", "weaker": "weaker than", "stronger": "stronger than", "contrary": "contradicts"}


def number(value: float) -> str:
    """``value`` to about three significant figures, without an exponent if a reader can do without it; 'undefined' for NaN,
    '+infinity' or '-infinity'."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "+infinity" if value > 0 else "-infinity"
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e6 or size < 1e-3:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}e{int(exponent)}"
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4
    return f"{value:,.{decimals}f}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit; without one if it is undefined."""
    return number(value) if math.isnan(value) else f"{number(value)} {unit}".strip()


def share(value: float) -> str:
    """A share with two decimals, or with as many as it takes to show on which side of 1/2 it lies."""
    for decimals in range(2, 8):
        text = f"{value:.{decimals}f}"
        if value == 0.5 or float(text) != 0.5:
            return text
    return text


def percent(value: float) -> str:
    """0.975 -> '97.5 %'."""
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def duration(seconds: float) -> str:
    """Seconds in the units a reader would choose."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, noun: str) -> str:
    """'1 seed', '8 seeds'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def effect(claim: Claim) -> str:
    """The median effect with its unit and interval, e.g. '0.84 ln ratio [0.31, 1.90]'; '' without an effect."""
    found = claim["effect"]
    if found is None:
        return ""
    places = measured(found)
    text = quantity(places["median"], found["unit"])
    if found["interval"] is not None:
        text += f" [{number(places['low'])}, {number(places['high'])}]"
    return text


def _not_finite(found: Effect) -> list[str]:
    """In how many seeds the effect is undefined, and in how many infinite."""
    kinds = Counter(kind for place, kind in found["not_finite"].items() if place.isdigit())
    return [f"its effect is {kind} in {count} of them" for kind, count in sorted(kinds.items(), reverse=True)]


def verdict(claim: Claim) -> str:
    """The verdict, and how a claim was refuted: 'refuted, reversed'."""
    # A refuted count is simply wrong: there is no more to say.
    return f"{claim['verdict']}, {claim['how']}" if claim["how"] and from_seeds(claim) else str(claim["verdict"])


def sentence(claim: Claim) -> str:
    """The verdict in one sentence with its numbers."""
    head = verdict(claim).capitalize()
    if not from_seeds(claim):
        note = " ".join(claim["note"].split())
        return f"{head}: {_stop(note)}" if note else f"{head}."
    assert claim["seeds"]  # ``check`` ensures that these four are there together
    assert claim["share"]
    assert claim["level"]
    assert claim["effect"]
    low, high = (share(end) for end in claim["share"])
    where = f"{percent(claim['level'])} interval of the share {low} to {high}"
    parts = [f"{head}: it holds in {claim['holds']} of {plural(claim['seeds'], 'seed')} ({where}){_meaning(claim)}"]
    parts += [*_not_finite(claim["effect"]), f"median effect {effect(claim)}"]
    if claim["diverged"]:
        parts.append(f"{plural(claim['diverged'], 'run')} diverged")
    return _stop("; ".join(parts))


def _meaning(claim: Claim) -> str:
    if claim["how"] == "reversed":
        return ", and the opposite is itself supported"
    if claim["how"] == "absent":
        return ", no clear effect of the claimed kind"
    if claim["verdict"] == "inconclusive":
        return ", which leaves both sides of 1/2 open"
    return ""


def _stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def standing(claim: Claim) -> str:
    """How the verdict compares with the ruling on record, e.g. 'contradicts the ruling on record (supported)'; the test's own
    remark if it has one."""
    ruling = claim["ruling"]
    if claim["remark"] not in ("", claim["verdict"]):
        return claim["remark"]
    if ruling is None:
        return "no ruling on record"
    verdict = claim["verdict"]
    if verdict == "error" or verdict == "not run":
        return f"ruling on record: {ruling}"
    return f"{_STANDING[vocabulary.standing(verdict, ruling)]} the ruling on record ({ruling})"


def assumptions(claim: Claim) -> str:
    """'under 2 assumptions', or '' if there are none."""
    return f"under {plural(len(claim['assumptions']), 'assumption')}" if claim["assumptions"] else ""


def changes_heading(claim: Claim) -> str:
    """The heading of what the claim's protocol changes: 'Quick tier changes', or '' if it changes nothing."""
    return f"{claim['tier']} tier changes".capitalize() if claim["changes"] else ""


def unlike_the_real(claim: Claim) -> str:
    """How the claim's data set differs from the real one: 'stand-in', 'non-canonical', or ''."""
    dataset = claim["dataset"]
    if dataset is None:
        return ""
    if dataset["stand_in"]:
        return "stand-in"
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
    return f"Judged on {dataset['name']}{remarks[unlike_the_real(claim)]}."


def data_remarks(document: Document) -> list[str]:
    """Remarks on the data, one sentence each: how many verdicts do not rest on the real data set."""
    found = Counter(unlike_the_real(claim) for claim in document["claims"] if claim["verdict"] in RULED)
    said = []
    if found["stand-in"]:
        said.append(f"Verdicts on stand-in data, which settle nothing about the real data set: {found['stand-in']}.")
    if found["non-canonical"]:
        said.append(f"Verdicts on a non-canonical copy of the real data set: {found['non-canonical']}.")
    return said


def shown_in(figure: Figure) -> str:
    """Whose figure it is: 'Report x, figure 3', or 'Reports x, y' for a figure across reports."""
    if ", " in figure["report"]:
        return f"Reports {figure['report']}"
    number = figure["number"]
    return f"Report {figure['report']}" + (f", figure {number}" if number and number != "-" else "")


def group(claim: Claim) -> str:
    """The word by which a claim is counted and coloured: its verdict, or "failed" if its test failed before it had one."""
    return FAILED if claim["verdict"] == "not run" and claim["outcome"] in _FAILING else claim["verdict"]


def tally(claims: Iterable[Claim]) -> dict[str, int]:
    """The number of claims per group, failures first, then in the order of the verdict words, without zeros."""
    found = Counter(map(group, claims))
    return {word: found[word] for word in GROUPS if found[word]}


def failed(document: Document) -> list[Claim]:
    """The claims whose tests failed, whatever their verdicts."""
    return [claim for claim in document["claims"] if claim["outcome"] in _FAILING]


def topics(document: Document) -> dict[str, str]:
    """The titles of the topics that the document lists, by their ids, in the order of a page."""
    return {topic["id"]: topic["title"] or topic["id"] for topic in document.get("topics", ())}


def about(report: Report) -> str:
    """A report's title, with its source in parentheses; '' if neither is known."""
    title, source = report["title"], report["source"]
    return f"{title} ({source})" if title and source else title or source


def false_verdicts(document: Document) -> str:
    """How many of the document's decided verdicts, and of its pilots, may be false by chance, and what that does not cover."""
    said = [_by_chance(document, "verdict", RULED), _by_chance(document, "pilot", PILOTS)]
    if not any(said):
        return "No verdict here is decided from seeds, so none can be false by chance."
    return (
        f"Expected to be false by chance: {', and '.join(filter(None, said))}. This is chance alone: an assumption, a "
        "threshold or data that stand in for a report's own may be wrong for every seed alike."
    )


def _by_chance(document: Document, kind: str, known: Iterable[str]) -> str:
    """How many of the decided words of one ``kind`` may be false by chance; '' if none is decided from seeds."""
    weighing = [word for word in known if word != "no evidence"]
    found = by_chance(
        Result(claim["holds"], claim["seeds"], tuple(claim["looks"]))
        for claim in document["claims"]
        if claim["verdict"] in weighing and claim["holds"] is not None and claim["seeds"] and claim["looks"]
    )
    if not found.decided:
        return ""
    most = min(found.expected, found.decided)
    return (
        f"at most {number(most)} of {plural(found.decided, f'decided {kind}')} ({percent(most / found.decided)}; false discovery "
        f"rate {percent(found.rate)}, Benjamini-Hochberg)"
    )


def stands(verdict: str, variants: Sequence[Variant]) -> str:
    """In how many of the ``variants`` of training that were run a ``verdict`` stands, and the words of the others."""
    run = [variant for variant in variants if variant["verdict"] not in ("not run", "error")]
    others = [f"{variant['name']} {variant['verdict']}" for variant in variants if variant["verdict"] != verdict]
    same = sum(variant["verdict"] == verdict for variant in variants)
    text = f"stands in {same} of {len(run)} variants of training"
    return f"{text}: {', '.join(others)}" if others else text
