"""Remarks on a verdict, in a sentence, from the runs that it rests on: nets that hardly learnt, points left out."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from hw1bench.measures import learning
from hw1bench.records.runs import Run
from hw1bench.specs.measurement import MinimalRatio

Seeds = Sequence[Mapping[str, Run]]  # for each seed its run of every arm


def remarks(seeds: Seeds) -> str:
    """All remarks on ``seeds``; '' if there are none."""
    return " ".join(filter(None, (near_chance(seeds), left_out(seeds))))


def near_chance(seeds: Seeds) -> str:
    """Which nets hardly learnt: nets whose final training accuracy on true labels, as a median over ``seeds``, is below 1.5
    times the accuracy of guessing among ten classes (for others see ``learning.over_guessing``). Verdicts that compare such nets
    say little."""
    found = []
    for name, run in seeds[0].items():
        if not run.arm.data.regression and not run.arm.random_labels:
            accuracy = median(float(runs[name].arrays["train_accuracy"][-1]) for runs in seeds)
            if accuracy < learning.over_guessing(run.facts["classes"], 1.5):
                found.append(f"{name} ({accuracy:.0%})")
    if not found:
        return ""
    return f"Near chance in training accuracy at the end: {', '.join(found)}. Comparisons of such nets say little."


def left_out(seeds: Seeds) -> str:
    """How many points did not reach almost zero gradient, and how far they got; how many reached it with a constant fit."""
    points = [
        (result.arrays, run.facts)
        for runs in seeds
        for run in runs.values()
        for result in run.results
        if isinstance(result.measurement, MinimalRatio)
    ]
    if not points:
        return ""
    ratios = [float(point["norm_ratio"]) for point, _ in points if not bool(point["reached"])]
    text = f"{len(points) - len(ratios)} of {len(points)} points reached almost zero gradient"
    if ratios:
        defined = [ratio for ratio in ratios if not math.isnan(ratio)]
        ends = " to ".join(f"{ratio:.1e}" for ratio in sorted({min(defined), max(defined)})) if defined else "undefined"
        rest = f"other {len(ratios)} are left out: their" if len(ratios) > 1 else "other is left out: its"
        text += f"; the {rest} gradient norm ended at {ends} of its value at initialisation"
        if 0 < len(defined) < len(ratios):
            text += f", undefined in {len(ratios) - len(defined)}"
    constant = sum(_constant(point, facts["target_variance"]) for point, facts in points)
    if constant:
        text += f". Constant fits among these: {constant}. Their units died in training, and their output is fixed"
    return f"{text}."


def _constant(point: Mapping[str, np.ndarray], variance: float) -> bool:
    """Whether a point was reached and its net outputs the mean of the targets, whose variance is given, everywhere."""
    return bool(point["reached"]) and abs(float(point["stationary_loss"]) / variance - 1) < 1e-3


def diverged_where(values: Sequence[float], seeds: Seeds) -> str:
    """Which arms diverged in the seeds whose effect is undefined: '; of those, arm a diverged in 3'; '' if none did."""
    undefined = [runs for value, runs in zip(values, seeds, strict=True) if math.isnan(value)]
    found = Counter(name for runs in undefined for name, run in runs.items() if run.diverged)
    where = ", ".join(f"arm {name} diverged in {times}" for name, times in found.items())
    return f"; of those, {where}" if where else ""
