"""Report D (course not named): ReLU, RMSprop, three functions, MNIST."""

from collections.abc import Mapping
from dataclasses import replace

from hw1bench.sources.points import minimal_ratio
from hw1bench.sources.tiers import AT_ENDS, FOR_CURVES, LOOKS, MNIST, ONCE, RACE, path_figures, paths, quick
from hw1bench.specs.evaluation import EVERY_EPOCH, Evaluation
from hw1bench.specs.experiment import Arm, Experiment, Figure, Function, Images, Model, Optimizer, Protocol, both_tiers
from hw1bench.specs.report import Report

REPORT = Report("D", title="ReLU, RMSprop, three functions, MNIST", source="a course not named")

FIT_8 = Model("[5,5,10,12,10,12,12,15]")
FIT_4 = Model("[5,20,15,18]")
FIT_2 = Model("[24,27]")

CNN_1 = Model("C(1-16-32,4,pool2) 512-10")
CNN_2 = Model("C(1-8-16-32-64,4,p2,pool2) 256-10")
CNN_3 = Model("C(1-32-64,4,pool2) 1024-128-10")

RMSPROP = Optimizer(name="rmsprop", lr=1.2e-3, weight_decay=1e-4)


def _fit(function: Function, numbers: tuple[str, str, str]) -> Experiment:
    arms = [
        Arm(name=name, data=function, model=model, loss="mse", optimizer=RMSPROP, epochs=20_000)
        for name, model in (("8 layers", FIT_8), ("4 layers", FIT_4), ("2 layers", FIT_2))
    ]
    shape, loss, curves = numbers
    return Experiment(
        report="D",
        name=f"fit-{function.name}",
        **both_tiers(arms),
        assumptions=(
            "full batch",
            f"300 equally spaced points on [{function.low:g}, {function.high:g}]",
            "hidden widths reconstructed from the parameter counts 861, 752, 751",
            *(["convergence means a training loss of at most 1e-4"] if function.name == "sinc" else []),
            "MSE; torch's default initialisation and RMSprop defaults",
        ),
        figures=(
            Figure(number=shape, title=f"The function {function.name}", kind="function"),
            Figure(number=loss, title=f"Training loss, {function.name}", kind="loss"),
            Figure(number=curves, title=f"Predictions, {function.name}", kind="curves"),
        ),
    )


FIT_SINC = _fit(Function(name="sinc"), ("-", "-", "-"))
FIT_SGN = _fit(Function(name="sgn"), ("2.1", "2.2", "2.3"))
FIT_SIGMOID = _fit(Function(name="sigmoid", low=-10.0, high=10.0), ("3.1", "3.2", "3.3"))


GRADIENT = Experiment(
    report="D",
    name="grad",
    **both_tiers(
        [
            Arm(
                name="4 layers",
                data=Function(name="sinc"),
                model=FIT_4,
                loss="mse",
                optimizer=RMSPROP,
                epochs=600,
                gradient_norm="epoch",
            )
        ]
    ),
    assumptions=(
        "the report's net with four hidden layers",
        "full batch",
        "300 equally spaced points on [-1, 1]",
        "the norm of the whole gradient on the training set, after each epoch",
        "MSE; torch's default initialisation and RMSprop defaults",
    ),
    figures=(
        Figure(number="2.2.1", title="Gradient norm", kind="gradient_norm"),
        Figure(number="2.2.2", title="Training loss", kind="loss"),
    ),
)


MINIMAL_RATIO = minimal_ratio(
    "D",
    Model("[5,10,10,10,10,10,5]"),
    Optimizer(name="rmsprop", lr=1.2e-3),
    number="2.3.1",
    title="Minimal ratio against loss",
    assumptions=(
        "the report's seven-layer net has the hidden widths of report A's net, [5,10,10,10,10,10,5]",
        "RMSprop 1.2e-3 without decay for 2,000 epochs",
        "MSE; torch's default initialisation and RMSprop defaults",
    ),
    full_tier_only="arms would not learn: with widths divided by 2, nine of 13 points do not lose a fifth of their loss",
)


