import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.layout import Conv, Dropout, Flatten, Linear, Output, Pool, parse


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
    ("layout", "said"),
    [
        ("784-256-10 pull2", "cannot read 'pull2'"),
        ("784", "cannot read '784'"),
        ("C(1,16,5)", r"cannot read 'C\(1,16,5\)'"),
        ("[5,0,5]", "cannot read"),
        ("dropout(2) 4-2", "cannot read"),
        ("C(1-16,5) C(8-4,5) 4-2", "expects 8 inputs but gets 16"),
        ("784-256 128-10", "expects 128 inputs but gets 256"),
        ("4-2 C(1-2,3)", "cannot follow a Linear"),
        ("4-2 tanh 2-1", "'tanh' must be the last word"),
        ("C(1-16,5) pool2", "has no Linear layer"),
        ("", "has no Linear layer"),
    ],
)
def test_what_cannot_be_read_is_named(layout, said):
    with pytest.raises(ValueError, match=said):
        parse(layout)
