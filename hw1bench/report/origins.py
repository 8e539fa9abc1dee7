"""Where a document comes from, in sentences: whether it is the record, and which sessions and devices gave its verdicts."""

from collections import Counter
from collections.abc import Sequence

from hw1bench.court.vocabulary import RECORDED
from hw1bench.report.contract import Claim, Document
from hw1bench.report.quantities import named, plural

_COUNTS = "exact counts"
_UNKNOWN = "a device that is not stated"


def on_record(document: Document) -> str:
    """How many verdicts of a document of the full tier are the rulings on record; '' for the quick tier, and without verdicts."""
    judged = [claim for claim in document["claims"] if claim["verdict"] in RECORDED]
    if document["tier"] != "full" or not judged:
        return ""
    found = sum(map(_recorded, judged))
    if found == len(judged):
        return "This is the record: each verdict here is the full tier's ruling on its claim."
    return f"{found:,} of {plural(len(judged), 'verdict')} here {'is' if found == 1 else 'are'} on record."


def _recorded(claim: Claim) -> bool:
    """Whether the full tier's ruling on record is what was found here."""
    ruling = claim["record"]
    keys = ("verdict", "how", "holds", "seeds")
    return ruling is not None and all(claim[key] == ruling[key] for key in keys)  # type: ignore[literal-required]  # both have them


def gathered(document: Document) -> str:
    """From how many sessions the verdicts come, of which days and devices; '' if one session gave all of them."""
    sessions = {claim["judged"] for claim in document["claims"]}
    if sessions <= {document["started"]}:
        return ""
    days = sorted({one[:10] for one in sessions})
    when = f"from {days[0]} to {days[-1]}" if len(days) > 1 else f"of {days[0]}"
    devices = Counter(device(claim) for claim in document["claims"] if claim["verdict"] in RECORDED)
    counts = devices.pop(_COUNTS, 0)
    where = [f"{count:,} on {name}" for name, count in devices.most_common()] + [f"{counts:,} {_COUNTS}"] * bool(counts)
    claims = f" ({', '.join(where)})" if where else ""
    return f"Judged in {plural(len(sessions), 'session')} {when}{claims}."


def device(claim: Claim) -> str:
    """What trained the claim's runs, such as 'CPU'; 'exact counts' for a claim without runs."""
    if claim["seeds"] is None:
        return _COUNTS
    name = (claim.get("environment") or {}).get("device")
    return _UNKNOWN if name is None else named(str(name))


def left_out(paths: Sequence[str]) -> str:
    """That the figures at ``paths``, one or more, are not shown, because their files are not there."""
    if len(paths) == 1:
        return f"1 figure is left out, because its file is not here: {paths[0]}."
    return f"{plural(len(paths), 'figure')} are left out, because their files are not here."


def judged(claim: Claim) -> str:
    """When the claim was judged, and on what: 'judged 2026-01-31 on CPU'."""
    where = f" on {device(claim)}" if claim["seeds"] is not None and claim.get("environment") else ""
    return f"judged {claim['judged'][:10]}{where}"
