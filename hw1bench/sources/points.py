"""What the experiments on the minimal ratio share: thirteen fits of sinc per seed, taken on to almost zero gradient."""

from dataclasses import replace

from hw1bench.sources.tiers import ONCE
from hw1bench.specs.experiment import Arm, Experiment, Figure, Function, Model, Optimizer, Protocol
from hw1bench.specs.measurement import MinimalRatio
from hw1bench.specs.notation import scaled

POINTS = 13  # times 8 seeds: the 104 points of the chart


def minimal_ratio(
    report: str,
    model: Model,
    optimizer: Optimizer,
    *,
    number: str,
    title: str,
    assumptions: tuple[str, ...],
    quick_model: Model | None = None,
    widths_over: int = 1,
    full_tier_only: str = "",
) -> Experiment:
    """Make the experiment of ``report``: 2,000 full-batch epochs, then the search; its figure has ``number`` and ``title``.

    The quick tier trains ``quick_model``, or the model with its widths divided by ``widths_over``: each step of the search needs
    an eigendecomposition in as many dimensions as there are weights, which takes far more than 10 ms for the full nets. With
    ``full_tier_only``, which says why, it has no protocol.
    """

    def protocol(net: Model, over: int) -> Protocol:
        arms = tuple(
            Arm(
                name=f"point {number}",
                data=Function(name="sinc"),
                model=net,
                loss="mse",
                optimizer=optimizer,
                epochs=2_000,
                independent=True,
                gradient_norm="epoch",
            )
            for number in range(1, POINTS + 1)
        )
        return Protocol(arms=arms, looks=ONCE, widths_over=over, measures=(MinimalRatio(),))

    narrow = replace(model, layout=scaled(model.layout, 1 / widths_over))
    return Experiment(
        report=report,
        name="minratio",
        full=protocol(model, 1),
        quick=None if full_tier_only else protocol(quick_model or narrow, widths_over),
        full_tier_only=full_tier_only,
        assumptions=(
            *assumptions,
            "full batch",
            "300 equally spaced points on [-1, 1]",
            "a seed is 13 independent points; a point whose gradient norm does not fall to 1e-4 of its value at initialisation "
            "is left out, counted and shown",
            "after training, Levenberg-Marquardt steps on the squared gradient norm, then, if these stall, saddle-free Newton "
            "steps on the loss, in float64: the Newton steps lead to minima more often, which favours positive directions",
            "zero eigenvalues: at most 1e-6 of the largest, in absolute value",
        ),
        figures=(Figure(number=number, title=title, kind="ratio_by_loss"),),
    )
