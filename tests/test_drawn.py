"""Charts that are drawn already are not drawn again, and whatever decides a chart has it drawn again."""

import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from cases import ARM
from hw1bench import Claim, Experiment, Figure, Protocol
from hw1bench.effects import loss_below
from hw1bench.records.runs import Block, Record
from hw1bench.report import drawn, figures
from hw1bench.report.charts.series import Series
from hw1bench.session.drawing import Drawing

NET = replace(ARM, name="net", epochs=3)
PATH = "figures/T-x-loss.svg"


def drawing(folder, *, losses=1.0, title="Losses", earlier=(), level=0.5):
    """The entries of the one figure of an experiment whose runs all have ``losses``, which a claim compares with ``level``."""
    protocol = Protocol(arms=(NET,), looks=(8,))
    figure = Figure(number="1", title=title, kind="loss")
    experiment = Experiment(report="T", name="x", full=protocol, quick=protocol, figures=(figure,))
    claim = Claim("T-x", report="T", where="1", says="It is.", experiment=experiment, effect=loss_below(level, "net"))
    record = Record({"train_loss": np.full((8, 4), losses)}, {"steps_per_epoch": 1}, 1.0)
    at_hand = {Block("T", "x", NET, 0): record}
    there = {entry["path"]: entry for entry in earlier}
    return Drawing("quick", at_hand, {}, folder, print, earlier=there, claims=[claim]).draw({experiment: "fit"})


@pytest.fixture
def times(monkeypatch):
    """The paths of the charts that are drawn from now on."""
    found = []
    inner = figures.draw
    monkeypatch.setattr(figures, "draw", lambda kind, **shown: found.append(shown["path"].name) or inner(kind, **shown))
    return found


def test_a_chart_of_the_same_runs_is_not_drawn_again_and_its_entry_is_the_same(tmp_path, times):
    first = drawing(tmp_path)
    content = (tmp_path / PATH).read_bytes()
    assert drawing(tmp_path, earlier=first) == first
    assert times == ["T-x-loss.svg"]
    assert (tmp_path / PATH).read_bytes() == content


CHANGES = {
    "other runs": {"losses": 2.0},
    "another title": {"title": "The losses"},
    "another number that a claim names": {"level": 0.25},
    "no entry, which has the note": {"earlier": ()},
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_chart_shows_has_it_drawn_again(change, tmp_path, times):
    drawing(tmp_path, **{"earlier": drawing(tmp_path), **CHANGES[change]})
    assert times == 2 * ["T-x-loss.svg"]


def test_other_code_or_another_version_has_a_chart_drawn_again(tmp_path, times, monkeypatch):
    entries = drawing(tmp_path)
    monkeypatch.setattr(drawn.code, "digest", lambda module: "another")
    drawing(tmp_path, earlier=entries)
    monkeypatch.setattr(drawn, "_plotting", lambda: "9")
    drawing(tmp_path, earlier=entries)
    assert len(times) == 3


DAMAGES = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "edited": lambda path: path.write_bytes(path.read_bytes().replace(b">training loss<", b">test loss<")),
    "without a seal": lambda path: path.write_bytes(path.read_bytes().partition(b"<!--")[0]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_chart_that_is_not_as_it_was_drawn_is_drawn_again(damage, tmp_path, times):
    entries = drawing(tmp_path)
    content = (tmp_path / PATH).read_bytes()
    DAMAGES[damage](tmp_path / PATH)
    drawing(tmp_path, earlier=entries)
    assert len(times) == 2
    assert (tmp_path / PATH).read_bytes() == content


def test_a_sealed_chart_is_xml():
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    assert ElementTree.fromstring(drawn.sealed(svg, "0" * 32)).tag.endswith("svg")


@pytest.mark.parametrize(
    "other",
    [
        [Series("b", {"x": np.zeros(3)})],
        [Series("a", {"y": np.zeros(3)})],
        [Series("a", {"x": np.array([0, 0, -0.0])})],
        [Series("a", {"x": np.zeros((3, 1))})],
        [Series("a", {"x": np.zeros(3, np.float32)})],
        [Series("a", {"x": np.zeros(3), "y": np.array(1)})],
        [Series("a", {"x": np.zeros(3)}), Series("b", {})],
        [],
    ],
)
def test_the_digest_tells_series_apart(other):
    one = [Series("a", {"x": np.zeros(3)})]
    assert drawn.digest(one, "loss") == drawn.digest([Series("a", {"x": np.zeros(6)[::2]})], "loss")
    assert drawn.digest(other, "loss") != drawn.digest(one, "loss") != drawn.digest(one, "losses")


def test_finding_out_imports_no_plotting_library():
    script = "import sys, hw1bench.session.drawing; print({'matplotlib', 'torch'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
