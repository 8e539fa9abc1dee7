"""Print what ``pytest -k`` needs to select the full tier's cheapest claims: ``python .ci/cheapest.py SECONDS``.

The rule: of each experiment that trains on functions alone, and so needs no data set, the claim with the cheapest ruling on
record; of these as many, the cheapest first, as SECONDS of training on record allow. One claim per experiment, because the
claims of an experiment share runs: a dozen of the cheapest would be three experiments.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from hw1bench.court.docket import Book, Case
from hw1bench.session.collected import collected
from hw1bench.specs.experiment import Function


def cheapest(cases: Iterable[Case], book: Book, seconds: float) -> list[str]:
    """The ids of the claims, the cheapest first."""
    found: dict[str, tuple[float, str]] = {}  # experiment -> the seconds and the claim of its cheapest ruling
    for case in cases:
        ruling, experiment = case.ruled(book, "full"), case.claim.experiment
        if ruling is None or ruling.seconds is None or experiment is None:
            continue
        if all(isinstance(arm.data, Function) for arm in experiment.full.arms):
            cost = (ruling.seconds, case.claim.id)
            found[experiment.id] = min(cost, found.get(experiment.id, cost))
    chosen = []
    for cost, claim in sorted(found.values()):
        seconds -= cost
        if seconds < 0:
            break
        chosen.append(claim)
    return chosen


def main(seconds: str) -> None:
    cases, book, *_ = collected([Path("claims")])
    claims = cheapest(cases, book, float(seconds))
    if not claims:  # an empty expression selects the whole tier
        sys.exit(f"no claim on record without a data set takes {seconds} s or less: allow more")
    print(" or ".join(f"full-{claim}]" for claim in claims))


if __name__ == "__main__":
    main(sys.argv[1])
