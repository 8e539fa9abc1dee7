"""How long it takes to memorise labels: training accuracy against optimiser steps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from hw1bench.report.charts.lines import ENDS, Look, caption, colour, each, line, readable, style
from hw1bench.report.charts.marks import once
from hw1bench.report.charts.series import Array, Series, array, classes, label, median_accuracy, quartiles
from hw1bench.report.charts.text import FAINT, INK

LEVELS = (15, 50, 99)
"""In per cent: above chance for ten classes; half of the labels; all but a few."""


def memorising(axes: Axes, series: Sequence[Series]) -> str:
    """Training accuracy in per cent against optimiser steps, with a dot where the median passes each of ``LEVELS``."""
    axes.set_xscale("log")
    beside = axes.get_yaxis_transform()
    for level in LEVELS:
        axes.axhline(level, color=FAINT, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1.2, label="_")
        axes.text(1.01, level, f"{level} %", transform=beside, va="center", color=INK, label=ENDS)
    for index, arm in enumerate(series):
        steps, runs = _history(arm)
        middle = 100 * median_accuracy(runs)
        passed = sorted({index for index in _passed(middle).values() if index})  # not the one before training
        look = Look(colour(index), style(index), label(arm, series, "train_accuracy"), len(series))
        each(axes, look, steps[1:], 100 * runs[:, 1:], np.zeros(len(runs), bool))  # 0 has no place here
        line(axes, look, steps, middle, quartiles(100 * runs))
        axes.plot(steps[passed], middle[passed], "o", color=colour(index), markersize=4.5, label="_")
    axes.set(xlabel="optimiser steps", ylabel="training accuracy (%)", ylim=(0, 103))
    among = classes(series)
    if among:
        once(axes, "chance", axes.axhline, 100 / among, f"chance, {100 / among:.3g} %")
    readable(axes.xaxis)
    *others, last = map(str, LEVELS)
    dots = f"dots: the median passes {', '.join(others)} and {last} %"
    return f"{caption(series, 'train_accuracy')}\n{dots}"


def note(series: Sequence[Series]) -> str:
    """One line per arm: after how many steps the median passes each of ``LEVELS``, or that it never does."""
    head = "Training accuracy by optimiser steps: the median over seeds, measured after each epoch."
    return "\n".join([head, *map(_sentence, series)])


def _sentence(arm: Series) -> str:
    steps, runs = _history(arm)
    middle = 100 * median_accuracy(runs)
    passed = _passed(middle)
    parts: list[str] = []
    for index in sorted(set(passed.values())):
        when = f"at step {steps[index]:,.0f}" if index else "before training"
        verb = "" if parts else "passes "
        parts.append(f"{verb}{_levels([level for level in LEVELS if passed.get(level) == index], 'and')} {when}")
    never = [level for level in LEVELS if level not in passed]
    if never:
        best = np.nanmax(middle) if np.isfinite(middle).any() else 0.0
        # Rounded down, so that 98.96 % does not read as the 99 % that it never passed.
        best = f"{np.floor(10 * best) / 10:g}" if best > min(never) - 1 else f"{best:.0f}"
        parts.append(f"never passes {_levels(never, 'or')} in its {steps[-1]:,.0f} steps (best {best} %)")
    return f"{arm.name}: {', '.join(parts)}."


def _levels(levels: Sequence[int], last: str) -> str:
    """'15 %, 50 % and 99 %'."""
    *others, end = (f"{level} %" for level in levels)
    return f"{', '.join(others)} {last} {end}" if others else end


def _passed(middle: Array) -> dict[int, int]:
    """Level -> the first index at which the median is above it; levels that it never passes are left out."""
    above = {level: middle > level for level in LEVELS}
    return {level: int(found.argmax()) for level, found in above.items() if found.any()}


def _history(arm: Series) -> tuple[Array, Array]:
    steps, runs = array(arm, "steps", 1), array(arm, "train_accuracy", 2)
    if runs.shape[1] != len(steps) or len(steps) < 2 or (np.diff(steps) <= 0).any():
        raise ValueError(
            f"series {arm.name!r} has {runs.shape[1]} accuracies at {len(steps)} numbers of steps: give one per number, "
            "and numbers that increase from 0"
        )
    return steps, runs
