"""The dry run of what an experiment draws and measures."""

from dataclasses import replace

import pytest

from hw1bench import (
    CrossReportFigure,
    JacobianNorm,
    MinimalRatio,
    Model,
    Paths,
)
from hw1bench import effects as fx
from hw1bench.court.rehearsal import faults
from made_claims import FIT, LINE, NET, PAIR, claim, experiment

EXHIBITS = {
    "test loss of a function": (
        experiment(FIT, kinds=["losses"]),
        "figure losses of kind losses needs test_loss, which arm 'a'",
    ),
    "gradient norm": (experiment(FIT, kinds=["loss", "gradient_norm"]), "figure gradient_norm .* needs gradient_norm"),
    "a sweep without the norm": (
        experiment(*PAIR, kinds=["loss_and_jacobian_by_lr"]),
        "needs jacobian, which arm 'a'",
    ),
    "a sweep of full batches": (
        experiment(replace(NET, batch_size=None), measures=(JacobianNorm(),), kinds=["loss_and_jacobian_by_batch"]),
        "needs batch_size, which arm 'a'",
    ),
    "curves of classes": (experiment(NET, kinds=["curves"]), "needs x, truth, prediction"),
    "no path": (experiment(*PAIR, kinds=["path_whole"]), "needs path_accuracy, whole_path"),
    "no line": (experiment(*PAIR, kinds=["interpolation"]), "needs alphas"),
    "two lines from one arm in a figure": (
        experiment(
            *PAIR,
            replace(PAIR[1], name="c"),
            measures=(LINE, replace(LINE, second="c")),
            kinds=["interpolation"],
        ),
        "figure interpolation of kind interpolation finds several results of arm 'a' to draw: name the arms of one",
    ),
    "paths without snapshots": (
        experiment(*PAIR, measures=(Paths(own="a", other="b", mark_every=1),)),
        "experiment T-x: Paths of arm 'a' needs its snapshots",
    ),
    "paths of three snapshots": (
        experiment(
            *(replace(one, snapshots="epoch") for one in PAIR), measures=(Paths(own="a", other="b", mark_every=1),)
        ),
        "needs the same number of snapshots of each, 4 or more, and gets 3 and 3",
    ),
    "paths of other lengths": (
        experiment(
            replace(PAIR[0], snapshots=1),
            replace(PAIR[1], snapshots=2),
            measures=(Paths(own="a", other="b", mark_every=1),),
        ),
        "and gets 11 and 6",
    ),
    "a line between nets of random labels": (
        experiment(*(replace(one, data=replace(one.data, random_labels=True)) for one in PAIR), measures=(LINE,)),
        "needs the labels of its data, and the arm draws labels at random",
    ),
    "accuracy on paths of random labels": (
        experiment(
            *(replace(one, data=replace(one.data, random_labels=True), snapshots=1) for one in PAIR),
            measures=(Paths(own="a", other="b", mark_every=1),),
        ),
        "Paths of arm 'a' needs the labels of its data",
    ),
    "a function's Jacobian": (
        experiment(FIT, measures=(JacobianNorm(),)),
        "needs classes, with a test set, and the arm has sinc",
    ),
    "the curvature of classes": (
        experiment(NET, measures=(MinimalRatio(),)),
        "needs numbers to fit, and the arm has digits",
    ),
    "no norm to start from": (experiment(FIT, measures=(MinimalRatio(),)), "needs its gradient norm"),
    "curvature of dropout": (
        experiment(replace(FIT, gradient_norm="epoch", model=Model("1-5 dropout 5-1")), measures=(MinimalRatio(),)),
        "needs a dense net",
    ),
    "curvature without biases": (
        experiment(replace(FIT, gradient_norm="epoch", model=Model("1-5 nobias 5-1")), measures=(MinimalRatio(),)),
        "needs a net whose layers have biases, and gets layout '1-5 nobias 5-1'",
    ),
    "weights that are not kept": (
        experiment(replace(NET, model=Model("64-14000-10")), measures=(JacobianNorm(),)),
        "which are not kept for 1,050,010 parameters: give a net with 1,000,000 at most",
    ),
    "no quick protocol": (experiment(FIT, quick=False), "experiment T-x has no quick protocol"),
}


@pytest.mark.parametrize(("exhibit", "said"), EXHIBITS.values(), ids=EXHIBITS)
def test_a_figure_of_arrays_that_nothing_records_is_a_fault(exhibit, said):
    found = faults([exhibit], "quick")
    with pytest.raises(ValueError, match=said):
        raise ValueError(*found["T-x"])
    if exhibit.quick is not None:
        assert found == faults([claim(fx.loss_below(1, "a"), exhibit)], "quick")


def test_a_figure_across_reports_is_drawn_from_all_its_experiments():
    across = CrossReportFigure(
        topic="random", title="", kind="memorising", experiments=(experiment(NET), experiment(FIT, name="y"))
    )
    assert faults([across], "full") == {
        across.id: (
            "figure across-random-memorising of kind memorising needs train_accuracy, which arm 'a' does not have: record or "
            "measure them, or give another kind",
        )
    }
