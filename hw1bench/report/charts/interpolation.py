"""Between two nets: loss and accuracy of nets whose weights lie on the straight line between theirs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hw1bench.measures.line import barrier
from hw1bench.report.charts.learning import SPLITS
from hw1bench.report.charts.lines import Look, beside, colour, each, line, panel, readable
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.marks import Named, once, once_entry, rule, shade
from hw1bench.report.charts.series import (
    Array,
    Series,
    array,
    finite,
    holder,
    median_accuracy,
    median_loss,
    positive,
    quartiles,
)
from hw1bench.report.charts.text import FAINT, SIZE, WIDTH, plain, width, without_shared
from hw1bench.report.quantities import number, plural

_WIDE = 100  # a loss that spans more than this factor gets a logarithmic axis
_HEIGHTS = (0.5, 0.5)  # of losses and accuracies
_INSIDE = 0.75 * WIDTH  # about the width of the axes


def interpolation(axes: Axes, series: Sequence[Series]) -> str:
    """Loss, and below it accuracy in per cent, against alpha, of the first series that has them; the other series names the end
    at alpha 1."""
    arm = holder(series, "alphas")
    alphas, mixed = _mixed(arm)
    lower = panel(axes, _HEIGHTS)
    found = np.concatenate([mixed[f"{split}_loss"] for split in SPLITS], axis=1)
    held = found[np.isfinite(found) & (found > 0)]
    log = held.size > 0 and held.max() > _WIDE * held.min()
    axes.set_yscale("log" if log else "linear")
    ends = []
    for index, (split, dashes) in enumerate(SPLITS.items()):
        for one, what, unit, median in ((axes, "loss", 1, median_loss), (lower, "accuracy", 100, median_accuracy)):
            runs = unit * mixed[f"{split}_{what}"]
            shown = positive(finite(runs)) if log and what == "loss" else finite(runs)
            middle, edges = median(runs), quartiles(runs)
            if log and what == "loss":
                middle, edges = positive(middle), quartiles(runs, positive)
            look = Look(colour(index), dashes, _word(split) if what == "loss" else "_", 2 * len(SPLITS))
            grey = np.asarray((~np.isfinite(mixed[f"{split}_loss"])).any(axis=1))
            each(one, look, alphas, shown, grey)
            line(one, look, alphas, middle, edges)
            if what == "loss":
                ends.append(middle[-1])
    if beside(axes, [_word(split) for split in SPLITS], [colour(0), colour(1)], ends):
        for drawn in axes.lines:
            if not str(drawn.get_label()).startswith("_"):
                drawn.set_label("_")
    lower.set(xlabel="alpha", ylabel="accuracy (%)", xlim=(alphas[0], alphas[-1]))
    lower.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_ylabel("loss")
    ends_in_words = _ends((axes, lower), [arm.name, *(other.name for other in series if other is not arm)])
    if log:
        readable(axes.yaxis)
    lost = int((~np.isfinite(found)).any(axis=1).sum())
    seeds = plural(len(found), "seed")
    return f"{ends_in_words}median, middle half and each of {seeds}" + (
        f"\ngrey: a loss is not finite somewhere in {lost} of {seeds}" if lost else ""
    )


def mark(axes: Axes, series: Sequence[Series], named: Sequence[Mark]) -> Named:
    """Where claims say that accuracy is best or look for an order, and the accuracy that a barrier falls below."""
    lower = axes.figure.axes[1]
    ticked = Named()
    for one in dict.fromkeys(named):
        if one.what == "alpha" and one.x is not None:
            ticked.x[one.x] = plain(one.x)
            once(axes, "claimed best", axes.axvline, one.x)
            once(lower, "claimed best", lower.axvline, one.x)
        if one.what == "barrier" and one.y is not None:
            alphas, mixed = _mixed(holder(series, "alphas"))
            middle = 100 * median_accuracy(mixed["test_accuracy"])
            level = float(middle[[np.abs(alphas).argmin(), np.abs(alphas - 1).argmin()]].mean() - 100 * one.y)
            ticked.lower[level] = f"{level:.1f}"
            once_entry(axes, f"barrier: {100 * one.y:g} points below the ends, test", **rule("barrier"))
            lower.plot([0, 1], [level, level], **rule("barrier"), zorder=1.8, label="_")
    spans = [one.span for one in dict.fromkeys(named) if one.what == "alpha" and one.span is not None]
    for one_panel in (axes, lower):
        shade(one_panel, spans)
    return ticked


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


def _ends(panels: Sequence[Axes], names: Sequence[str]) -> str:
    """A thin vertical line at alpha 0 and at 1 in the ``panels``, named above the first one if there are two ``names``: by the
    parts that differ. Returns a line that names them instead if there is no room."""
    for alpha in (0, 1):
        for one in panels:
            one.axvline(alpha, color="#8c8c8c", linewidth=0.8, zorder=1.3, label="_")
    if len(names) != 2:
        return ""
    own = without_shared(names)
    axes = panels[0]
    low, high = axes.get_xlim()
    unit = _INSIDE / (high - low)
    between, edges = sum(map(width, own)) / 2 + SIZE, [width(name) / 2 - SIZE for name in own]
    if between > unit or edges[0] > unit * -low or edges[1] > unit * (high - 1):
        return f"alpha 0: {own[0]}; alpha 1: {own[1]}\n"
    above = axes.secondary_xaxis("top")
    above.set_xticks([0, 1], own, fontsize=SIZE, color=FAINT)
    above.tick_params(length=0, pad=2)
    above.spines["top"].set_visible(False)
    for text in above.get_xticklabels():
        text.set_parse_math(False)
    return ""


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
