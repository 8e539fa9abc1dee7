"""Report E (Clemson CPSC-8430, code published): ReLU, Adam 1e-3 and SGD, MNIST."""

from hw1bench.experiment import Arm, Experiment, Figure, Function, Model, Optimizer, both_tiers

FIT_0_STATED = Model("[5,10,10,10,5]")  # the layout that the report prints; its code has one hidden layer of 10 more
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
            *(["convergence means a training loss of at most 1e-3"] if function == "sinc" else []),
            "MSE; torch's default initialisation",
        ),
        figures=(
            Figure(number="-", title=f"HW1: {name} ({function}), training loss", kind="loss"),
            Figure(number="-", title=f"HW1: {name} ({function}), fitted curves", kind="curves"),
        ),
    )


FIT_F1 = _fit("sinc", "f1")
FIT_F2 = _fit("sgn", "f2")
