"""Every field of every specification, given odd, hostile or mistyped values: it is refused in one line, or made canonical."""

from dataclasses import fields, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from hw1bench import (
    Arm,
    Claim,
    CosineAnnealingLR,
    CrossReportFigure,
    Evaluation,
    Experiment,
    ExponentialLR,
    Figure,
    Function,
    Images,
    Interpolation,
    JacobianNorm,
    MinimalRatio,
    Model,
    Optimizer,
    Paths,
    Protocol,
    StepLR,
)
from hw1bench.effects import CountIs, CountsEqual, Effect, LayersAre, loss_below
from hw1bench.specs.experiment import digest

FIT = Arm(
    name="fit",
    data=Function(name="sinc"),
    model=Model("[5]"),
    loss="mse",
    optimizer=Optimizer(name="adam", lr=1e-3),
    epochs=10,
    batch_size=16,
    snapshots=2,
)
NET = replace(
    FIT, name="net", data=Images(name="digits", size=8), model=Model("64-10"), loss="cross_entropy", snapshots="epoch"
)
PROTOCOL = Protocol(arms=(FIT,), looks=(8, 16))
EXPERIMENT = Experiment(
    report="T",
    name="x",
    full=PROTOCOL,
    quick=PROTOCOL,
    assumptions=("full batch",),
    figures=(Figure(number="1", title="It", kind="loss", name="it", arms=("fit",)),),
)
CLAIM = Claim("T-x", report="T", where="1", says="It is.", experiment=EXPERIMENT, effect=loss_below(1, "fit"))
SPECIFICATIONS = [
    Model("4-2", activation="leaky_relu", slope=0.2),
    Model("4-2", init="normal", deviation=0.2),
    Optimizer(name="adam", lr=1e-3, weight_decay=1e-4, eps=1e-8),
    Optimizer(name="sgd", lr=1e-3, momentum=0.9, nesterov=True),
    FIT.data,
    Images(name="digits", size=8, channels=3, mean=(0.1, 0.2, 0.3), deviation=(1.0, 2.0, 3.0), augment=True),
    StepLR(every=2, factor=0.5),
    ExponentialLR(factor=0.5),
    CosineAnnealingLR(over=2, least=1e-4),
    Evaluation(train="ends", test="thinned"),
    FIT,
    NET,
    PROTOCOL,
    EXPERIMENT.figures[0],
    EXPERIMENT,
    CrossReportFigure(topic="fit", title="Both", kind="loss", experiments=(EXPERIMENT,)),
    Paths(own="a", other="b", mark_every=3),
    MinimalRatio(),
    Interpolation(first="a", second="b", alphas=(0, 0.5, 1)),
    CLAIM,
    CLAIM.effect,
    CountIs(Model("[2]"), 7),
    CountsEqual((("a", Model("[2]")), ("b", Model("6-1")))),
    LayersAre(Model("[2]"), 0, 2),
]


class Foreign:
    """An object of an unknown type, whose repr takes several lines."""

    def __repr__(self):
        return "<foreign\nthing>" * 50


class Broken:
    def __repr__(self):
        raise RuntimeError("no repr")


HOSTILE = [
    None, True, False, 0, -1, 1, 2.5, 10**400, -(10**400), float("nan"), float("inf"), -float("inf"), 1j, "", "text", "1", b"1",
    "../../x", "a/b", "a\\b", ".x", "con", "\x00", "\ud800", "x" * 5000, "a\nb", [], (), {}, set(), [[1], [2]], ([1],), ["a", 2],
    (float("nan"),), np.array([1.0, 2.0]), np.array(3), np.array("a"), np.float32(0.5), np.int64(3), np.bool_(True), np.nan,
    np.datetime64("2020-01-01"), Decimal("sNaN"), Decimal("0.5"), Fraction(1, 3), torch.tensor(0.5), torch.ones(2), range(3),
    object(), object, len, Foreign(), Broken(), Model("4-2"), FIT, PROTOCOL, EXPERIMENT, CLAIM, JacobianNorm, iter("ab"),
]  # fmt: skip


