"""``--collect-only -q`` tells every mistake that can be known before anything trains, each in one line, or what would run."""

import pytest

HEAD = """
from operator import attrgetter

import pytest

from hw1bench import Arm, Claim, Experiment, Figure, Function, Measurement, Model, Optimizer, Protocol, both_tiers
from hw1bench import effects as fx


def arm(**changed):
    plain = dict(
        name="net",
        data=Function(name="sinc", points=16),
        model=Model("[3]"),
        loss="mse",
        optimizer=Optimizer(name="adam", lr=1e-2),
        epochs=3,
    )
    return Arm(**plain | changed)


def experiment(name="toy", arms=(), **more):
    return Experiment(report="A", name=name, **both_tiers(arms or [arm()]), **more)


def claim(name="A-x", effect=None, of=None, **more):
    effect = effect or fx.loss_below(1, "net")
    return Claim(name, report="A", where="1", says="It is.", experiment=of or experiment(), effect=effect, **more)
"""
TEST = """
@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_it(claim, court):
    court.judge(claim)
"""
IN_FILES = {
    "a layout": ("claim(of=experiment(arms=[arm(model=Model('[3'))]))", "layout '[[]3': cannot read '[[]3'; words are*"),
    "an unknown argument": ("claim(of=experiment(arms=[arm(layers=3)]))", "Arm() got an unexpected * 'layers'*"),
    "an argument of an effect that is missing": ("claim(effect=fx.faster('net'))", "faster() missing a required*'than'*"),
    "a history": ("claim(effect=fx.rises('loss', over='lr'))", "rises history: no history named 'loss'; there are *"),
    "an effect misspelt": ("claim(effect=fx.fastr('net'))", "hw1bench.effects has no 'fastr': did you mean 'faster'[?]"),
    "an id": ("claim('A x')", "claim id 'A x': use letters, digits and single dashes"),
    "an arm": ("claim(effect=fx.loss_below(1, 'nett'))", "claim A-x: A-toy has no arm 'nett', only [[]'net'[]]"),
    "a kind of figure": ("Figure(number='1', title='', kind='los')", "Figure kind: no kind of figure named 'los'*"),
    "looks": ("Protocol(arms=[arm()], looks=(5,))", "looks must be increasing multiples of 8, not (5,)"),
    "a name that is not imported": ("Images(name='digits', size=8)", "name 'Images' is not defined: import it from hw1bench"),
    "no claim": ("'A-x'", "claims/test_fit.py::test_it: a value of 'claim' is 'A-x': give a Claim"),
}  # fmt: skip


def collect(pytester, *arguments):
    return pytester.runpytest("claims", "--collect-only", "-q", *arguments)


@pytest.fixture
def pack(pytester, project):
    """Writes a file of claims: ``pack("[claim()]", topic, more)``."""

    def write(claims, topic="fit", more="", head=HEAD):
        folder = project("[]", topic="none").parent / "claims"
        (folder / "test_none.py").unlink()
        (folder / f"test_{topic}.py").write_text(f"{head}{more}\nCLAIMS = {claims}\n{TEST}")
        return folder

    return write


@pytest.mark.parametrize(("claims", "said"), IN_FILES.values(), ids=IN_FILES)
def test_a_mistake_in_a_file_is_one_line_with_its_place(pytester, pack, claims, said):
    pack(f"[{claims}]")
    result = collect(pytester)
    place = "" if said.startswith("claims/test_fit.py") else "claims/test_fit.py:*: "
    result.stdout.fnmatch_lines(["*ERROR collecting claims/test_fit.py*", f"{place}{said}"], consecutive=True)
    result.stdout.no_fnmatch_line("E  *")
    assert result.ret == pytest.ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("from hw1bench import Armm", "hw1bench has no 'Armm': did you mean 'Arm'[?]"),
        ("from hw1bench.effects import fastr", "hw1bench.effects has no 'fastr': did you mean 'faster'[?]"),
        ("import hw1bench.efects", "no module named 'hw1bench.efects': did you mean *"),
    ],
)  # fmt: skip
def test_a_name_that_does_not_exist_is_one_line(pytester, pack, line, said):
    pack("[claim()]", more=line)
    result = collect(pytester)
    result.stdout.fnmatch_lines(["*ERROR collecting*", f"claims/test_fit.py:*: {said}"], consecutive=True)


