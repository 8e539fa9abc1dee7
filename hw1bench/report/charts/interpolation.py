"""Between two nets: loss and accuracy of nets whose weights lie on the straight line between theirs."""

from collections.abc import Sequence
from itertools import takewhile

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hw1bench.measures.line import barrier
from hw1bench.report.charts.learning import SPLITS
from hw1bench.report.charts.lines import BAND, Look, colour, entry, line, readable, right_axis
from hw1bench.report.charts.series import (
    Array,
    Series,
    array,
    finite,
    holder,
    median_accuracy,
    median_loss,
    positive,
    spread_at,
    thin,
)
from hw1bench.report.quantities import number, plural

_WIDE = 100  # a loss that spans more than this factor gets a logarithmic axis
_OUTSIDE = 0.2  # the share of the axis beside an end that its name needs


def interpolation(axes: Axes, series: Sequence[Series]) -> str:
    """Loss on the left and accuracy in per cent on the right against alpha, of the first series that has them; the other
    series names the end at alpha 1."""
    arm = holder(series, "alphas")
    alphas, mixed = _mixed(arm)
    losses, accuracies = colour(0), colour(1)
    right = right_axis(axes, "accuracy (%)", accuracies)
    found = np.concatenate([mixed[f"{split}_loss"] for split in SPLITS], axis=1)
    held = found[np.isfinite(found) & (found > 0)]
    log = held.size > 0 and held.max() > _WIDE * held.min()
    axes.set_yscale("log" if log else "linear")
    kept = thin(len(alphas), 2 * len(SPLITS))
    for split, dashes in SPLITS.items():
        runs = mixed[f"{split}_loss"]
        middle, shown = median_loss(runs), finite(runs)
        if log:
            middle, shown = positive(middle), positive(shown)
        line(axes, Look(losses, dashes, f"{_word(split)} loss"), alphas[kept], middle[kept], spread_at(shown, kept))
        runs = mixed[f"{split}_accuracy"]
        look = Look(accuracies, dashes, "_")
        line(right, look, alphas[kept], 100 * median_accuracy(runs)[kept], spread_at(100 * runs, kept))
    for split, dashes in SPLITS.items():
        entry(axes, f"{_word(split)} accuracy (right)", color=accuracies, linestyle=dashes)
    axes.set(xlabel="alpha", xlim=(alphas[0], alphas[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_ylabel("loss", color=losses)
    axes.tick_params(axis="y", which="both", colors=losses)
    _ends(axes, [arm.name, *(other.name for other in series if other is not arm)])
    if log:
        readable(axes.yaxis)
    lost = int((~np.isfinite(found)).any(axis=1).sum())
    seeds = plural(len(found), "seed")
    return f"{BAND} ({seeds})" + (f";\na loss is not finite somewhere in {lost} of {seeds}" if lost else "")


def note(series: Sequence[Series]) -> str:
    """The barrier between the two ends, in points of test error."""
    alphas, mixed = _mixed(holder(series, "alphas"))
    # An accuracy that is not a number counts as the worst.
    error = 1 - np.nan_to_num(mixed["test_accuracy"], nan=0.0)
    found = barrier(alphas, error)
    heights, places = 100 * found.height, found.alpha
    seeds = plural(len(heights), "seed")
    what = "their mean (the barrier of Frankle et al., 2020)"
    middle = float(np.median(heights))
    over = f"; over {seeds}, {number(heights.min())} to {number(heights.max())}" if len(heights) > 1 else ""
    if heights.max() <= 0:
        who = f"in any of {seeds}" if over else "in the one seed"
        return f"Between the ends, test error does not rise above {what} {who}."
    if middle <= 0:
        risen = heights > 0
        return (
            f"Between the ends, test error rises above {what} in {risen.sum()} of {seeds}, by at most "
            f"{number(heights.max())} points, at {_alphas(places[risen])}; the median seed has no barrier."
        )
    return (
        f"Between the ends, test error rises at most {number(middle)} points above {what}, at {_alphas(places)}"
        f"{' (medians)' if over else ''}{over}."
    )


def _alphas(places: Array) -> str:
    return f"alpha {np.median(places):.2g}"


def _word(split: str) -> str:
    return "training" if split == "train" else split


def _ends(axes: Axes, names: Sequence[str]) -> None:
    """A thin vertical line at alpha 0 and at 1, named above the axes if there are two ``names``: by the parts that differ."""
    for alpha in (0, 1):
        axes.axvline(alpha, color="#555555", linewidth=0.8, zorder=1.6, label="_")
    if len(names) != 2:
        return
    parts = [name.split(", ") for name in names]
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*parts, strict=False)))
    own = [", ".join(part[shared:]) for part in parts]
    above = axes.secondary_xaxis("top")
    above.set_xticks([0, 1], own, fontsize=8, color="#555555")
    above.tick_params(length=0, pad=2)
    above.spines["top"].set_visible(False)
    low, high = axes.get_xlim()
    room = min(0 - low, high - 1) > _OUTSIDE * (high - low)
    first, second = above.get_xticklabels()
    first.set_horizontalalignment("right" if room else "left")  # away from each other if there is room
    second.set_horizontalalignment("left" if room else "right")


def _mixed(arm: Series) -> tuple[Array, dict[str, Array]]:
    """Alphas (alphas,), and the values that were measured there, (runs, alphas) each: 'train_loss' and so on."""
    rows = array(arm, "alphas", 2)
    names = [f"{split}_{what}" for split in SPLITS for what in ("loss", "accuracy")]
    mixed = {name: array(arm, f"mixed_{name}", 2) for name in names}
    if any(found.shape != rows.shape for found in mixed.values()):
        shapes = {f"mixed_{name}": found.shape for name, found in mixed.items()}
        raise ValueError(f"series {arm.name!r} has alphas {rows.shape} but {shapes}: measure at each of them")
    if (rows != rows[0]).any() or (np.diff(rows[0]) <= 0).any():
        raise ValueError(
            f"series {arm.name!r} has alphas that do not increase, or differ between runs: give the same to all"
        )
    return rows[0], mixed
