"""Report D (course not named): ReLU, RMSprop, three functions, MNIST."""

from hw1bench.experiment import Arm, Experiment, Figure, Function, Model, Optimizer, both_tiers

FIT_8 = Model("[5,5,10,12,10,12,12,15]")
FIT_4 = Model("[5,20,15,18]")
FIT_2 = Model("[24,27]")

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
