"""Report C (NTU MLDS, group report): tanh, layer tables printed by Keras, MNIST and CIFAR-10."""

from hw1bench.experiment import Arm, Experiment, Figure, Function, Model, Optimizer, both_tiers

# Keras's defaults: Glorot uniform weights, zero biases, Adam with epsilon 1e-7.
ADAM = Optimizer(name="adam", lr=1e-3, eps=1e-7)


def _net(hidden: str) -> Model:
    return Model(f"{hidden} tanh", activation="tanh", init="keras")


FIT_1 = _net("[1,5,5,5,10,10,10,5,1,1,10,18,15,4]")
FIT_2 = _net("[1,5,5,5,10,10,10,5,1,1,10,10,10,4,1,1,93]")
FIT_3 = _net("[1,5,10,10,29,10,10,6]")

MNIST_1 = Model("C(1-16-32-64-128,3,p1,pool2) dropout 128-1024-505 dropout 505-10", init="keras")
MNIST_2 = Model(
    "C(1-16-16,3,p1) pool2 C(16-32-32,3,p1) pool2 C(32-64-64,3,p1) pool2 C(64-128-128,3,p1) pool2 "
    "dropout 128-1024-275-128-64-16 dropout 16-10",
    init="keras",
)
MNIST_3 = Model(
    "C(1-4-4,3,p1) pool2 C(4-8-8,3,p1) pool2 C(8-16-16,3,p1) pool2 C(16-32-32,3,p1) pool2 "
    "dropout 32-1024-512-256-128-64-32 dropout 32-10",
    init="keras",
)
CIFAR_1 = Model("C(3-16-16,3,p1) pool2 C(16-32-64-128,3,p1,pool2) dropout 512-1024-198 dropout 198-10", init="keras")
CIFAR_2 = Model(
    "C(3-16,3,p1) dropout(0.25) C(16-16,3,p1) pool2 C(16-32,3,p1) dropout(0.25) C(32-32,3,p1) pool2 "
    "C(32-64,3,p1) dropout(0.25) C(64-64,3,p1) pool2 C(64-128,3,p1) dropout(0.25) C(128-128,3,p1) pool2 "
    "dropout 512-1024 dropout 1024-10",
    init="keras",
)
CIFAR_3 = Model("C(3-8-16-32,3,p1,pool2) dropout 512-1024-256-128-20 dropout 20-10", init="keras")


def _fit(function: str) -> Experiment:
    arms = [
        Arm(name=name, data=Function(name=function), model=model, loss="mse", optimizer=ADAM, epochs=20_000)
        for name, model in (("net 1, 15 layers", FIT_1), ("net 2, 18 layers", FIT_2), ("net 3, 9 layers", FIT_3))
    ]
    return Experiment(
        report="C",
        name=f"fit-{function}",
        **both_tiers(arms),
        assumptions=(
            "full batch",
            "300 equally spaced points on [-1, 1]",
            "Adam 1e-3 for 20,000 epochs",
            "MSE; Keras's defaults: Glorot uniform weights, zero biases, Adam epsilon 1e-7",
        ),
        figures=(
            Figure(number="-", title=f"A: training loss, {function}", kind="loss"),
            Figure(number="-", title=f"A: fitted curves, {function}", kind="curves"),
        ),
    )


FIT_SINC = _fit("sinc")
FIT_SGN = _fit("sgn")
