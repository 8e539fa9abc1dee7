"""``--shard 2/5``: a session of the second of five parts of the selected claims.

Claims of one experiment share runs and figures, so they are judged in one part, together with its exhibits; so are experiments
that one selected figure compares. What such a group costs is known from the rulings on record and from specifications, never
from this machine or its store: every machine finds the same parts.
"""

import math
from collections.abc import Iterable, Sequence

import pytest

from hw1bench.court import costs
from hw1bench.court.claim import Claim
from hw1bench.court.docket import Case
from hw1bench.court.parts import Part, split, together
from hw1bench.report import document, quantities, schema
from hw1bench.session import outlook
from hw1bench.session.collected import read_rulings
from hw1bench.session.selection import Selection
from hw1bench.session.subjects import params
from hw1bench.specs import work
from hw1bench.specs.experiment import CrossReportFigure, Tier
from hw1bench.specs.pack import Pack

_LEAST = 0.1
"""Seconds that a test is taken to cost whatever it trains, so that tests that train nothing are spread too."""


class Shard:
    """The plugin that leaves out the tests of all parts but ``part``. ``selection`` knows the claims of the files that were
    collected, and with them what is on record."""

    def __init__(self, part: Part, selection: Selection) -> None:
        self.part = part
        self.selected: list[pytest.Item] = []  # tests of the court in all parts
        self._selection = selection
        self._kept: list[pytest.Item] = []
        self._share = 0.0

    @property
    def empty(self) -> bool:
        """Whether tests were selected, and this part has none of them."""
        return bool(self.selected) and not self._kept

    @pytest.hookimpl(trylast=True)  # of what -m, -k and --on-record have selected
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self.selected = [item for item in items if params(item)]
        groups = together(map(_names, self.selected))
        group = {name: min(names) for names in groups for name in names}
        tests: dict[str, list[pytest.Item]] = {}
        for item in self.selected:
            tests.setdefault(group[min(_names(item))], []).append(item)
        try:
            price = _Prices([*self._selection.docket().values()])
            seconds = {name: price.seconds(some) for name, some in tests.items()}
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        number = split({name: round(1_000 * cost) for name, cost in seconds.items()}, self.part.of)
        ours = {name for name, found in number.items() if found == self.part.number}
        self._kept = [item for item in self.selected if group[min(_names(item))] in ours]
        kept = {item.nodeid for item in self._kept}
        out = [item for item in self.selected if item.nodeid not in kept]
        if out:
            config.hook.pytest_deselected(items=out)
            items[:] = [item for item in items if not params(item) or item.nodeid in kept]
        self._share = sum(seconds[name] for name in ours) / sum(seconds.values()) if seconds else 0.0

    def pytest_report_collectionfinish(self) -> list[str]:
        return [self.told] if self.selected else []

    @property
    def told(self) -> str:
        """What this part is, in a line."""
        if self.empty:
            return f"part {self.part} has no claims, because there are fewer experiments than parts"
        claims, whole = len(_ids(self._kept)), len(_ids(self.selected))
        return f"part {self.part}: {claims:,} of {quantities.plural(whole, 'claim')}, {self._share:.0%} of the time"

    def described(self, pack: Pack) -> schema.Shard:
        """The part as claims.json has it, with the order of the whole, whose reports, topics and questions ``pack`` has."""
        experiments = [params(item)["claim"].experiment for item in self.selected if "claim" in params(item)]
        exhibits = {item.nodeid: params(item)["exhibit"] for item in self.selected if "exhibit" in params(item)}
        shown = [one for one in (*experiments, *exhibits.values()) if one is not None]
        return {
            "part": self.part.number,
            "of": self.part.of,
            "claims": _ids(self.selected),
            "figures": list(dict.fromkeys(path for one in shown for path in document.figure_paths(one))),
            "exhibits": list(exhibits),
            "reports": [report.id for report in pack.reports],
            "topics": [topic.id for topic in pack.topics],
            "questions": [question.id for question in pack.questions],
        }


def _ids(items: Iterable[pytest.Item]) -> list[str]:
    """The claims of ``items``, each once."""
    return list(dict.fromkeys(params(item)["claim"].id for item in items if "claim" in params(item)))


def _names(item: pytest.Item) -> frozenset[str]:
    """What the test ``item`` has in common with those that belong into the same part."""
    found = params(item)
    if "claim" in found:
        claim: Claim = found["claim"]
        return frozenset({f"claim {claim.id}"} | ({f"experiment {claim.experiment.id}"} if claim.experiment else set()))
    exhibit = found["exhibit"]
    if isinstance(exhibit, CrossReportFigure):
        return frozenset({f"figure {exhibit.id}", *(f"experiment {one.id}" for one in exhibit.experiments)})
    return frozenset({f"experiment {exhibit.id}"})


class _Prices:
    """What tests cost on a CPU, by what is on record of ``cases``."""

    def __init__(self, cases: Sequence[Case]) -> None:
        book = read_rulings(cases)
        times = costs.timed(cases, book)
        self._own = costs.by_experiment(times, "cpu")
        self._kinds = costs.rates(times)
        self._seeds: dict[tuple[str, Tier], int] = {}
        for case in cases:
            for tier in case.claim.tiers:
                ruling = case.ruled(book, tier)
                place = (case.claim.id, tier)
                self._seeds[place] = max(self._seeds.get(place, 0), (ruling.seeds or 0) if ruling else 0)

    def seconds(self, tests: Sequence[pytest.Item]) -> float:
        """The seconds that ``tests`` take together."""
        parts = [part for one in outlook.outlooks(tests) for part in one.parts.values()]
        return _LEAST * len(tests) + math.fsum(map(self._trained, parts))

    def _trained(self, part: outlook.Part) -> float:
        """The seconds of ``part`` up to the look at which its claims were ruled; up to the first if none was."""
        ruled = [self._seeds.get((claim, part.tier), 0) for claim in part.claims]
        seeds = max([*ruled, part.looks[0]])
        rate, arms = self._own.get(part.experiment.key(part.tier)), part.arms()
        if rate is None:
            return self._kinds.seconds(arms, part.protocol.measures, seeds, "cpu")
        return seeds * rate * sum(map(work.of_run, arms))