def _mnist(
    models: Mapping[str, Model],
    *,
    epochs: int,
    weight_decay: float = 0.0,
    data: Images = MNIST,
    evaluation: Evaluation = EVERY_EPOCH,
) -> tuple[Arm, ...]:
    return tuple(
        Arm(
            name=name,
            data=data,
            model=model,
            loss="cross_entropy",
            optimizer=Optimizer(name="adam", lr=1e-3, weight_decay=weight_decay),
            epochs=epochs,
            batch_size=64,
            evaluation=evaluation,
        )
        for name, model in models.items()
    )


_IMAGES = "images scaled to [0, 1], no augmentation; cross-entropy; torch's default initialisation"

_TASK = Protocol(
    arms=_mnist({"CNN-1": CNN_1, "CNN-2": CNN_2, "CNN-3": CNN_3}, epochs=15, weight_decay=1e-4), looks=LOOKS
)
TASK = Experiment(
    report="D",
    name="task",
    full=_TASK,
    quick=None,
    full_tier_only=RACE,
    assumptions=(
        "Adam, batch 64",
        "layouts: CNN-1 16-32 channels, CNN-2 8-16-32-64 with padding 2, CNN-3 32-64 and a hidden layer of 128",
        _IMAGES,
    ),
    figures=(
        Figure(number="1.2.1", title="Loss of the three CNNs", kind="losses"),
        Figure(number="1.2.2", title="Accuracy of the three CNNs", kind="accuracies"),
    ),
)

_PATHS = paths(
    _mnist({"784-128-64-10": Model("784-128-64-10")}, epochs=16)[0],
    snapshots=100,
    mark_every=10,
    evaluation=FOR_CURVES,
)
PATHS = Experiment(
    report="D",
    name="path",
    full=_PATHS,
    # Learnt by epoch 1; the report's epochs, with ten snapshots, 11 s.
    quick=quick(_PATHS, epochs=16, looks=ONCE),
    assumptions=(
        "784-128-64-10, Adam, batch 64",
        "8 runs",
        "weights before training and after every 100 steps",
        _IMAGES,
    ),
    figures=(
        Figure(number="2.1.1", title="Loss of one net", kind="losses", arms=("a",)),
        Figure(number="2.1.3", title="Accuracy of one net", kind="accuracies", arms=("a",)),
        *path_figures(("2.1.4 (weights: 2.1.2)", "Weight paths, whole model"), ("2.1.5", "Weight paths, first layer")),
    ),
)

_RANDOM = Protocol(
    arms=_mnist({"CNN-1": CNN_1}, epochs=50, data=replace(MNIST, random_labels=True), evaluation=FOR_CURVES),
    looks=LOOKS,
)
RANDOM_LABELS = Experiment(
    report="D",
    name="random",
    full=_RANDOM,
    # Learnt by epoch 8, 7 s. The report's widths learn in 7 of 8 seeds in 6 epochs, which take 11 s.
    quick=quick(_RANDOM, epochs=12, widths_over=2),
    assumptions=("CNN-1 of the report's task; Adam 1e-3, batch 64, 50 epochs", _IMAGES),
    figures=(
        Figure(number="3.1.1", title="Random labels: training and test loss", kind="losses"),
        Figure(number="3.1.1", title="Random labels: training and test accuracy", kind="accuracies"),
    ),
)

_SIZES = {f"c = {c}": Model(f"C(1-{c}-{2 * c},4,pool2) {32 * c}-10") for c in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)}
_SIZE = Protocol(arms=_mnist(_SIZES, epochs=10, evaluation=AT_ENDS), looks=ONCE)
SIZE = Experiment(
    report="D",
    name="size",
    full=_SIZE,
    # The three nets that the claim compares. Learnt by epoch 5, in c = 1; half of the widths, 12 s.
    quick=quick(_SIZE, epochs=6, widths_over=2, keep=("c = 1", "c = 6", "c = 32"), looks=ONCE),
    assumptions=(
        "layouts C(1,c,4) pool2 C(c,2c,4) pool2 32c-10 for c = 1, 2, 3, 4, 6, 8, 12, 16, 24, 32",
        "Adam 1e-3, batch 64, 10 epochs",
        _IMAGES,
    ),
    figures=(
        Figure(number="-", title="3.2: loss against number of parameters", kind="loss_by_size"),
        Figure(number="-", title="3.2: accuracy against number of parameters", kind="accuracy_by_size"),
    ),
)
