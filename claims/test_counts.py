"""Parameter counts: the count of the layout that the report gives against the number that it states. Exact, no training."""

from operator import attrgetter

import pytest

from hw1bench import Claim, Model
from hw1bench.effects import CountIs, CountsEqual, LayersAre
from hw1bench.sources import a, b, c, d, e

PLACES = {
    "A": "1-1 to 1-3",
    "B": "model tables",
    "C": "A and B, layer tables",
    "D": "1-1",
    "E": "HW1, models",
}


def count(name: str, model: Model, stated: int, *, relation: str = "equal", assumed: str = "") -> Claim:
    said = {"equal": "has", "about": "has about", "more than": "has more than"}[relation]
    report = name[0]
    return Claim(
        f"{report}-count-{name[2:]}",
        report=report,
        where=PLACES[report],
        says=f"{model.layout} {said} {stated:,} parameters.",
        effect=CountIs(model, stated, relation),
        assumptions=(assumed,) if assumed else (),
    )


B_SIZE = {21: 11_085, 22: 12_029, 23: 13_656, 24: 16_904, 25: 29_254, 26: 52_004, 27: 63_054, 28: 74_754, 29: 83_854}
B_SIZE |= {30: 130_122, 31: 425_194}
DENSE_BY_CODE = "hidden widths from the code; the report gives only the number of dense layers"
KERNELS_BY_CODE = "kernel sizes from the code"

CLAIMS = [
    count("A-cnn-1", a.CNN_1, 21_840),
    count("A-cnn-2", a.CNN_2, 22_560),
    count("A-cnn-3", a.CNN_3, 38_050),
    count("A-path", a.PATH, 418_060),
    count("A-grad", a.GRAD, 1_501),
    count("A-random", a.RANDOM, 203_530),
    count("A-flatness", a.FLATNESS, 7_960),
    count("B-fit-7", b.FIT_7, 573, assumed=DENSE_BY_CODE),
    count("B-fit-4", b.FIT_4, 574, assumed=DENSE_BY_CODE),
    count("B-fit-1", b.FIT_1, 573, assumed=DENSE_BY_CODE),
    count(
        "B-cifar-1",
        b.CIFAR_1,
        36_458,
        assumed="no padding: one table says padding 1, which Linear(3600, 10) contradicts",
    ),
    count("B-cifar-2", b.CIFAR_2, 46_842, assumed="33,16 in the table is a misprint of 32,16"),
    count("B-cifar-7", b.CIFAR_7, 430_102),
    count("B-random", b.RANDOM, 149_002),
    *(count(f"B-size-{number}", b.SIZE_MODELS[number], stated) for number, stated in B_SIZE.items()),
    Claim(
        "B-count-layers-21",
        report="B",
        where="HW 1_2, table",
        says="The net of the paths has six convolutions and two dense layers.",
        effect=LayersAre(b.SIZE_MODELS[21], convolutions=6, dense=2),
        assumptions=("the net is the one in the report's own table, with five and one",),
    ),
    count("C-fit-1", c.FIT_1, 987),
    count("C-fit-2", c.FIT_2, 986),
    count("C-fit-3", c.FIT_3, 984),
    count("C-mnist-1", c.MNIST_1, 751_933),
    count("C-mnist-2", c.MNIST_2, 751_997),
    count("C-mnist-3", c.MNIST_3, 751_926),
    count("C-cifar-1", c.CIFAR_1, 830_012),
    count("C-cifar-2", c.CIFAR_2, 829_082),
    count("C-cifar-3", c.CIFAR_3, 829_430),
    Claim(
        "D-count-equal",
        report="D",
        where=PLACES["D"],
        says="The nets with eight, four and two hidden layers have the same number of parameters.",
        effect=CountsEqual((("8 layers", d.FIT_8), ("4 layers", d.FIT_4), ("2 layers", d.FIT_2))),
        assumptions=("hidden widths reconstructed from the parameter counts 861, 752, 751",),
    ),
    count("E-fit-0", e.FIT_0_STATED, 401),
    count("E-fit-1", e.FIT_1, 451),
    count("E-fit-2", e.FIT_2, 381),
    count("E-cnn-0", e.CNN_0, 120_000, relation="about", assumed=KERNELS_BY_CODE),
    count("E-cnn-1", e.CNN_1, 500_000, relation="about", assumed=KERNELS_BY_CODE),
    count(
        "E-size-1",
        e.SIZE_1,
        18_000,
        relation="about",
        assumed="layout from the code; the report gives only the parameter count",
    ),
    count(
        "E-size-10",
        e.SIZE_10,
        10_000_000,
        relation="more than",
        assumed="layout from the code; the report gives only the parameter count",
    ),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_count(claim, court):
    court.judge(claim)