@pytest.mark.parametrize("spec", SPECIFICATIONS, ids=lambda one: type(one).__name__)
def test_any_value_of_a_field_is_accepted_or_refused_in_one_line(spec):
    said = []
    for field in filter(lambda one: one.init, fields(spec)):
        for value in HOSTILE:
            try:
                changed = replace(spec, **{field.name: value})
            except ValueError as error:
                said.append(str(error))
            else:
                assert hash(changed) == hash(replace(changed))
                if not isinstance(spec, Claim | Effect):  # these hold functions, which have no digest
                    assert digest(changed) == digest(replace(changed))
    assert len(said) > len(HOSTILE) / 2
    # One line, and no half of a surrogate pair, which a terminal cannot print.
    assert all(line.isprintable() and 10 < len(line) < 600 for line in said)


SAME = {
    "integers": (replace(FIT, batch_size=np.int64(16), epochs=np.array(10), snapshots=np.uint8(2)), FIT),
    "whole rates": (Optimizer(name="sgd", lr=1, weight_decay=Fraction(0)), Optimizer(name="sgd", lr=np.float32(1))),
    "any real type": (Optimizer(name="adam", lr=Decimal("0.5")), Optimizer(name="adam", lr=torch.tensor(0.5))),
    "a zero of either sign": (Optimizer(name="adam", lr=1, eps=-0.0), Optimizer(name="adam", lr=1, eps=0)),
    "lists": (replace(PROTOCOL, arms=[FIT], looks=np.array([8, 16]), measures=[]), PROTOCOL),
    "an iterator": (replace(EXPERIMENT, assumptions=iter(["full batch"])), EXPERIMENT),
    "an array": (
        Interpolation(first="a", second="b", alphas=np.linspace(0, 1, 3)),
        Interpolation(first="a", second="b", alphas=[0, 0.5, True + 0]),
    ),
    "flags": (replace(FIT, independent=np.True_), replace(FIT, independent=True)),
    "text": (Model(np.str_("4-2")), Model("4-2")),
    "functions": (Function(name="sinc", low=-1, points=np.int32(300)), Function(name="sinc")),
    "images": (Images(name="digits", size=8, mean=[0]), Images(name="digits", size=8, mean=(np.float64(0),))),
    "composed letters": (replace(EXPERIMENT, name="e\u0301"), replace(EXPERIMENT, name="\u00e9")),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_equal_content_gives_equal_specifications_whatever_its_types(one, other):
    assert one == other
    assert hash(one) == hash(other)
    assert digest(one) == digest(other)
    assert repr(one) == repr(other)


DIGESTS = {
    "094dd0666271d51a9db0473b0a4c1f82": Model("4-2"),
    "119b5a6ee02410f3737e1ae2ee815837": Optimizer(name="adam", lr=0.5),
    "ced6dd981ab61be824d2848bb3b5960b": Optimizer(name="sgd", lr=0.5),
}


@pytest.mark.parametrize(("stated", "spec"), DIGESTS.items(), ids=lambda one: type(one).__name__)
def test_a_new_field_with_a_default_changes_no_digest_that_rulings_are_bound_to(stated, spec):
    assert digest(spec) == stated


NAMES = ["A", "fit-sinc", "Zürich 2024", "学習", "x.y", "a" * 80, "naïve (2)", "conic"]
BAD_NAMES = {
    "../../x": "leave out '/'", "a\\b": "leave out", "a:b": "leave out ':'", "..": "no dot at either end", ".hidden": "no dot",
    "trailing.": "no dot", " x": "no space", "": "1 to 80 characters", "a" * 81: "1 to 80 characters", "学" * 40: "80 bytes",
    "NUL": "Windows reserves", "com1.txt": "Windows reserves", "a\x00b": "leave out the character", "a\u202eb": "leave out the",
    "a\u2028b": "leave out the character", "\ud800": "leave out the character", "a\nb": "leave out the character",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_safe_for_files_are_accepted(name, tmp_path):
    (tmp_path / f"{replace(EXPERIMENT, name=name).id}.svg").touch()


@pytest.mark.parametrize(("name", "said"), BAD_NAMES.items(), ids=map(ascii, BAD_NAMES))
def test_names_that_are_not_safe_for_files_are_refused(name, said):
    for field in ("name", "report"):
        with pytest.raises(ValueError, match=f"Experiment .*{field} is .*{said}"):
            replace(EXPERIMENT, **{field: name})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: replace(EXPERIMENT, report="A(1)"), r"leave out '\('"),
        (lambda: replace(CLAIM, report="Across"), "names the figures across reports"),
        (lambda: replace(EXPERIMENT.figures[0], name="a-b"), "Figure name is 'a-b': leave out '-'"),
        (
            lambda: replace(EXPERIMENT.figures[0], kind="pie"),
            "Figure kind: no kind of figure named 'pie'; there are function,",
        ),
        (lambda: replace(EXPERIMENT, figures=EXPERIMENT.figures * 2), "experiment T-x has two figures 'it'"),
        (
            lambda: replace(EXPERIMENT, figures=[replace(EXPERIMENT.figures[0], arms=["fit", "fitt"])]),
            "figure it shows arm 'fitt', which does not exist: there are fit",
        ),
        (
            lambda: CrossReportFigure(topic="fit-x", title="", kind="loss", experiments=[EXPERIMENT]),
            "topic is 'fit-x': leave out '-'",
        ),
        (lambda: replace(CLAIM, assumptions="text"), "Claim 'T-x' assumptions is 'text': give a tuple or a list"),
        (
            lambda: Model("4-2", "swish"),
            "no activation named 'swish'; there are relu, leaky_relu, elu, selu, gelu, sigmoid",
        ),
        (
            lambda: Model("4-2", init="normal"),
            "Model init is 'normal' without a deviation: give one, such as Keras's 0.05",
        ),
        (lambda: Model("4-2", deviation=0.1), "Model deviation is 0.1: leave it out, or give init='normal'"),
        (lambda: Model("4-2", init="normal", deviation=0), "Model deviation is 0: give a finite number, above 0"),
        (lambda: Model("4-2", init="he"), "no init named 'he'; there are torch, keras, normal"),
        (
            lambda: Model("4-2", "elu", slope=0.2),
            "Model slope is 0.2: leave it out, because elu has none, or give activation",
        ),
        (
            lambda: Model("4-2", "leaky_relu", slope=-1),
            "Model slope is -1: give a finite number, 0 or more and 1 or less",
        ),
        (lambda: ExponentialLR(factor=0), "ExponentialLR factor is 0: give a finite number, above 0"),
        (lambda: CosineAnnealingLR(over=0), "CosineAnnealingLR over is 0: give an integer, 1 or more"),
        (
            lambda: replace(FIT, schedule=CosineAnnealingLR(over=2, least=0.1)),
            "arm 'fit': the learning rate 0.001 would rise to least=0.1: give a smaller least",
        ),
        (
            lambda: replace(FIT, schedule="cosine"),
            "schedule is 'cosine': give a StepLR or an ExponentialLR or a Cosine",
        ),
        (lambda: Optimizer(name="sgd", lr=1, eps=1e-8), "leave it out, because SGD has none"),
        (
            lambda: Optimizer(name="adam", lr=1, momentum=0.9),
            "'adam' momentum is 0.9: leave it out, because only SGD has",
        ),
        (
            lambda: Optimizer(name="sgd", lr=1, momentum=1),
            "'sgd' momentum is 1: give a finite number, 0 or more and below 1",
        ),
        (lambda: Optimizer(name="sgd", lr=1, nesterov=True), "'sgd' is nesterov without momentum: give SGD a momentum"),
        (lambda: Optimizer(name="adamw", lr=1), "'adamw' weight_decay is 0: give one, such as torch's 0.01"),
        (
            lambda: Optimizer(name="lion", lr=1),
            "no optimiser named 'lion'; there are adam, adamw, adagrad, rmsprop, sgd",
        ),
        (lambda: Images(name="digits", size=4, augment=True), "images 4 pixels wide cannot be padded by 4"),
        (lambda: Images(name="cifar10", size=8), "Images 'cifar10' channels is 1: give 3"),
        (lambda: Model("99999-99999-2"), "parameters: give 2,147,483,647 at most"),
        (lambda: CountsEqual((("a", Model("[2]")),)), "give 2 or more"),
        (lambda: CountsEqual({"a": Model("[2]"), "b": Model("[2]")}), "give a tuple or a list"),
        (lambda: CountsEqual(("ab", "cd")), r"models\[0\] is 'ab': give a tuple or a list"),
        (lambda: Effect("x", "share", len, ("a", "a")), "effect 'x' names arm 'a' twice"),
        (lambda: Effect("x", "share", len, "a"), "Effect 'x' arms is 'a': give a tuple or a list"),
        (lambda: Effect("x", "share", 1.0), "Effect 'x' compute is 1.0: give a function"),
        (
            lambda: CountIs(Model("[2]"), 7, "nearly"),
            "no relation 'nearly' of counts; there are equal, about, more than",
        ),
        (lambda: Protocol(arms=[replace(FIT, name="")], looks=[8]), "a protocol needs arms with different names"),
    ],
)
def test_an_invalid_specification_is_refused_when_it_is_made(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def nets(layout, loss="cross_entropy", **data):
    return replace(NET, model=Model(layout), loss=loss, data=Images(**{"name": "digits", "size": 8, **data}))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets("784-10"), r"arm 'net': layout '784-10' does not take samples of shape \(1, 8, 8\): .* gets 64"),
        (lambda: nets("C(3-4,3) 144-10"), "a convolution of 3 channels gets 1"),
        (lambda: nets("C(1-4,9) 4-10"), "nothing is left of them"),
        (lambda: nets("C(1-4,3,pool8) 4-10"), "nothing is left of them"),
        (lambda: nets("C(1-4,3) 100-10"), "a Linear layer of 100 inputs gets 144"),
        (lambda: nets("avgpool2 64-10"), "avgpool2 takes the maps of a convolution"),
        (lambda: nets("C(1-4,3,s3) 36-10"), "a Linear layer of 36 inputs gets 16"),
        (lambda: nets("pool2 64-10"), "pool2 takes the maps of a convolution"),
        (lambda: nets("64-9"), "has 9 outputs for 10 classes: end it with 10"),
        (lambda: nets("64-11", random_labels=True), "has 11 outputs for 10 classes"),
        (lambda: nets("64-10", "nll"), "nll takes log-probabilities"),
        (lambda: nets("64-10 softmax", "nll"), "nll takes log-probabilities"),
        (lambda: nets("64-10", "mse"), "learns classes, and its loss is mse: give cross_entropy"),
        (lambda: replace(FIT, loss="cross_entropy"), "learns a function, and its loss is cross_entropy: give mse"),
        (lambda: replace(FIT, loss="nll"), "learns a function, and its loss is nll: give mse"),
        (lambda: replace(FIT, model=Model("2-5-1")), "a Linear layer of 2 inputs gets 1"),
        (lambda: replace(FIT, model=Model("1-5-2")), "has 2 outputs for 1 targets"),
        (lambda: replace(FIT, model=Model("C(1-2,1) 2-1")), "convolutions take images"),
        (lambda: replace(FIT, keep="best"), "which has no test accuracy"),
    ],
)
def test_an_arm_whose_net_loss_and_data_do_not_match_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_softmax_before_cross_entropy_and_batches_larger_than_the_set_are_accepted():
    assert nets("64-10 softmax").loss == nets("64-10 logsoftmax").loss == "cross_entropy"
    assert replace(FIT, batch_size=10**6).steps == FIT.epochs


@pytest.mark.parametrize(
    "fields", [{"deviation": (1e-320,)}, {"deviation": (1e-46,)}, {"deviation": (1e39,)}, {"mean": (-1e39,)}]
)
def test_normalisation_beyond_float32_is_refused(fields):
    with pytest.raises(ValueError, match=f"{next(iter(fields))}.*: give a finite number"):
        Images(name="digits", size=8, **fields)
