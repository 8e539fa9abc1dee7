"""Report B (Clemson CPSC-8430, code published): leaky ReLU, CIFAR-10, batch-size and learning-rate sweeps."""

from hw1bench.experiment import Arm, Experiment, Figure, Function, Model, Optimizer, Protocol

FIT_7 = Model("[1,5,10,10,10,10,10,5]", activation="leaky_relu")
FIT_4 = Model("[1,10,18,15,4]", activation="leaky_relu")
FIT_1 = Model("[1,190]", activation="leaky_relu")

ADAM = Optimizer(name="adam", lr=4e-4, weight_decay=1e-4)
_NETS = {"7 layers": FIT_7, "4 layers": FIT_4, "1 layer": FIT_1}


def _fit_arms(epochs: dict[str, int]) -> tuple[Arm, ...]:
    return tuple(
        Arm(
            name=f"{function}, {name}",
            data=Function(name=function),
            model=model,
            loss="mse",
            optimizer=ADAM,
            epochs=budget,
            batch_size=1,
        )
        for function, budget in epochs.items()
        for name, model in _NETS.items()
    )


SINC_ARMS = tuple(f"sinc, {name}" for name in _NETS)
SGN_ARMS = tuple(f"sgn, {name}" for name in _NETS)

# Both functions in one experiment: the report compares a net on one with the same net on the other.
FIT = Experiment(
    report="B",
    name="fit",
    full=Protocol(arms=_fit_arms({"sinc": 20_000, "sgn": 20_000}), looks=(8, 16, 32)),  # the report's budget
    quick=Protocol(arms=_fit_arms({"sinc": 2_500, "sgn": 20_000}), looks=(8, 16)),  # its code's
    assumptions=(
        "batch 1, reshuffled every epoch (code)",
        "300 equally spaced points on [-1, 1]; sgn is sign(sin(5 pi x)) (code)",
        "quick tier: the code's budgets, 2,500 epochs for sinc and 20,000 for sgn; full tier: the report's 20,000",
        "hidden widths from the code; leaky ReLU with slope 0.01",
        "MSE over the whole set after each epoch; torch's default initialisation",
    ),
    figures=(
        Figure(number="1", title="The function sinc", kind="function", name="function_sinc", arms=SINC_ARMS),
        Figure(number="2", title="Training loss, sinc", kind="loss", name="loss_sinc", arms=SINC_ARMS),
        Figure(number="2a", title="Training loss with the stopping rule, sinc", kind="stopping", arms=SINC_ARMS),
        Figure(number="3", title="Fitted curves, sinc", kind="curves", name="curves_sinc", arms=SINC_ARMS),
        Figure(number="4", title="The function sgn", kind="function", name="function_sgn", arms=SGN_ARMS),
        Figure(number="5", title="Training loss, sgn", kind="loss", name="loss_sgn", arms=SGN_ARMS),
        Figure(number="6", title="Fitted curves, sgn", kind="curves", name="curves_sgn", arms=SGN_ARMS),
    ),
)

# The softmax stands before cross-entropy, as in the report's code. One of its tables gives padding 1, which its own
# Linear(3600, 10) contradicts.
CIFAR_1 = Model("C(3-16,3,pool2) 3600-10 softmax")
# "33,16" in its table is read as 32,16.
CIFAR_2 = Model("C(3-16-32-64-32-16,3,p1,pool2) 16-10")
CIFAR_7 = Model("C(3-32-64,3,p1,pool2) 4096-100-10")
RANDOM = Model("1024-128-128-10")


def _size(*channels: int) -> Model:
    return Model(f"C({'-'.join(map(str, (3, *channels)))},3,p1,pool2) {channels[-1]}-10")


# The size sweep by the report's tables: number of the model -> network.
SIZE = {
    21: _size(8, 10, 20, 25, 16),
    22: _size(16, 10, 20, 25, 16),
    23: _size(16, 10, 32, 20, 16),
    24: _size(16, 25, 20, 25, 16),
    25: _size(16, 64, 20, 24, 16),
    26: _size(16, 128, 20, 30, 16),
    27: _size(16, 128, 20, 64, 16),
    28: _size(16, 128, 20, 100, 16),
    29: _size(16, 128, 20, 128, 16),
    30: _size(16, 128, 20, 128, 16),
    31: _size(16, 256, 128, 64, 32),
}
