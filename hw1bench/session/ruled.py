"""``--on-record``: a session of the claims that are on record, and of no others."""

from collections import Counter
from pathlib import Path

import pytest

from hw1bench.court import rulings
from hw1bench.court.claim import Claim
from hw1bench.report import quantities
from hw1bench.session.subjects import params
from hw1bench.specs.experiment import Tier


class OnRecord:
    """The plugin that leaves out claims without a ruling for their tier, and exhibits, on which there are no rulings.

    A claim whose ruling was reached with another experiment or effect stays: what is on record of it does not count any more,
    which ``--strict-rulings`` must see.
    """

    def __init__(self) -> None:
        self._left: Counter[Tier] = Counter()

    @pytest.hookimpl(trylast=True)  # of what -m and -k have selected
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        book: dict[Path, rulings.Rulings] = {}
        kept: list[pytest.Item] = []
        out: list[pytest.Item] = []
        for item in items:
            found = params(item)
            claim, tier = found.get("claim"), found.get("tier")
            path = item.path.parent / rulings.FILE
            if path not in book:
                try:
                    book[path] = rulings.load(path)
                except ValueError as error:
                    raise pytest.UsageError(str(error)) from None
            ruled = isinstance(claim, Claim) and (claim.id, tier) in book[path]
            (kept if ruled or not found else out).append(item)
            if tier is not None and isinstance(claim, Claim) and not ruled:
                self._left[tier] += 1
        if out and not any(map(params, kept)):
            raise pytest.UsageError(
                "no claim that is selected has a ruling: leave out --on-record, or put some on record with --record-rulings"
            )
        if out:
            config.hook.pytest_deselected(items=out)
        items[:] = kept

    def pytest_report_collectionfinish(self) -> list[str]:
        return [
            f"not on record in the {tier} tier and left out: {quantities.plural(count, 'claim')}"
            for tier, count in self._left.items()
        ]
