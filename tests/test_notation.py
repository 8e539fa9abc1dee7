import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import COUNTS, SHAPES
from hw1bench import Model, models
from hw1bench.specs.notation import Conv, Dropout, Flatten, Linear, Output, Pool, outputs, parse, scaled


def test_words_become_layers():
    assert parse("C(1-16-32,5,p2,pool2) dropout2d(0.25) 1568-128-10 logsoftmax") == (
        Conv(1, 16, 5, 2),
        Pool(2),
        Conv(16, 32, 5, 2),
        Pool(2),
        Dropout(0.25, maps=True),
        Flatten(),
        Linear(1568, 128, hidden=True),
        Linear(128, 10, hidden=False),
        Output("logsoftmax"),
    )


def test_words_of_strides_average_pooling_and_no_bias():
    assert parse("C(1-8-16,3,s2,p1,avgpool2) nobias C(16-4,3,s3) avgpool2 16-9-10") == (
        Conv(1, 8, 3, 1, stride=2),
        Pool(2, average=True),
        Conv(8, 16, 3, 1, stride=2),
        Pool(2, average=True),
        Conv(16, 4, 3, 0, stride=3, bias=False),
        Pool(2, average=True),
        Flatten(),
        Linear(16, 9, hidden=True, bias=False),
        Linear(9, 10, hidden=False, bias=False),
    )


def test_brackets_are_hidden_widths_from_one_number_to_one():
    assert parse("[5,10]") == parse("1-5-10-1")


def test_only_the_last_linear_of_the_layout_has_no_activation():
    hidden = [layer.hidden for layer in parse("4-3 dropout 3-2-1") if isinstance(layer, Linear)]
    assert hidden == [True, True, False]


@given(st.lists(st.integers(1, 300), min_size=2, max_size=8))
def test_a_dash_list_gives_its_widths_back(widths):
    layers = parse("-".join(map(str, widths)))
    assert [layers[0].inputs, *(layer.outputs for layer in layers)] == widths


@pytest.mark.parametrize(
    ("layout", "factor", "expected"),
    [
        ("C(1-16-32,5,p2,pool2) 1568-128-10", 1 / 4, "C(1-4-8,5,p2,pool2) 392-32-10"),
        ("C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-20-10", 1 / 5, "C(1-2,5,pool2) C(2-4,5) dropout2d pool2 64-10-4-10"),
        ("784-256-10", 1 / 3, "784-85-10"),
        ("784-10", 1 / 4, "784-10"),
        ("C(1-16-32,5,s2,p2,avgpool2) nobias 128-64-10", 1 / 4, "C(1-4-8,5,s2,p2,avgpool2) nobias 32-16-10"),
        ("[5,10,5]", 2, "[10,20,10]"),
        ("C(3-1,3,pool2) dropout(0.25) 225-3 dropout 3-10", 1 / 8, "C(3-1,3,pool2) dropout(0.25) 225-1 dropout 1-10"),
    ],
)  # fmt: skip
def test_scaled_widths(layout, factor, expected):
    assert scaled(layout, factor) == expected
    assert scaled(layout, 1) == layout
    parse(expected)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("784-256-10 pull2", "cannot read 'pull2'"),
        ("784", "cannot read '784'"),
        (
            "C(1-16,5,p2,s2) 4-2",
            r"cannot read 'C\(1-16,5,p2,s2\)'; words .* C\(1-16,5,s2,p2,pool2\), pool2, avgpool2, nobias",
        ),
        ("784-10 nobias", "no layer follows 'nobias': move it before those without a bias"),
        ("C(1,16,5)", r"cannot read 'C\(1,16,5\)'"),
        ("[5,0,5]", "cannot read"),
        ("dropout(2) 4-2", "cannot read"),
        ("C(1-16,5) C(8-4,5) 4-2", "expects 8 inputs but gets 16"),
        ("784-256 128-10", "expects 128 inputs but gets 256"),
        ("4-2 C(1-2,3)", "cannot follow a Linear"),
        ("4-2 tanh 2-1", "'tanh' must be the last word"),
        ("C(1-16,5) pool2", "has no Linear layer"),
        ("", "has no Linear layer"),
        ("[٣]", "cannot read"),
        ("8-" * 400 + "?", r"layout '8-8-.*\.\.\.: cannot read '8-8-"),
    ],
)
def test_a_layout_that_cannot_be_read_is_refused_with_its_fault(layout, said):
    with pytest.raises(ValueError, match=said):
        parse(layout)


WORDS = [
    "C(1-2,3)",
    "C(2-2,3,p1,pool2)",
    "C(1-3,2,pool2)",
    "C(3-3,5,p2)",
    "C(1-3,3,s2)",
    "C(3-3,2,s3,p1,avgpool2)",
    "nobias",
    "avgpool2",
    "pool2",
    "pool3",
    "dropout",
    "dropout2d",
    "8-4",
]
WORDS += ["4-3", "18-3", "48-3", "3-2 tanh", "64-3", "1-1 softmax"]


def taken_by_torch(layout, shape):
    """Number of outputs of the real network for a sample of ``shape``; None if the network does not take it."""
    try:
        x = models.inputs(Model(layout), torch.empty(1, *shape, device="meta"))
    except ValueError:
        return None
    return models.build(Model(layout), "meta").eval()(x).shape[1]


def taken(layout, shape):
    try:
        return outputs(layout, shape)
    except ValueError:
        return None


@settings(deadline=None)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    shape=st.sampled_from([(1,), (4,), (1, 3, 3), (1, 8, 8), (3, 4, 4), (1, 1, 1)]),
)
def test_outputs_are_those_of_the_real_network_and_samples_it_refuses_are_refused(words, shape):
    layout = " ".join(words)
    try:
        parse(layout)
    except ValueError:
        return
    assert taken(layout, shape) == taken_by_torch(layout, shape)


@pytest.mark.parametrize(("layout", "shape"), SHAPES.items())
def test_outputs_of_the_catalogues_nets(layout, shape):
    assert outputs(layout, shape) == taken_by_torch(layout, shape) == 10
    with pytest.raises(ValueError, match="does not take samples of shape"):
        outputs(layout, tuple(side + 1 for side in shape))


def test_a_net_from_one_number_to_one():
    assert {outputs(layout, (1,)) for layout in COUNTS if layout.startswith("[")} == {1}


@pytest.mark.parametrize(
    "form", ["{}-10", "1-{}-1", "[{}]", "C(1-{},3) 4-1", "C(1-2,{}) 4-1", "C(1-2,3,p{}) 4-1", "pool{} 2-1"]
)
def test_a_number_too_long_for_python_names_the_layout(form):
    with pytest.raises(ValueError, match=r"layout .* has a number of 5000 digits: give 10 digits at most"):
        parse(form.format("9" * 5000))


@pytest.mark.parametrize("share", ["0.99999999999999999999", ".99999999", "0." + "9" * 5000])
def test_a_dropout_share_that_rounds_to_1_is_refused(share):
    with pytest.raises(ValueError, match="drops everything"):
        parse(f"64-10 dropout({share}) 10-10")
    assert parse("64-10 dropout(0.25000000000000000000) 10-10")
