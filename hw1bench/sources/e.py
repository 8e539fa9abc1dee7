"""Report E (Clemson CPSC-8430, code published): ReLU, Adam 1e-3 and SGD, MNIST."""

from collections.abc import Mapping
from dataclasses import replace

from hw1bench.measures.line import grid
from hw1bench.sources.tiers import AT_ENDS, LOOKS, MNIST, ONCE, interpolation, path_figures, paths, quick
from hw1bench.specs.evaluation import EVERY_EPOCH, Evaluation
from hw1bench.specs.experiment import Arm, Experiment, Figure, Function, Images, Model, Optimizer, Protocol, both_tiers
from hw1bench.specs.report import Report

REPORT = Report("E", title="ReLU, Adam 1e-3 and SGD, MNIST", source="Clemson CPSC-8430, homework 1, code published")

FIT_0_STATED = Model("[5,10,10,10,5]")  # the layout in the report; its code has one more hidden layer of 10
FIT_0 = Model("[5,10,10,10,10,5]")
FIT_1 = Model("[10,18,15,4]")
FIT_2 = Model("[190]")
CNN_0 = Model("C(1-16-32,5,p2,pool2) 1568-128-10")
CNN_1 = Model("C(1-32-64-128,3,p1,pool2) 1152-256-10")
SIZE_1 = Model("C(1-8,3,p1) 6272-10")
SIZE_10 = Model("C(1-256-512-1024,3,p1,pool2) 9216-1024-512-10")

ADAM = Optimizer(name="adam", lr=1e-3)


def _fit(function: str, name: str) -> Experiment:
    arms = [
        Arm(name=arm, data=Function(name=function, points=1000), model=model, loss="mse", optimizer=ADAM, epochs=20_000)
        for arm, model in (("net 0, 6 layers", FIT_0), ("net 1, 4 layers", FIT_1), ("net 2, 1 layer", FIT_2))
    ]
    return Experiment(
        report="E",
        name=f"fit-{name}",
        **both_tiers(arms),
        assumptions=(
            "full batch (code)",
            "1,000 equally spaced points on [-1, 1] (code)",
            "net 0 has the hidden widths of the code, [5,10,10,10,10,5], 461 parameters",
            "MSE; torch's default initialisation",
        ),
        figures=(
            Figure(number="-", title=f"HW1: {name} ({function}), training loss", kind="loss"),
            Figure(number="-", title=f"HW1: {name} ({function}), fitted curves", kind="curves"),
        ),
    )


FIT_F1 = _fit("sinc", "f1")
FIT_F2 = _fit("sgn", "f2")


SYMMETRIC = replace(MNIST, mean=(0.5,), deviation=(0.5,))  # inputs to [-1, 1]


def _mnist(models: Mapping[str, Model], *, batch_size: int, evaluation: Evaluation = EVERY_EPOCH) -> tuple[Arm, ...]:
    return tuple(
        Arm(
            name=name,
            data=SYMMETRIC,
            model=model,
            loss="cross_entropy",
            optimizer=ADAM,
            epochs=10,
            batch_size=batch_size,
            evaluation=evaluation,
        )
        for name, model in models.items()
    )


_TASK = Protocol(arms=_mnist({"CNN-0": CNN_0, "CNN-1": CNN_1}, batch_size=64), looks=LOOKS)
TASK = Experiment(
    report="E",
    name="task",
    full=_TASK,
    # Learnt by epoch 1; half of the report's epochs with a quarter of its widths, 11 s.
    quick=quick(_TASK, epochs=5, widths_over=4),
    assumptions=(
        "batch 64, inputs normalised to [-1, 1], kernels of 5 and 3 (code)",
        "cross-entropy, no augmentation; torch's default initialisation",
    ),
    figures=(
        Figure(number="-", title="HW1: loss of the two CNNs", kind="losses"),
        Figure(number="-", title="HW1: accuracy of the two CNNs", kind="accuracies"),
    ),
)

_PATHS = paths(
    replace(
        _mnist({"784-128-64-10": Model("784-128-64-10")}, batch_size=64)[0],
        optimizer=Optimizer(name="sgd", lr=0.01),
        epochs=9,
    ),
    snapshots="epoch",
    mark_every=3,
    evaluation=Evaluation(test="ends"),  # the best training accuracy of all epochs is claimed
)
PATHS = Experiment(
    report="E",
    name="path",
    full=_PATHS,
    # Learnt by epoch 4; the report's net and epochs, 6 s.
    quick=quick(_PATHS, epochs=9, looks=ONCE),
    assumptions=(
        "batch 64, inputs normalised to [-1, 1] (code)",
        "weights before training and after every epoch",
        "cross-entropy; SGD without momentum; torch's default initialisation",
    ),
    figures=path_figures(("-", "HW1-2: weight paths, whole model"), ("-", "HW1-2: weight paths, first layer")),
)

