"""The page of reference: it is current, it has every public name, and its examples hold."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import hw1bench
from hw1bench import effects
from hw1bench.court.claim import Claim
from hw1bench.court.rehearsal import faults
from hw1bench.effects import Effect
from hw1bench.reference import examples, experiments, page
from hw1bench.reference.__main__ import main
from hw1bench.specs.experiment import TIERS, Experiment
from hw1bench.specs.kinds import KINDS

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAMES = set(re.findall(r"^### (\w+)$", TEXT, re.M)) | set(re.findall(r'^<a id="(?:constant-)?(\w+)"></a>', TEXT, re.M))
TITLES = {"Comparisons", "Orders"}  # groups of one word
SAMPLES = [one for one in vars(experiments).values() if isinstance(one, Experiment)]
KNOWN = {**vars(effects), **vars(hw1bench), **vars(experiments)}


def test_the_page_is_what_the_code_says():
    current = page.render() == TEXT
    assert current, "docs/reference.md is not what the code says: run make reference"


def test_the_command_writes_the_page_or_says_in_a_line_why_not(tmp_path, capsys):
    assert main([str(tmp_path / "reference.md")]) == 0
    assert (tmp_path / "reference.md").read_text(encoding="utf-8") == page.render()
    (tmp_path / "taken").write_text("a file")
    assert main([str(tmp_path / "taken" / "reference.md")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("module", [hw1bench, effects], ids=lambda module: module.__name__)
def test_every_public_name_is_on_the_page(module):
    assert set(module.__all__) - NAMES == set()
    assert len(set(module.__all__)) == len(module.__all__)


def test_every_name_on_the_page_can_be_imported():
    for name in NAMES - TITLES:
        found = [module for module in (hw1bench, effects) if name in module.__all__]
        assert found, name
        assert hasattr(importlib.import_module(found[0].__name__), name)


def test_every_link_of_the_index_leads_to_one_place():
    for name in NAMES - TITLES:
        anchor = f"constant-{name}" if name.isupper() else name.lower()
        assert f"[{name}](#{anchor})" in TEXT, name
    anchors = [*re.findall(r'<a id="([^"]+)"', TEXT)]
    anchors += [title.lower().replace(" ", "-").replace("'", "") for title in re.findall(r"^##+ (.+)$", TEXT, re.M)]
    doubled = {anchor for anchor in anchors if anchors.count(anchor) > 1}
    assert doubled == set()


def test_every_parameter_of_every_name_is_on_the_page():
    for module in (hw1bench, effects):
        for name in module.__all__:
            if callable(getattr(module, name)):
                for parameter in inspect.signature(getattr(module, name)).parameters:
                    assert re.search(rf"^[^\n]*\b{parameter}\b", TEXT, re.M), (name, parameter)


def test_figures_and_settings_are_on_the_page():
    words = "sinc mnist_5k avgpool2 nobias gelu adagrad train_loss loss_gap last_batch_norm prediction parameters"
    for word in (*KINDS, *words.split()):
        assert re.search(rf"[`'\n ]{word}[`' ]", TEXT), word


def test_the_experiments_on_the_page_are_those_of_the_module_and_have_no_fault():
    source = inspect.getsource(experiments).rstrip()
    assert f"```python\n{source}\n```" in TEXT
    subjects = [*SAMPLES, *experiments.CLAIMS]
    assert len(subjects) == 7
    for tier in TIERS:
        assert faults(subjects, tier) == {}


@pytest.mark.parametrize("text", examples.EFFECTS)
def test_an_example_of_an_effect_is_rehearsed_on_one_of_the_experiments(text):
    """It names arms of one experiment, which records what it reads; a claim with the effect has no fault."""
    effect = eval(text, dict(KNOWN))
    assert isinstance(effect, Effect)
    assert text in TEXT
    fitting = []
    for experiment in SAMPLES:
        arms = {arm.name for arm in experiment.full.arms}
        if set(effect.arms or ()) <= arms:
            fitting.append(faults([_claim(effect, experiment)], "full"))
    assert {} in fitting, fitting


def _claim(effect, experiment):
    return Claim("mine-x", report="mine", where="", says="", experiment=experiment, effect=effect)


@pytest.mark.parametrize("text", examples.OTHERS)
def test_an_example_of_another_name_can_be_written(text):
    assert f"\n    {text}\n" in TEXT
    eval(text, dict(KNOWN))


def test_every_constructor_has_one_example():
    shown = [text.partition("(")[0] for text in examples.EFFECTS]
    made = [name for name in effects.__all__ if inspect.isfunction(getattr(effects, name))]
    made = [name for name in made if inspect.signature(getattr(effects, name)).return_annotation is Effect]
    missing = set(made) - set(shown)
    assert not missing, f"no example of {missing}: add one to EFFECTS in hw1bench/reference/examples.py"
    assert sorted(shown) == sorted(made)
