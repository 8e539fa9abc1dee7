"""Series that the tests of the charts share, and what they read from the axes that are drawn."""

import numpy as np
from matplotlib.figure import Figure

from hw1bench.measures.line import grid
from hw1bench.report.charts.lines import ENDS
from hw1bench.report.charts.mark import Mark
from hw1bench.report.figures import KINDS, Series

X = np.linspace(-1, 1, 50)
NAMED = (
    Mark("train_loss", x=25.0, y=1e-2, arm="sinc, 7 layers"),
    Mark("train_loss", x=31.0, y=1e-3, arm="sinc, 1 layer", claimed=True),
    Mark("train_accuracy", y=0.15),
    Mark("test_accuracy", y=0.48, arm="sinc, 1 layer", claimed=True),
    Mark("epoch", span=(0.0, 0.1), of_budget=True),
    Mark("stop", x=30.0, arm="sinc, 1 layer", within=0.2, claimed=True),
    Mark("alpha", x=0.5),
    Mark("barrier", y=0.02),
    Mark("accuracy", arm="sinc, 1 layer"),
)
SAMPLES = {
    "one": ("net",),
    "few": ("sinc, 7 layers", "sinc, 4 layers", "sinc, 1 layer"),
    "long": ("784-256-256-256-10, first of the two", "784-10-10, second", "sinc, 1 layer"),
    "many": tuple(f"784-{width}-10" for width in range(11)),
}


def arm(name="fit-7", runs=8, epochs=40, **changed):
    """A net that learns, with the arrays of every kind; ``changed`` replaces what a test is about."""
    spread = np.linspace(1, 2, runs)[:, None]
    falling = np.geomspace(1.0, 1e-4, epochs + 1) * spread
    rising = np.linspace(0.1, 1.0, epochs + 1) / spread
    fit = {
        "x": X,
        "truth": np.sin(X),
        "target_variance": np.sin(X).var(),
        "prediction": np.sin(X) + np.linspace(-0.1, 0.1, runs)[:, None],
    }
    losses = {"train_loss": falling, "test_loss": 2 * falling}
    accuracies = {"train_accuracy": rising, "test_accuracy": rising / 2}
    counts = {"parameters": np.asarray(1000), "steps": 23 * np.arange(epochs + 1)}
    gradient = {"gradient_norm": np.sqrt(falling), "step_loss": np.repeat(falling[:, 1:], 3, axis=1)}
    own = paths(runs) | stationary(runs) | mixed(runs) | kept(runs)
    return Series(name, fit | losses | accuracies | counts | gradient | own | changed)


def nets(*names):
    """Nets of different sizes and settings, some of whose runs are dead or diverged."""
    found = []
    for index, name in enumerate(names):
        one = arm(
            name,
            **(kept(batch_size=16 * 4**index, lr=10.0 ** (index - 4)) | {"parameters": np.asarray(900 * 3**index)}),
        )
        losses = one.arrays["train_loss"].copy()
        losses[0, 20:] = np.nan
        fits = one.arrays["prediction"].copy()
        fits[1] = 0.0
        found.append(Series(name, {**one.arrays, "train_loss": losses, "prediction": fits}))
    return found


def paths(runs=8, snapshots=13, marked=3):
    """Straight paths of the whole net from the origin, one direction per run; of the first layer twice as far."""
    way = 2 * np.pi * np.arange(runs) / runs
    whole = np.linspace(0, 1, snapshots)[:, None] * np.stack([np.cos(way), np.sin(way)], axis=1)[:, None]
    accuracy = np.full((runs, snapshots), np.nan)
    accuracy[:, ::marked] = np.linspace(0.1, 0.973, len(range(0, snapshots, marked)))
    arrays = {"path_accuracy": accuracy}
    for part, places in (("whole", whole), ("layer1", 2 * whole)):
        arrays |= {f"{part}_path": places, f"{part}_shares": np.tile([0.374, 0.211], (runs, 1))}
        arrays |= {f"{part}_convergence": np.full(runs, -0.2), f"{part}_relative_convergence": np.full(runs, 0.4)}
        arrays |= {f"{part}_own_share": np.linspace(0.7, 0.9, runs), f"{part}_walk": np.full(runs, 0.78)}
    return arrays


