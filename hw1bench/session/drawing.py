"""The figures of a sitting: figures of every experiment whose runs are at hand, and figures across reports."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hw1bench.court.claim import Claim
from hw1bench.measures import learning
from hw1bench.records.runs import Block, Measured, Record, Run
from hw1bench.report import contract, document, drawn, named
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.series import Series
from hw1bench.report.protocols import steps
from hw1bench.specs.evaluation import SPLITS
from hw1bench.specs.experiment import Arm, CrossReportFigure, Data, Experiment, Figure, Function, Images, Tier
from hw1bench.specs.images import PART_OF, TITLES
from hw1bench.specs.kinds import KINDS, Kind
from hw1bench.support import snapshots

_SHOWN_FACTS = ("x", "truth", "target_variance", "classes")
"""Facts of the data that charts show, or that decide what they show."""


@dataclass(frozen=True)
class _Chart:
    """One figure to draw: the ids of its reports, its path below the report directory, what it shows, and the text before and
    after its own note."""

    reports: str
    figure: Figure
    path: str
    series: list[Series]
    data: str
    """What its runs were trained on."""
    named: tuple[Mark, ...] = ()
    """What the claims that it shows name."""
    before: str = ""
    after: str = ""
    cut_short: bool = False
    """Whether it lacks arms or results because the session was ended."""

    @property
    def runs(self) -> int:
        return sum(len(one.arrays["train_loss"]) for one in self.series)


@dataclass(frozen=True)
class Drawing:
    """The drawing of the ``records`` of one tier, and of the ``results`` of its measurements, into ``report_dir``.

    ``earlier`` maps paths to the entries of figures that are there already: a figure that shows more runs than are at hand is
    left as it is, and one that shows the same is not drawn again. ``unfinished`` are the experiments with claims that the
    session did not reach, or of which it could not train all: their figures are drawn only if they lack nothing. ``notice`` is
    given one line about each figure that is not drawn although there are runs for it. Once ``hurried``, nothing more is drawn.
    """

    tier: Tier
    records: Mapping[Block, Record]
    results: Mapping[Measured, Record]
    report_dir: Path
    notice: Callable[[str], None]
    hurried: Callable[[], bool] = lambda: False
    earlier: Mapping[str, contract.Figure] = field(default_factory=dict)
    unfinished: Set[Experiment] = frozenset()
    claims: Sequence[Claim] = ()
    """The claims whose thresholds, deadlines and claimed points are drawn in the figures that show them."""

    def draw(self, exhibits: Mapping[Experiment | CrossReportFigure, str]) -> list[contract.Figure]:
        """Draw every figure of ``exhibits`` (each with its topic) whose runs are at hand, and return its entries in claims.json.

        A figure that fails costs one line, not the report.
        """
        entries: list[contract.Figure] = []
        for exhibit, topic in exhibits.items():
            try:
                for chart in self._charts(exhibit):
                    if self.hurried():
                        self.notice("interrupted again: figures that are not drawn yet are left out")
                        return entries
                    entries += self._draw(chart, topic)
            except OSError as error:
                self.notice(
                    f"figures cannot be written to {self.report_dir} ({error.strerror or error}): they are left out"
                )
                return entries
            except Exception as error:
                self.notice(f"figures of {exhibit.id} could not be drawn ({type(error).__name__}: {error})")
        return entries

    def _charts(self, exhibit: Experiment | CrossReportFigure) -> Iterator[_Chart]:
        if isinstance(exhibit, CrossReportFigure):
            found = {one: self.series(one, exhibit.kind) for one in exhibit.experiments}
            series = [
                replace(one, name=f"{experiment.report}, {one.name}")
                for experiment, some in found.items()
                for one in some
            ]
            cut_short = any(self._cut_short(one, exhibit.kind, (), some) for one, some in found.items())
            figure = Figure(number="-", title=exhibit.title, kind=exhibit.kind)
            (path,) = document.figure_paths(exhibit)
            data = self._data([arm for one in exhibit.experiments for arm in self._arms(one)])
            yield _Chart(
                exhibit.reports,
                figure,
                path,
                series,
                data,
                before=exhibit.says,
                after=self._replaced_data(exhibit),
                cut_short=cut_short,
            )
            return
        for figure in exhibit.figures:
            shown = self.series(exhibit, figure.kind, figure.arms)
            cut_short = self._cut_short(exhibit, figure.kind, figure.arms, shown)
            path = document.figure_path(exhibit, figure)
            data = self._data(self._arms(exhibit, figure.arms))
            marks = named.marks(
                claim for claim in self.claims if claim.experiment == exhibit and claim.figure == figure.id
            )
            yield _Chart(exhibit.report, figure, path, shown, data, marks, cut_short=cut_short)

    def _cut_short(self, experiment: Experiment, kind: str, arms: Sequence[str], series: Sequence[Series]) -> bool:
        """Whether the ``series`` of a chart of ``kind``, which shows ``arms`` (empty: all), lack an arm or an array that the rest
        of the session would have given."""
        if experiment not in self.unfinished:
            return False
        wanted = len(arms) or len(experiment.protocol(self.tier).arms)
        fit = [one.arrays.keys() >= set(KINDS[kind].arrays) for one in series]
        return len(fit) < wanted or not (all(fit) if KINDS[kind].every else any(fit))

    def _draw(self, chart: _Chart, topic: str) -> list[contract.Figure]:
        """Draw one figure, unless it is drawn already, and return its entry, in a list, which is empty if it cannot be drawn.
        Raises OSError if it cannot be written."""
        there = self.earlier.get(chart.path)
        if there is not None and there["runs"] > chart.runs:
            return [there]
        if not chart.series:
            return []
        if chart.cut_short:
            self.notice(f"figure {chart.path} is left out: its runs are not complete")
            return []
        kind, path = chart.figure.kind, self.report_dir / chart.path
        title = f"{'Reports' if ',' in chart.reports else 'Report'} {chart.reports}: {chart.figure.title}"
        try:
            shown = (kind, title, chart.data, chart.named, chart.before, chart.after)
            seal = drawn.digest(chart.series, *shown)
            if there is not None and drawn.is_drawn(path, seal):
                note = there["note"]
            else:
                from hw1bench.report import figures  # imports matplotlib, which takes a second

                figures.draw(
                    kind, title=title, series=chart.series, path=path, data=chart.data, named=chart.named, seal=seal
                )
                note = "\n".join(filter(None, (chart.before, figures.note(kind, chart.series), chart.after)))
        except OSError:
            raise
        except Exception as error:
            self.notice(f"figure {chart.path} could not be drawn ({type(error).__name__}: {error})")
            return []
        return [
            {
                "report": chart.reports,
                "number": chart.figure.number,
                "title": chart.figure.title,
                "path": chart.path,
                "note": note,
                "runs": chart.runs,
                "topic": topic,
            }
        ]

    def _arms(self, experiment: Experiment, shown: Sequence[str] = ()) -> list[Arm]:
        """The arms of ``experiment`` in this tier that a chart shows: those called ``shown`` (empty: all)."""
        if self.tier == "quick" and experiment.quick is None:
            return []
        return [arm for arm in experiment.protocol(self.tier).arms if not shown or arm.name in shown]

    @staticmethod
    def _data(arms: Sequence[Arm]) -> str:
        """What ``arms`` are trained on, in words: "sinc, 300 points"; "5,000 images of MNIST, for CIFAR-10, random labels"."""
        return "; ".join(dict.fromkeys(_trained_on(arm.data) for arm in arms))

    def _replaced_data(self, across: CrossReportFigure) -> str:
        """What this tier trains on instead of the data of the figure ``across`` reports, in a sentence; '' if on the data."""
        sets = {
            (arm.data.name, arm.data.stands_for)
            for experiment in across.experiments
            for arm in experiment.protocol(self.tier).arms
            if isinstance(arm.data, Images)
        }
        stand_ins = sorted(f"{TITLES[name]} stand in for {other}" for name, other in sets if other)
        parts = sorted(f"nets train on only {TITLES[name]}" for name, other in sets if name in PART_OF and not other)
        what = " and ".join([*stand_ins, *parts])
        if not what:
            return ""
        budgets = ", ".join(
            f"{experiment.report} {steps(arm):,}" for experiment in across.experiments for arm in experiment.full.arms
        )
        return f"Here {what}, which settles nothing about the real data set. The reports' own budgets: {budgets} steps."

    def series(self, experiment: Experiment, kind: str, shown: Sequence[str] = ()) -> list[Series]:
        """The series of a chart of ``kind``, one for each arm of ``experiment`` whose runs are at hand, in the order of seeds.

        ``shown`` names the arms that the chart shows (empty: all).
        """
        series = []
        arms = self._arms(experiment, shown)
        for arm in arms:
            found = [(block, record) for block, record in self.records.items() if _is_of(block, experiment, arm)]
            if not found:
                continue
            found.sort(key=lambda pair: pair[0].first_seed)
            records = [record for _, record in found]
            arrays = {
                name: np.concatenate([record.arrays[name] for record in records])
                for name in records[0].arrays
                if name not in ("weights", "buffers", *snapshots.ARRAYS)
            }
            arrays |= _evaluated(arm, arrays)
            arrays |= self._measured(experiment, KINDS[kind], arm, [one.name for one in arms])
            if KINDS[kind].sweep:
                arrays |= _swept([run for block, record in found for run in record.runs(block)])
            facts = records[0].facts
            arrays |= {name: np.asarray(facts[name]) for name in _SHOWN_FACTS if name in facts}
            arrays["parameters"] = np.asarray(arm.model.parameters)
            arrays["steps"] = np.arange(arm.epochs + 1) * facts["steps_per_epoch"]
            series.append(Series(arm.name, arrays))
        return series

    def _measured(self, experiment: Experiment, kind: Kind, arm: Arm, shown: Sequence[str]) -> dict[str, np.ndarray]:
        """The results, for ``arm`` and the other arms ``shown``, of the measurement that ``kind`` reads. Raises ValueError if
        there are several.

        Some blocks may not be measured: an arm may go on to more seeds than its pair, or the session may be cut short.
        """
        found = [
            (of, record)
            for of, record in self.results.items()
            if kind.measurement is not None
            and isinstance(of.measurement, kind.measurement)
            and _is_of(of.blocks[0], experiment, arm)
            and set(of.arms) <= set(shown)
        ]
        if len({(of.measurement, of.arms) for of, _ in found}) > 1:
            raise ValueError(f"arm {arm.name!r} has several results to draw: name the arms of one in the figure")
        found.sort(key=lambda pair: pair[0].blocks[0].first_seed)
        names = list(found[0][1].arrays) if found else []
        return {name: np.concatenate([record.arrays[name] for _, record in found]) for name in names}


def _trained_on(data: Data) -> str:
    if isinstance(data, Function):
        return f"{data.name}, {data.samples:,} points"
    instead = f", for {data.stands_for}" if isinstance(data, Images) and data.stands_for else ""
    return f"{data.described}{instead}{', random labels' if data.random_labels else ''}"


def _is_of(block: Block, experiment: Experiment, arm: Arm) -> bool:
    return (block.report, block.experiment, block.arm) == (experiment.report, experiment.name, arm)


def _evaluated(arm: Arm, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The histories among ``arrays`` at the epochs that all runs of ``arm`` evaluate, and these epochs."""
    found: dict[str, np.ndarray] = {}
    for split in SPLITS:
        epochs = found[f"{split}_epochs"] = np.array(arm.evaluation.epochs(split, arm.epochs))
        found |= {name: values[:, epochs] for name, values in arrays.items() if name.startswith(f"{split}_")}
    return found


def _swept(runs: list[Run]) -> dict[str, np.ndarray]:
    """What charts of a sweep show for an arm: its settings, and each value at the epoch whose weights are kept, (runs,)."""
    names = [f"{split}_{what}" for split in ("train", "test") for what in ("loss", "accuracy")]
    arrays = {f"kept_{name}": np.array([learning.final(run, name) for run in runs]) for name in names}
    if "last_batch_norm" in runs[0].arrays:
        arrays["reported"] = np.array([learning.final(run, "reported") for run in runs])
    arm = runs[0].arm
    return arrays | {"lr": np.asarray(arm.optimizer.lr), "batch_size": np.asarray(arm.batch_size or np.nan)}
