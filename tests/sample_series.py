"""Series that the tests of the charts share, and what they ask of the axes that are drawn."""

import numpy as np

from hw1bench.report.figures import Series

X = np.linspace(-1, 1, 50)


def arm(name="fit-7", runs=8, epochs=40, **changed):
    """A net that learns, with the arrays of every kind; `changed` replaces what a test is about."""
    spread = np.linspace(1, 2, runs)[:, None]
    falling = np.geomspace(1.0, 1e-4, epochs + 1) * spread
    rising = np.linspace(0.1, 1.0, epochs + 1) / spread
    fit = {"x": X, "truth": np.sin(X), "prediction": np.sin(X) + np.linspace(-0.1, 0.1, runs)[:, None]}
    losses = {"train_loss": falling, "test_loss": 2 * falling}
    accuracies = {"train_accuracy": rising, "test_accuracy": rising / 2}
    counts = {"parameters": np.asarray(1000), "steps": 23 * np.arange(epochs + 1)}
    gradient = {"gradient_norm": np.sqrt(falling), "step_loss": np.repeat(falling[:, 1:], 3, axis=1)}
    return Series(name, fit | losses | accuracies | counts | gradient | changed)


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def bands(axes):
    """The band of each arm: its lowest and highest y at every x."""
    found = []
    for band in axes.collections:
        points = np.concatenate([path.vertices for path in band.get_paths()])
        found.append(
            {x: (points[points[:, 0] == x, 1].min(), points[points[:, 0] == x, 1].max()) for x in points[:, 0]}
        )
    return found