def stationary(runs=8):
    """Points of almost zero gradient, all of them reached but the last."""
    shares = {"above": [0.3, 0.5, 0.7], "within": [0.6, 0.4, 0.1], "below": [0.1, 0.1, 0.2]}
    arrays = {name: np.tile(row, (runs, 1)) for name, row in shares.items()}
    reached = np.arange(runs) < runs - 1
    return arrays | {
        "gauss_newton_above": arrays["above"] - 0.1,
        "stationary_loss": np.geomspace(1e-5, 1e-1, runs),
        "reached": reached.astype(float),
        "norm_ratio": np.where(reached, 1e-5, 3e-3),
        "descended": (np.arange(runs) < 2).astype(float),
    }


def mixed(runs=8):
    """Nets between two: a test error of 0.1 at the ends and up to 0.4 (first run) to 0.5 (last) half way."""
    alphas = grid(-1, 2, 31)
    bump = np.where((alphas > 0) & (alphas < 1), 1 - np.abs(2 * alphas - 1), 0)
    accuracy = 0.9 - bump * np.linspace(0.3, 0.4, runs)[:, None]
    return {
        "alphas": np.tile(alphas, (runs, 1)),
        "mixed_train_loss": 1.0 - accuracy,
        "mixed_test_loss": 1.1 - accuracy,
        "mixed_train_accuracy": accuracy + 0.1,
        "mixed_test_accuracy": accuracy,
    }


def kept(runs=8, batch_size=64, lr=1e-3, jacobian=5.0, reported=0.1):
    """An arm of a sweep; medians are the values given."""
    spread = np.linspace(0.9, 1.1, runs)
    return {
        "batch_size": np.asarray(batch_size),
        "lr": np.asarray(lr),
        "kept_train_loss": 0.01 * spread,
        "kept_test_loss": 0.1 * spread,
        "kept_train_accuracy": 0.9 * spread,
        "kept_test_accuracy": 0.8 * spread,
        "jacobian": jacobian * spread,
        "reported": reported * spread,
    }


def drawn(kind, *series):
    """The axes of a chart, and the heading of its legend."""
    axes = Figure().add_subplot()
    return axes, KINDS[kind](axes, series)


def legend(axes):
    return axes.get_legend_handles_labels()[1]


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def shown(axes):
    """The median lines: those that are neither the thin lines of seeds nor entries of the legend alone."""
    return [
        line
        for line in axes.lines
        if line.get_linewidth() > 0.5 and line.get_linestyle() != "None" and len(line.get_xdata()) > 2
    ]


def each_seed(axes):
    """The thin lines of seeds: pairs of a colour and the lines in it, (seeds, points, 2)."""
    found = []
    for line in axes.lines:
        if line.get_linewidth() == 0.5:
            ends = np.flatnonzero(np.isnan(line.get_ydata()))
            points = line.get_xydata()
            length = int(ends[0]) + 1 if len(np.unique(np.diff(ends))) <= 1 else None
            found.append((line.get_color(), points.reshape(-1, length, 2)[:, :-1] if length else points))
    return found


def beside(axes):
    """The names right of the axes, at the ends of their lines."""
    return [text.get_text() for text in axes.texts if text.get_label() == ENDS]


def bands(axes):
    """The band of each arm: its lowest and highest y at every x."""
    found = []
    for band in axes.collections:
        points = np.concatenate([path.vertices for path in band.get_paths()])
        found.append(
            {x: (points[points[:, 0] == x, 1].min(), points[points[:, 0] == x, 1].max()) for x in points[:, 0]}
        )
    return found
