"""The identity of an effect."""

import importlib
import inspect
import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

import numpy as np
import pytest

from hw1bench import Model
from hw1bench import effects as fx
from hw1bench.effects import CountIs, CountsEqual, Effect, LayersAre
from hw1bench.effects.identity import identity

LIMIT = 0.5
SMALL = ("a", Model("[3]"))


def test_every_constructor_records_its_statement():
    constructors = [getattr(fx, name) for name in fx.__all__ if isinstance(getattr(fx, name), Callable)]
    makers = [one for one in constructors if inspect.signature(one).return_annotation in (Effect, "Effect")]
    assert len(makers) > 50
    assert all(hasattr(one, "__wrapped__") for one in makers)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (fx.reaches(1e-3, arm="a", within=5_000), fx.reaches(1.0000001e-3, arm="a", within=5_000)),  # one name
        (fx.reaches(1e-3, arm="a", within=5_000), fx.reaches(1e-3, arm="a", within=5_001)),
        (fx.reaches(1e-3, arm="a", within=5_000), fx.reaches(1e-3, arm="b", within=5_000)),
        (fx.lower_loss("a", than="b"), fx.lower_loss("b", than="a")),
        (fx.flattest("a", among=["b"]), fx.flattest("a", among=["b"], first_share=0.501)),
        (fx.rises("test_loss", over="lr"), fx.falls("test_loss", over="lr")),
        (fx.loss_below(0.5, "a"), fx.fails(fx.loss_below(0.5, "a"))),
        (fx.every(fx.loss_below(0.5, "a")), fx.every(fx.loss_below(0.50000001, "a"))),
        (fx.every(fx.overfits("a"), fx.overfits("b")), fx.every(fx.overfits("b"), fx.overfits("a"))),
        (
            fx.falls_along(["test_loss"], "a", "b", over=[(0, 1)]),
            fx.falls_along(["test_loss"], "a", "b", over=[(0, 0.9)]),
        ),
        (CountIs(Model("[3]"), 10), CountIs(Model("[3]"), 11)),
        (CountIs(Model("[3]"), 10), CountIs(Model("[3]"), 10, "about")),
        (CountIs(Model("[3]"), 10), CountIs(Model("[3]", activation="tanh"), 10)),
        (CountsEqual((SMALL, ("b", Model("[3]")))), CountsEqual((SMALL, ("b", Model("[4]"))))),
        (LayersAre(Model("[3]"), 0, 2), LayersAre(Model("[3]"), 1, 2)),
        (fx.loss_below(0.5, "a"), replace(fx.loss_below(0.5, "a"), name="another")),
        (fx.loss_below(0.5, "a"), replace(fx.loss_below(0.5, "a"), compute=lambda runs: 1.0)),
        (replace(fx.loss_below(0.5, "a"), name="x"), replace(fx.loss_below(0.50000001, "a"), name="x")),
    ],
    ids=lambda effect: getattr(effect, "name", type(effect).__name__),
)
def test_another_number_is_another_effect(one, other):
    assert identity(one) != identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (fx.loss_below(1, "a"), fx.loss_below(1.0, "a")),
        (fx.loss_below(0.5, "a"), fx.loss_below(np.float32(0.5), "a")),
        (fx.loss_below(0.5, "a"), fx.loss_below(Decimal("0.5"), "a")),
        (fx.loss_below(0.5, "a"), fx.loss_below(np.array(0.5), "a")),
        (fx.reaches(1e-3, arm="a", within=5_000), fx.reaches(threshold=1e-3, within=np.int64(5_000), arm=np.str_("a"))),
        (fx.flattest("a", among=["b"]), fx.flattest("a", among=("b",), first_share=0.5)),
        (CountIs(Model("[3]"), 10), CountIs(Model("[3]", init="torch"), np.int64(10), "equal")),
        (CountsEqual((SMALL, ("b", Model("[3]")))), CountsEqual([list(SMALL), ["b", Model("[3]")]])),
    ],
)
def test_equal_numbers_of_other_types_are_the_same_effect(one, other):
    assert identity(one) == identity(other)


