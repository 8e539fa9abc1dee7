"""Effects on the weight paths of two independent runs. They name both arms, because the measurement reads both."""

from hw1bench.effects.effect import Effect, Runs
from hw1bench.effects.identity import identified
from hw1bench.specs.measurement import Paths


def _measured(runs: Runs, own: str, other: str, name: str) -> float:
    return float(runs[own].result(Paths, own, other)[name])


@identified
def separates(own: str, other: str) -> Effect:
    """A snapshot of ``own`` is farther from the nearest snapshot of ``other`` than from the nearest other snapshot of ``own``."""

    def ratio(runs: Runs) -> float:
        return _measured(runs, own, other, "whole_separation")

    name = (
        f"log(distance to the nearest snapshot of {other} / nearest other of {own}), median over the snapshots of {own}"
    )
    return Effect(name, "log ratio", ratio, (own, other), lambda runs: -ratio(runs))


@identified
def grows_closer(own: str, other: str, *, part: str) -> Effect:
    """The two runs' weights are closer at the end than at initialisation, relative to their length; ``part`` is "whole" or
    "layer1"."""

    def gain(runs: Runs) -> float:
        return _measured(runs, own, other, f"{part}_relative_convergence")

    of = "first layer" if part == "layer1" else "whole model"
    name = f"1 - [d(end) / l(end)] / [d(init) / l(init)], d between {own} and {other}, l their mean length, {of}"
    return Effect(name, "ratio", gain, (own, other), lambda runs: -gain(runs))


@identified
def beyond_random_walk(own: str, other: str) -> Effect:
    """Two principal components explain more of the variance of the path of ``own`` than of 95 % of random walks with its step
    lengths."""
    return Effect(
        f"share of variance of 2 components of the path of {own} - 95th percentile over random walks with its step lengths",
        "share",
        lambda runs: _measured(runs, own, other, "whole_own_share") - _measured(runs, own, other, "whole_walk"),
        (own, other),
    )
