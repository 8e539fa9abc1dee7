"""Mistakes in a file of claims, found when pytest collects: each is one line, with the file, the line, and the way out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hw1bench
from hw1bench.session import mistakes

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

# What stands in the place of #HERE -> what the line says after the file and the line.
MISTAKES = {
    'arm(lr="1e-2")': "Optimizer 'adam' lr is '1e-2': give a finite number, 0 or more",
    "arm(lr=-1)": "Optimizer 'adam' lr is -1: give a finite number, 0 or more",
    "arm(lr=float('nan'))": "Optimizer 'adam' lr is nan: give a finite number, 0 or more",
    "arm(epochs=0)": "Arm 'net' epochs is 0: give an integer, 1 or more",
    "arm(epochs=1.5)": "Arm 'net' epochs is 1.5: give an integer, 1 or more",
    "arm(epoch=3)": "Arm() got an unexpected keyword argument 'epoch': did you mean 'epochs'?",
    "arm(batch_size=0)": "Arm 'net' batch_size is 0: give an integer, 1 or more",
    "arm(model='[3]')": "Arm 'net' model is '[3]': give a Model or a Network",
    "arm(model=Model('[3,'))": "layout '[3,': cannot read '[3,'; words are like ...",
    "arm(model=Model('784-10-'))": "layout '784-10-': cannot read '784-10-'; words are like ...",
    "arm(model=Model('[3]', activation='tahn'))": "Model activation: no activation named 'tahn'; there are ...",
    "arm(loss='cross_entropy')": "arm 'net' learns a function, and its loss is cross_entropy: give mse",
    "arm(loss='mae')": "Arm 'net' loss: no loss named 'mae'; there are ...",
    "arm(data=Function(name='sine'))": "Function name: no function named 'sine'; there are ...",
    "arm(data=Images(name='mnst', size=28))": "Images name: no image set named 'mnst'; there are ...",
    "arm(data=Images('mnist'))": "Images() takes 1 positional argument but 2 were given: its arguments are ...",
    "Arm(name='net')": "Arm() missing 5 required keyword-only arguments: 'data', 'model', 'loss', 'optimizer', and...",
    "Optimizer('adam', 1e-3)": "Optimizer() takes 1 positional argument but 3 were given: its arguments are ...",
    "Optimizer(name='adamm', lr=1e-3)": "Optimizer name: no optimiser named 'adamm'; there are ...",
    "Optimizer(name='adam', learning_rate=1e-3)": "Optimizer() got an unexpected keyword argument 'learning_rate'...",
    "StepLR(every=0, factor=0.1)": "StepLR every is 0: give an integer, 1 or more",
    "experiment(arm(), arm())": "a protocol needs arms with different names, not ['net', 'net']",
    "experiment(name='a b*')": "Experiment name is 'a b*': leave out '*', because it becomes part of a file's name",
    "experiment(figures=[Figure(number='1', title='Loss', kind='los')])": "Figure kind: no kind of figure named 'los'...",
    "experiment(figures=Figure(number='1', title='Loss', kind='loss'))": "Experiment 'toy' figures is Figure(...",
    "experiment(arm(), measures=JacobianNorm())": "Experiment() got an unexpected keyword argument 'measures'...",
    "both_tiers(arm())": "Protocol arms is Arm(...",
    "both_tiers([arm()], measures=JacobianNorm())": "Protocol measures is JacobianNorm(...",
    "both_tiers([arm()], looks=(3,))": "both_tiers() got an unexpected keyword argument 'looks': its arguments are ...",
    "lower_loss('net', 'other')": "lower_loss() too many positional arguments: its arguments are ...",
    "both_tiers()": "both_tiers() missing 1 required positional argument: 'arms': give it",
    "falls('train_los', over='lr')": "falls history: no history named 'train_los'; there are ...",
    "falls('train_loss')": "falls() missing a required...",
    "falls('train_loss', over='rate')": "falls over: no setting or history named 'rate'; there are ...",
    "falls('train_loss', by='lr')": "falls() missing a required...",
    "fals('train_loss', over='lr')": "name 'fals' is not defined: did you mean 'falls'?",
    "effects.fals('train_loss', over='lr')": "hw1bench.effects has no 'fals': did you mean 'falls'?",
    "claim(effect='falls')": "Claim 'mine-x' effect is 'falls': give an Effect or ...",
    "claim(says=3)": "Claim 'mine-x' says is 3: give text",
    "claim(report='')": "Claim 'mine-x' report is '': give 1 to 80 characters, no space before or after them",
    "claim(experimen=experiment())": "Claim() got an unexpected keyword argument 'experimen': did you mean 'experiment'?",
    "Claim('mine-x', report='m', where='', says='')": "Claim() missing 1 required keyword-only argument: 'effect': give it",
    "tried(CountIs(Model('[3]'), 10), 'to', 0.1)": "tried effect is CountIs(...",
    "tried(falls('train_loss', over='lr'), 'to', 1)": "effect 'share of pairs of arms in which train loss falls...",
    "Effect('x', 'nats', 3, ('net',))": "Effect 'x' compute is 3: give a function",
    "Values({0: 0.1, 1: 'x'}, name='x')": "Values 'x': the effect of seed 1: 'x' (str) is not a real number...",
    "Values.csv('/nowhere.csv', name='x')": "/nowhere.csv cannot be read (No such file or directory): give its path, such as ...",
    "Report('m', title=3)": "Report 'm' title is 3: give text",
    "Pack(reports=Report('mine'))": "Pack reports is Report(id='mine', title='', source='', url=''): give a tuple or a list",
    "attrgetter('id')": "name 'attrgetter' is not defined: define it, or import it",
    "from hw1bench import Clam": "hw1bench has no 'Clam': did you mean 'Claim'?",
    "from hw1bench import falls": "hw1bench has no 'falls': import it from hw1bench.effects",
    "from hw1bench.effect import falls": "no module named 'hw1bench.effect': did you mean 'hw1bench.effects'?",
    "import jaxx": "no module named 'jaxx': install it, or correct the name",
    "CLAIMS = [claim(),": "'[' was never closed: correct the syntax",
    "if True:\nclaim()": "expected an indented block after 'if' statement on line 23: correct the syntax",
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
    errors = re.split(r"^=+ short test summary", text, flags=re.M)[0]
    parts = re.split(r"^_+ ERROR collecting claims/test_(\d+)\.py _+$", errors, flags=re.M)
    return dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))


@pytest.mark.parametrize(("number", "said"), [*enumerate(MISTAKES.values())], ids=list(MISTAKES))
def test_a_mistake_is_one_line(collected, number, said):
    (line,) = collected[number].strip().splitlines()
    place, _, found = line.partition(": ")
    assert place.partition(":")[0] == f"claims/test_{number}.py"
    if said.endswith("..."):  # what follows may change
        assert found.startswith(said.removesuffix("...")), found
    else:
        assert found == said


def test_the_line_is_the_innermost_of_the_users(collected):
    numbers = {source: number for number, source in enumerate(MISTAKES)}
    assert collected[numbers["both_tiers()"]].startswith(f"\nclaims/test_{numbers['both_tiers()']}.py:{HERE}: ")
    inside = GOOD.partition("    return Arm(")[0].count("\n") + 1
    assert collected[numbers["arm(lr=-1)"]].startswith(f"\nclaims/test_{numbers['arm(lr=-1)']}.py:{inside}: ")


@pytest.fixture
def session(pytester, project):
    """A function that collects one file of claims, in this process, with ``new`` in the place of ``old``; it returns pytest's
    result."""
    pytester.makeconftest('pytest_plugins = ["pytest_hw1bench"]')

    def run(old, new):
        (pytester.path / "claims").mkdir()
        (pytester.path / "claims" / "test_mine.py").write_text(GOOD.replace(old, new))
        return pytester.runpytest("claims", "--collect-only")

    return run


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[claim()]", "claim()", "*the values of 'claim' are Claim(*: give a list of claims"),
        ("[claim()]", "[experiment()]", "*a value of 'claim' is Experiment(*: give a Claim"),
        ("[claim()]", "[(claim(), 3)]", "*a value of 'claim' is (Claim(*: give a Claim"),
        ('"claim", CLAIMS', '"clam", CLAIMS', "*function uses no argument 'clam'"),
        (
            'falls("train_loss", over="lr")',
            "faster('net', than='othr', to=0.1)",
            "*claim mine-x: mine-toy has no arm 'othr', only *",
        ),
    ],
)
def test_a_mistake_in_what_is_judged_fails_its_file_in_one_line(session, old, new, said):
    result = session(old, new)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    head = next(at for at, line in enumerate(result.outlines) if "ERROR collecting" in line)
    assert "short test summary" in result.outlines[head + 2]
    result.stdout.fnmatch_lines([said])


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ("rises('test_loss', over='lr')", "arm 'net' has no history 'test_loss': it has train_loss"),
        ("falls('jacobian', over='lr')", "arm 'net' has no result of JacobianNorm: add such a measurement to the *"),
        ("falls('train_loss', over='batch_size')", "arm 'net' has no 'batch_size' to order by: use *"),
        (
            "Effect('x', 'nats', lambda runs: runs['net'].history('los', -1), ('net',))",
            "*no history 'los': it has train_loss",
        ),
    ],
)
def test_a_mistake_that_shows_on_made_up_runs_is_one_line(session, effect, said):
    result = session("[claim()]", f"[claim({effect})]")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = filter(None, result.errlines)
    assert line.startswith("ERROR: claim mine-x: ")
    result.stderr.fnmatch_lines([f"*{said}"])


HOOK = "from hw1bench import Pack, Report\n\n\ndef pytest_hw1bench_pack():\n    return Pack(reports=[Report('m', titel='M')])"
TITLE = "claims/conftest.py:5: Report() got an unexpected keyword argument 'titel': did you mean 'title'?"
HEAD = "from hw1bench import Pack\nPACK = Pack(reports=3)"
TUPLE = "claims/conftest.py:2: Pack reports is 3: give a tuple or a list"


@pytest.mark.parametrize(("source", "said"), [(HOOK, TITLE), (HEAD, TUPLE)], ids=["hook", "head"])
@pytest.mark.parametrize("arguments", [["claims"], []], ids=["named", "found"])
def test_a_mistake_in_a_conftest_is_one_line(pytester, project, source, said, arguments):
    (project("[claim('A-fit-x', 'supported')]") / "conftest.py").write_text(source)
    result = pytester.runpytest("-p", "pytest_hw1bench", "--collect-only", *arguments)
    text = f"{result.stdout.str()}\n{result.stderr.str()}"
    assert said in text
    assert "Traceback" not in text
    assert "in <module>" not in text
    assert "checks.py" not in text


def test_other_errors_keep_their_traceback(session):
    result = session("#HERE", "1 / 0")
    result.stdout.fnmatch_lines([f"claims/test_mine.py:{HERE}: in <module>", "    1 / 0", "E   ZeroDivisionError: *"])


def raised(source, file):
    with pytest.raises(Exception) as info:  # noqa: PT011  # of any kind
        exec(compile(source, file, "exec"), {})
    return info.value


INSIDE = str(Path(hw1bench.__file__).with_name("made_up.py"))


@pytest.mark.parametrize("source", ["int('x')", "len(3)", "[][0]", "raise KeyError('x')", "made_up"])
def test_a_fault_of_ours_is_no_mistake_of_a_user(tmp_path, source):
    error = raised(f"exec(compile({source!r}, {INSIDE!r}, 'exec'), {{}})", str(tmp_path / "test_mine.py"))
    assert mistakes.told(error, tmp_path) is None


def test_a_check_of_ours_is(tmp_path):
    check = "raise ValueError('x is 3:\\n  give 4')"
    error = raised(f"\nexec(compile({check!r}, {INSIDE!r}, 'exec'), {{}})", str(tmp_path / "test_mine.py"))
    assert mistakes.told(error, tmp_path) == "test_mine.py:2: x is 3: give 4"
    assert mistakes.told(error, tmp_path / "other") == f"{tmp_path / 'test_mine.py'}:2: x is 3: give 4"


@pytest.mark.parametrize("source", ["int('x')", "1 + 'x'", "'x'.lowr()", "from os import nothing", "f()"])
def test_errors_that_have_nothing_to_do_with_us_are_left_to_pytest(tmp_path, source):
    error = raised(f"def f():\n    raise ValueError('x')\n\n\n{source}", str(tmp_path / "test_mine.py"))
    assert mistakes.told(error, tmp_path) is None