def test_identities_stay_the_same():
    # Recorded rulings hold them: a change here would detach all of them.
    assert identity(fx.reaches(1e-3, arm="net", within=5_000)) == "cac33ce645716d28b498e3614baa431e"
    assert identity(CountIs(Model("784-256-10"), 203_530)) == "e4bb70b88f79abe0ffd8fc34e35b0dc9"
    by_hand = Effect("x", "parts", lambda runs: LIMIT - runs["a"], ("a",))
    assert identity(by_hand) == "9cdac95d4e4a1606c0b47b53eac32771"


def above(limit, *, scale=1):
    return Effect("above", "", lambda runs: runs["a"] * scale - limit)


@dataclass
class Above:
    limit: float

    def __call__(self, runs):
        return runs["a"] - self.limit


class Stateful:
    def __init__(self, limit):
        self.limit = limit

    def __call__(self, runs):
        return runs["a"] - self.limit

    def method(self, runs):
        return runs["a"] - self.limit


def shifted(limit, runs):
    return runs["a"] - limit


def helper(runs):
    return runs["a"] - LIMIT


def by_hand(compute):
    return Effect("by hand", "parts", compute)


@pytest.mark.parametrize(
    "make",
    [
        above,
        lambda limit: above(0, scale=limit),
        lambda limit: by_hand(Above(limit)),
        lambda limit: by_hand(Stateful(limit)),
        lambda limit: by_hand(Stateful(limit).method),
        lambda limit: by_hand(partial(shifted, limit)),
        lambda limit: by_hand(lambda runs, limit=limit: runs["a"] - limit),
        lambda limit: by_hand(lambda runs, *, limit=limit: runs["a"] - limit),
        lambda limit: by_hand(partial(lambda limits, runs: runs["a"] - limits["a"], {"a": limit})),
        lambda limit: by_hand(partial(lambda limits, runs: runs["a"] - limits[0], np.array([limit]))),
        lambda limit: Effect("by hand", "", lambda runs: 1.0, None, lambda runs: -limit),
        lambda limit: fx.every(above(limit), fx.overfits("a")),
        lambda limit: fx.fails(by_hand(lambda runs: (lambda: limit)())),
    ],
)
def test_numbers_that_functions_by_hand_hold_are_part_of_them(make):
    assert identity(make(0.5)) == identity(make(np.float64(0.5)))
    assert identity(make(1)) == identity(make(1.0))
    assert identity(make(0.5)) != identity(make(0.5000001))


def made(source):
    return source


def test_the_source_is_part_of_an_effect_by_hand(tmp_path):
    found = {}
    for index, source in enumerate(
        [
            "compute = lambda runs: 1.0",
            "compute = lambda runs: -1.0",
            "compute = lambda runs: runs['a'] - runs['b']",
            "compute = lambda runs: runs['b'] - runs['a']",
            "def compute(runs): return 1.0",
            "one, compute = (lambda runs: 1.0), (lambda runs: 2.0)",
            "LIMIT = 3\ncompute = lambda runs: LIMIT",
            "LIMIT = 4\ncompute = lambda runs: LIMIT",
            "def helper(): return 3\ncompute = lambda runs: helper()",
            "def helper(): return 4\ncompute = lambda runs: helper()",
            "compute = lambda runs: (lambda: compute)()",
        ]
    ):
        found.setdefault(loaded(tmp_path / f"{index}.py", source), []).append(source)
    assert len(found) == 11, [sources for sources in found.values() if len(sources) > 1]


def loaded(path, source):
    path.write_text(source)
    names = {}
    exec(compile(source, str(path), "exec"), names)
    return identity(by_hand(names["compute"]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("compute = lambda runs: 1.0 - 2", "# why\n\ncompute = (\n    lambda runs: 1.0\n    - 2 # so\n)"),
        ("def compute(runs): return 1", "def compute(runs: dict) -> float:\n    '''A number.'''\n    return 1.0"),
        ("compute = lambda runs: 2.0", "one, compute = (lambda runs: 1.0), (lambda runs: 2.0)"),
        ("compute = lambda runs: 1.0", "compute, one = (lambda runs: 1.0), (lambda runs: 2.0)"),
        ("compute = lambda runs: lambda: 1.0", "one = lambda: 1.0; compute = lambda runs: lambda: 1.0"),
        ("compute = lambda runs: 1.0", "é = 'é'; one = lambda: 'é'; compute = lambda runs: 1.0"),
        ("LIMIT = 3\ncompute = lambda runs: LIMIT", "import os\nOTHER = 4\nLIMIT = 3.0\ncompute = lambda runs: LIMIT"),
    ],
)
def test_layout_comments_and_neighbours_do_not_matter(tmp_path, one, other):
    assert loaded(tmp_path / "one.py", one) == loaded(tmp_path / "other.py", other)


