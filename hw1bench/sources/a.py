"""Report A (Clemson CPSC-8430): ReLU, Adam 1e-4, MNIST."""

from hw1bench.experiment import Arm, Experiment, Figure, Function, Model, Optimizer, both_tiers

CNN_1 = Model("C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-10 logsoftmax")
CNN_2 = Model("C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-20-10 logsoftmax")
CNN_3 = Model("C(1-20,5,pool2) C(20-20,5) dropout2d pool2 320-80-20-10 logsoftmax")
PATH = Model("784-500-50-10")
GRAD = Model("[500]")
RANDOM = Model("784-256-10")
FLATNESS = Model("784-256-10")

FIT_7 = Model("[5,10,10,10,10,10,5]")
FIT_4 = Model("[10,18,15,4]")
FIT_1 = Model("[190]")

ADAM = Optimizer(name="adam", lr=1e-4, weight_decay=1e-4)


def _fit(function: str, numbers: tuple[str, str, str]) -> Experiment:
    arms = [
        Arm(
            name=name,
            data=Function(name=function),
            model=model,
            loss="mse",
            optimizer=ADAM,
            epochs=15_000,
        )
        for name, model in (("7 layers", FIT_7), ("4 layers", FIT_4), ("1 layer", FIT_1))
    ]
    shape, curves, loss = numbers
    return Experiment(
        report="A",
        name=f"fit-{function}",
        **both_tiers(arms),
        assumptions=(
            "full batch",
            "300 equally spaced points on [-1, 1]",
            "hidden widths reconstructed from the parameter counts 571, 572, 571; the third net, described as 4 layers "
            "too, has one hidden layer of 190, the only way to 571",
            "MSE; torch's default initialisation",
            *(("the second function is a sawtooth of period 0.4",) if function == "sawtooth" else ()),
        ),
        figures=(
            Figure(number=shape, title=f"The function {function}", kind="function"),
            Figure(number=curves, title=f"Fitted curves, {function}", kind="curves"),
            Figure(number=loss, title=f"Training loss, {function}", kind="loss"),
        ),
    )


FIT_SINC = _fit("sinc", ("1", "2", "3"))
FIT_SAWTOOTH = _fit("sawtooth", ("4", "5", "6"))
