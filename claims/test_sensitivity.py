"""Sensitivity over batch size and learning rate, measured in two ways, with the losses and accuracies beside it."""

from operator import attrgetter

import pytest

from hw1bench import Claim
from hw1bench.effects import falls, highest, rises, unbeaten
from hw1bench.sources import a, b, c

B_WHERE = "Flatness, part 2"
NAMED = {"jacobian": "by the norm of the Jacobian", "reported": "as the report's code measured it"}
MEASURES = {
    "jacobian": "sensitivity: Frobenius norm of the Jacobian of the class probabilities by the input (Novak et al., 2018)",
    "reported": "sensitivity as the report's code measured it: mean norm of the parameter gradients on an epoch's last batch",
}
SWEEPS = {
    "batch": ("batch size", "batch_size", b.BATCH_SWEEP),
    "lr": ("learning rate", "lr", b.LR_SWEEP),
}

CLAIMS = [
    *(
        Claim(
            f"B-{sweep}-sensitivity-falls-{measure}",
            report="B",
            question=title.replace(" ", "-"),
            where=B_WHERE,
            says=f"Sensitivity, {NAMED[measure]}, falls with {title}.",
            experiment=experiment,
            effect=falls(measure, over=setting),
            figure=f"loss_and_{measure}_by_{sweep}",
            assumptions=(how,),
        )
        for sweep, (title, setting, experiment) in SWEEPS.items()
        for measure, how in MEASURES.items()
    ),
    *(
        Claim(
            f"B-{sweep}-{split}-loss-rises",
            report="B",
            question=title.replace(" ", "-"),
            where=B_WHERE,
            says=f"{'Training' if split == 'train' else 'Test'} loss rises with {title}.",
            experiment=experiment,
            effect=rises(f"{split}_loss", over=setting),
            figure=f"loss_and_jacobian_by_{sweep}",
        )
        for sweep, (title, setting, experiment) in SWEEPS.items()
        for split in ("train", "test")
    ),
    *(
        Claim(
            f"B-{sweep}-{split}-accuracy-falls",
            report="B",
            question=title.replace(" ", "-"),
            where=B_WHERE,
            says=f"{'Training' if split == 'train' else 'Test'} accuracy falls with {title}.",
            experiment=experiment,
            effect=falls(f"{split}_accuracy", over=setting),
            figure=f"accuracy_and_jacobian_by_{sweep}",
        )
        for sweep, (title, setting, experiment) in SWEEPS.items()
        for split in ("train", "test")
    ),
    Claim(
        "A-lr-best-1e-2",
        report="A",
        question="learning-rate",
        where="1-3-4",
        says="Test accuracy is best at learning rate 1e-2.",
        experiment=a.LR_SWEEP,
        effect=highest("test_accuracy", "1e-2", among=("5e-2", "5e-3", "1e-3", "1e-4")),
        figure="accuracy_and_jacobian_by_lr",
    ),
    Claim(
        "A-lr-smaller-not-better",
        report="A",
        question="learning-rate",
        where="1-3-4",
        says="Going below learning rate 1e-2 does not raise test accuracy.",
        experiment=a.LR_SWEEP,
        effect=unbeaten("test_accuracy", "1e-2", among=("5e-3", "1e-3", "1e-4")),
        figure="accuracy_and_jacobian_by_lr",
        assumptions=("a tie counts for the claim",),
    ),
    Claim(
        "C-batch-sensitivity-falls-jacobian",
        report="C",
        question="batch-size",
        where="1-3 H part 2",
        says=f"Sensitivity, {NAMED['jacobian']}, falls with batch size.",
        experiment=c.BATCH_SWEEP,
        effect=falls("jacobian", over="batch_size"),
        figure="accuracy_and_jacobian_by_batch",
        assumptions=(MEASURES["jacobian"],),
        origin="ours",
    ),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_sensitivity(claim, court):
    court.judge(claim)