def test_functions_without_source_and_values_that_contain_themselves_have_an_identity():
    names = {}
    exec("compute = lambda runs: 1.0", names)
    assert identity(by_hand(names["compute"])) == identity(by_hand(names["compute"]))
    around = []
    around.append(around)
    assert len(identity(by_hand(partial(shifted, around)))) == 32
    assert identity(by_hand(np.sin)) != identity(by_hand(np.cos))
    assert len(identity(by_hand(operator.itemgetter("a")))) == 32


HELPERS = """
LIMIT = 1.0

def share(runs):
    return LIMIT * 1.0
"""


@pytest.mark.parametrize(
    "reading",
    [
        "from helpers_of_mine import share\nlambda runs: share(runs)",
        "import helpers_of_mine\nlambda runs: helpers_of_mine.share(runs)",
    ],
)
@pytest.mark.parametrize("change", [("* 1.0", "* 0.5"), ("LIMIT = 1.0", "LIMIT = 2.0")])
def test_a_helper_in_another_module_of_the_authors_is_part_of_it(tmp_path, monkeypatch, reading, change):
    monkeypatch.syspath_prepend(tmp_path)
    first, last = reading.split("\n")

    def known():
        for name in ("helpers_of_mine", "claims_of_mine"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / "claims_of_mine.py").write_text(f"{first}\ncompute = {last}\n")
        importlib.invalidate_caches()
        return identity(by_hand(importlib.import_module("claims_of_mine").compute))

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "helpers_of_mine.py").write_text(HELPERS)
    before = known()
    assert known() == before
    (tmp_path / "helpers_of_mine.py").write_text(HELPERS.replace(*change))
    assert known() != before


SOURCES = {
    "a namespace": "from types import SimpleNamespace\nNS = SimpleNamespace(t=0.5)\ncompute = lambda runs: 1 - NS.t\n",
    "an attribute of a class": "class Plain:\n    t = 0.5\n\ncompute = lambda runs: 1 - Plain.t\n",
    "an object": "class Kept:\n    def __init__(self, t):\n        self.t = t\n\n"
    "OB = Kept(0.5)\ncompute = lambda runs: 1 - OB.t\n",
    "an object of slots": "class Kept:\n    __slots__ = ('t',)\n    def __call__(self, runs):\n        return 1 - self.t\n\n"
    "compute = Kept()\ncompute.t = 0.5\n",
    "a method": "class Kept:\n    t = 0.5\n    @classmethod\n    def of(cls, runs):\n        return 1 - cls.t\n\n"
    "compute = Kept.of\n",
    "a base": "class Base:\n    t = 0.5\n\nclass Kept(Base):\n    pass\n\ncompute = lambda runs: 1 - Kept.t\n",
    "a property": "class Kept:\n    @property\n    def t(self):\n        return 0.5\n\n"
    "OB = Kept()\ncompute = lambda runs: 1 - OB.t\n",
    "a remembering helper": "import functools\nLIM = 0.5\n\n@functools.lru_cache\ndef lim():\n    return LIM\n\n"
    "compute = lambda runs: 1 - lim()\n",
    "no source": "names = {}\nexec('def compute(runs): return 1 - 0.5', names)\ncompute = names['compute']\n",
    "a default of a helper": "def lim(t=0.5):\n    return t\n\ncompute = lambda runs: 1 - lim()\n",
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_numbers_that_are_read_indirectly_are_part_of_it(tmp_path, monkeypatch, source):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def known(text):
        monkeypatch.delitem(sys.modules, "claims_of_mine", raising=False)
        (tmp_path / "claims_of_mine.py").write_text(text)
        importlib.invalidate_caches()
        return identity(by_hand(importlib.import_module("claims_of_mine").compute))

    assert known(source) == known(source)
    assert known(source) != known(source.replace("0.5", "0.25"))
