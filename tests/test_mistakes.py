"""Mistakes in a file of claims, found when pytest collects: each is one line, with the file, the line, and the way out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hw1bench

ROOT = Path(hw1bench.__file__).parents[1]
GOOD = """import pytest

from hw1bench import *
from hw1bench import effects
from hw1bench.effects import *


def arm(name="net", lr=1e-2, **more):
    given = {"data": Function(name="sinc"), "model": Model("[3]"), "loss": "mse", "epochs": 3, **more}
    return Arm(name=name, optimizer=Optimizer(name="adam", lr=lr), **given)


def experiment(*arms, name="toy", **more):
    return Experiment(report="mine", name=name, **both_tiers(list(arms) or [arm(), arm("other", lr=1e-3)]), **more)


def claim(effect=None, **more):
    effect = effect or falls("train_loss", over="lr")
    given = {"report": "mine", "where": "notes", "says": "It is so.", "experiment": experiment(), **more}
    return Claim("mine-x", effect=effect, **given)


#HERE
CLAIMS = [claim()]


@pytest.mark.parametrize("claim", CLAIMS)
def test_mine(claim, court):
    court.judge(claim)
"""
HERE = GOOD[: GOOD.index("#HERE")].count("\n") + 1

# What stands in the place of #HERE -> what the line says after "claims/test_NUMBER.py:LINE: ".
MISTAKES = {
    'arm(lr="1e-2")': "?",
    "arm(lr=-1)": "?",
    "arm(lr=float('nan'))": "?",
    "arm(epochs=0)": "?",
    "arm(epochs=1.5)": "?",
    "arm(epoch=3)": "?",
    "arm(batch_size=0)": "?",
    "arm(model='[3]')": "?",
    "arm(model=Model('[3,'))": "?",
    "arm(model=Model('784-10-'))": "?",
    "arm(model=Model('[3]', activation='tahn'))": "?",
    "arm(loss='cross_entropy')": "?",
    "arm(loss='mae')": "?",
    "arm(data=Function(name='sine'))": "?",
    "arm(data=Images(name='mnst', size=28))": "?",
    "arm(data=Images('mnist'))": "?",
    "arm('a/b')": "?",
    "Arm(name='net')": "?",
    "Optimizer('adam', 1e-3)": "?",
    "Optimizer(name='adamm', lr=1e-3)": "?",
    "Optimizer(name='adam', learning_rate=1e-3)": "?",
    "StepLR(every=0, factor=0.1)": "?",
    "experiment(arm(), arm())": "?",
    "experiment(name='a b*')": "?",
    "experiment(figures=[Figure(number='1', title='Loss', kind='los')])": "?",
    "experiment(figures=Figure(number='1', title='Loss', kind='loss'))": "?",
    "experiment(arm(), measures=JacobianNorm())": "?",
    "both_tiers([arm()], looks=(3,))": "?",
    "both_tiers()": "?",
    "falls('train_los', over='lr')": "?",
    "falls('train_loss')": "?",
    "falls('train_loss', over='rate')": "?",
    "falls('train_loss', by='lr')": "?",
    "fals('train_loss', over='lr')": "?",
    "effects.fals('train_loss', over='lr')": "?",
    "claim(effect='falls')": "?",
    "claim(says=3)": "?",
    "claim(report='')": "?",
    "claim(experimen=experiment())": "?",
    "Claim('mine-x', report='mine', where='', says='It is so.')": "?",
    "Claim('mine x', report='mine', where='', says='', effect=CountIs(Model('[3]'), 10))": "?",
    "claim(readings=tried(falls('train_loss', over='lr'), 'to', 0.1))": "?",
    "Effect('x', 'nats', 3, ('net',))": "?",
    "Values({0: 0.1, 1: 'x'}, name='x')": "?",
    "Values.csv('nowhere.csv', name='x')": "?",
    "Report('m', title=3)": "?",
    "Pack(reports=Report('mine'))": "?",
    "attrgetter('id')": "?",
    "from hw1bench import Clam": "?",
    "from hw1bench import falls": "?",
    "from hw1bench.effect import falls": "?",
    "import jaxx": "?",
    "CLAIMS = [claim(),": "?",
    "if True:\nclaim()": "?",
}


def collect(folder, *arguments):
    """Collect the claims in ``folder`` in a process of its own; its output."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "claims", "--collect-only", "-q", "-p", "pytest_hw1bench", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """What pytest says of the file of each mistake."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "claims").mkdir()
    for number, source in enumerate(MISTAKES):
        (folder / "claims" / f"test_{number}.py").write_text(GOOD.replace("#HERE", source))
    text = collect(folder, "--continue-on-collection-errors")
    parts = re.split(r"^_+ ERROR collecting claims/test_(\d+)\.py _+$", text.partition("= short test summary")[0], flags=re.M)
    return dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))


@pytest.mark.parametrize(("number", "said"), enumerate(MISTAKES.values()), ids=list(MISTAKES))
def test_a_mistake_is_one_line(collected, number, said):
    print(collected[number])
    (line,) = collected[number].strip().splitlines()
    assert line == f"claims/test_{number}.py:{HERE}: {said}"