_GRADIENT = Protocol(
    arms=(
        Arm(
            name="784-128-64-10",
            data=SYMMETRIC,
            model=Model("784-128-64-10"),
            loss="cross_entropy",
            optimizer=Optimizer(name="sgd", lr=0.01),
            epochs=5,
            batch_size=64,
            gradient_norm="step",
            evaluation=Evaluation(test="ends"),  # the training loss is read at a share of the budget
        ),
    ),
    looks=LOOKS,
)
GRADIENT = Experiment(
    report="E",
    name="grad",
    full=_GRADIENT,
    # Half of the report's 4,690 steps, because its claims are about stages of training: 13 s. Learnt by epoch 4.
    quick=quick(_GRADIENT, epochs=38),
    assumptions=(
        "inputs normalised to [-1, 1] (code)",
        "norm and loss of the batch, before each step",
        "no augmentation; cross-entropy; SGD without momentum; torch's default initialisation",
    ),
    figures=(
        Figure(number="-", title="HW1-2: gradient norm", kind="gradient_norm"),
        Figure(number="-", title="HW1-2: loss of the batch", kind="step_loss"),
    ),
)

LENET = Model("C(1-6-16,5,pool2) 400-120-84-10")
_RANDOM = Protocol(
    arms=(
        Arm(
            name="LeNet",
            data=Images(name="mnist", size=32, mean=(0.1307,), deviation=(0.3081,), random_labels=True),
            model=LENET,
            loss="cross_entropy",
            optimizer=Optimizer(name="sgd", lr=0.01),
            epochs=10,
            batch_size=64,
        ),
    ),
    looks=LOOKS,
)
RANDOM_LABELS = Experiment(
    report="E",
    name="random",
    full=_RANDOM,
    # For the figure across reports alone, 4 s: the labels are not learnt. In 75 epochs with the report's net, half of its steps,
    # they are in 4 of 8 seeds, and that takes 90 s.
    quick=quick(_RANDOM, epochs=10, widths_over=2),
    assumptions=(
        "LeNet with 6 and 16 maps of 5x5 (code; the report writes 6x6 and 16x16)",
        "batch 64; normalised by .1307 and .3081 (code)",
        "images resized to 32x32 bilinearly",
        "cross-entropy; SGD without momentum; torch's default initialisation",
    ),
    figures=(
        Figure(number="-", title="HW1-3: random labels, training and test loss", kind="losses"),
        Figure(number="-", title="HW1-3: random labels, training and test accuracy", kind="accuracies"),
    ),
)

SIZE_MODELS = {
    "model 1": SIZE_1,
    "model 2": Model("C(1-16-32,3,p1,pool2) 1568-10"),
    "model 3": Model("C(1-32-64,3,p1,pool2) 3136-128-10"),
    "model 4": Model("C(1-32-64,3,p1,pool2) 3136-256-128-10"),
    "model 5": Model("C(1-64-128,3,p1,pool2) 6272-256-128-10"),
    "model 6": Model("C(1-64-128-256,3,p1,pool2) 2304-256-128-10"),
    "model 7": Model("C(1-64-128-256,3,p1,pool2) 2304-512-256-10"),
    "model 8": Model("C(1-128-256-512,3,p1,pool2) 4608-512-256-10"),
    "model 9": Model("C(1-128-256-512,3,p1,pool2) 4608-1024-512-10"),
    "model 10": SIZE_10,
}
_SIZE = Protocol(arms=_mnist(SIZE_MODELS, batch_size=128, evaluation=AT_ENDS), looks=ONCE)
SIZE = Experiment(
    report="E",
    name="size",
    full=_SIZE,
    quick=None,
    # Divided by 7, model 10 alone takes 34 s per epoch.
    full_tier_only="the arms would be in another order by parameters: with widths divided by 8, model 3 has fewer than model 1",
    assumptions=(
        "ten CNNs, Adam 1e-3, batch 128, 10 epochs, inputs normalised to [-1, 1] (code)",
        "cross-entropy, no augmentation; torch's default initialisation",
    ),
    figures=(
        Figure(number="-", title="HW1-3: loss against number of parameters", kind="loss_by_size"),
        Figure(number="-", title="HW1-3: accuracy against number of parameters", kind="accuracy_by_size"),
    ),
)

ENDS = ("Adam 1e-3, batch 64", "Adam 1e-2, batch 1024")
_FLAT = Arm(
    name=ENDS[0],
    data=MNIST,
    model=Model("784-512-10"),
    loss="cross_entropy",
    optimizer=ADAM,
    epochs=5,
    batch_size=64,
)
_INTERPOLATION = interpolation(
    [(_FLAT, replace(_FLAT, name=ENDS[1], optimizer=replace(ADAM, lr=1e-2), batch_size=1024))], grid(-1, 2, 50)
)
INTERPOLATION = Experiment(
    report="E",
    name="interp",
    full=_INTERPOLATION,
    # Learnt by epoch 1; half of the report's steps, in fewer of which the nets stay nearer to each other, with half of its
    # widths, 45 s.
    quick=quick(_INTERPOLATION, epochs=38, widths_over=2),
    assumptions=(
        "5 epochs; 50 alphas from -1 to 2, and 0 and 1 besides (code)",
        "images scaled to [0, 1], no augmentation; cross-entropy; torch's default initialisation",
    ),
    figures=(Figure(number="-", title="HW1-3: the line between the two nets", kind="interpolation"),),
)