def test_an_error_that_is_not_about_claims_keeps_its_traceback(pytester, pack):
    for more in ("1 / 0", "int('x')", "from json import lods", "[].lenght"):
        pack("[claim()]", more=more)
        collect(pytester).stdout.fnmatch_lines(["claims/test_fit.py:*: in <module>", "E  *"])


def test_mistakes_of_all_files_and_both_tiers_are_told_at_once_each_in_a_line(pytester, pack):
    """A file that cannot be read, three claims with one id, an effect and figures that read what nothing records, a claim that is
    wrong in the full tier alone, and a broken rulings file."""
    more = """
DRAWN = [Figure(number="1", title="", kind=kind) for kind in ("loss", "losses", "accuracies")]
FULL = Experiment(report="A", name="full", full=Protocol(arms=[arm()], looks=(8,)), quick=None)
"""
    folder = pack(
        "[claim(of=experiment('drawn', figures=DRAWN)), claim(), claim('A-z', fx.norm_settles('net'), FULL)]", more=more
    )
    pack("[claim(), claim('A-y', fx.overfits('net'))]", "task")
    pack("[claim('not an id')]", "size")
    (folder / "rulings.json").write_text("{")
    result = collect(pytester)
    lines = [line.removeprefix("ERROR: ") for line in result.stderr.lines if line.startswith("ERROR")]
    starts = (
        "two claims have the id 'A-x', in claims/test_fit.py and claims/test_task.py: give each its own id",
        "two claims have the id 'A-x', in claims/test_fit.py: give each its own id",
        f"rulings file {folder / 'rulings.json'} is malformed",
        "experiment A-drawn: figure losses of kind losses needs test_loss",
        "experiment A-drawn: figure accuracies of kind accuracies needs train_accuracy, test_accuracy",
        "claim A-y: its effect cannot be computed from what is recorded: arm 'net' has no history 'test_loss'",
        "claim A-z: its effect cannot be computed from what is recorded: arm 'net' recorded no 'gradient_norm'",
    )
    assert len(lines) == len(starts), lines
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)
    result.stdout.fnmatch_lines(["claims/test_size.py:*: claim id 'not an id': use *"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_session_tells_the_first_mistakes_and_how_to_see_all(pytester, pack):
    pack("[claim(f'A-{number}', fx.overfits('net')) for number in range(12)]")
    lines = [line for line in pytester.runpytest("claims").stderr.lines if line.startswith("ERROR")]
    assert len(lines) == 11
    assert lines[-1] == "ERROR: and 2 more such faults: --collect-only -q lists all"
    assert len([line for line in collect(pytester).stderr.lines if line.startswith("ERROR")]) == 12


def test_without_a_mistake_it_says_what_would_run(pytester, pack):
    more = """
MANY = experiment("many", [arm(name=name) for name in "abc"])
FULL = Experiment(report="A", name="full", full=Protocol(arms=[arm()], looks=(8,)), quick=None, full_tier_only="It is.")
TOLD = Claim("A-n", report="A", where="1", says="10.", effect=fx.CountIs(Model("[3]"), 10))
"""
    pack("[claim(), claim('A-y', fx.loss_below(1, 'a', 'b'), MANY), claim('A-z', of=FULL), TOLD]", more=more)
    result = collect(pytester)
    way = "python -m hw1bench plan says at what cost"
    result.stdout.fnmatch_lines(
        [f"no mistake found: in the quick tier 3 claims are judged on 3 arms of 2 experiments, 1 not run; {way}"]
    )
    assert result.ret == 0
    result = collect(pytester, "-m", "gpu")
    result.stdout.fnmatch_lines(
        [f"no mistake found: in the full tier 4 claims are judged on 4 arms of 3 experiments; {way}"]
    )
    result = collect(pytester, "-k", "A-n")
    result.stdout.fnmatch_lines(["no mistake found: in the quick tier 1 claim is judged"])
