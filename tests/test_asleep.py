"""The plugin in suites of others: it sleeps until there is a claim, and leaves names to whoever wants them."""

import sys

import pytest

from hw1bench.report.replication import REPLICATION_OFFSET

ONE = "[claim('A-fit-x', 'supported')]"
NAMED = ("-p", "pytest_hw1bench")
IMPORTED = """
import sys

def test_nothing_is_imported():
    assert {"hw1bench", "torch", "numpy"}.isdisjoint(sys.modules)
"""
THEIRS = """
import pytest

@pytest.fixture
def court():
    return "tennis"

@pytest.fixture(params=["first", "second"])
def tier(request):
    return request.param

@pytest.mark.parametrize("claim", [1, 2])
def test_theirs(court, tier, claim, pytestconfig):
    assert (court, tier in ("first", "second")) == ("tennis", True)
    assert not pytestconfig.pluginmanager.hasplugin("hw1bench-session")
"""
OPTION = """
def pytest_addoption(parser):
    parser.addoption("--device", action="append", default=["theirs"])

def pytest_configure(config):
    assert config.getoption("device") == ["theirs", "tpu"]
"""


@pytest.fixture
def bare(pytester, project):
    """A folder without a conftest.py."""
    (pytester.path / "conftest.py").unlink()
    return pytester


def test_nothing_is_imported_in_a_suite_without_claims(bare):
    bare.makepyfile(IMPORTED)
    bare.runpytest_subprocess(*NAMED, "-W", "error").assert_outcomes(passed=1)


def test_fixtures_of_the_same_names_are_left_alone(bare):
    bare.makepyfile(THEIRS)
    bare.runpytest(*NAMED).assert_outcomes(passed=4)


def test_the_marker_gpu_is_not_known_in_a_suite_without_claims(bare):
    bare.makepyfile("import pytest\n\n\n@pytest.mark.gpu\ndef test_it():\n    pass\n")
    result = bare.runpytest_subprocess(*NAMED)  # a process remembers the markers of all its sessions
    result.stdout.fnmatch_lines(["*'gpu' not found in `markers` configuration option*"])


@pytest.mark.parametrize("wanted", ["--version", "--help", "--markers", "--fixtures"])
def test_what_asks_pytest_about_itself_works(bare, wanted):
    bare.makepyfile("def test_it(): pass")
    assert bare.runpytest(*NAMED, wanted).ret == 0


def test_help_says_where_a_replication_begins(bare):
    assert f"seeds from {REPLICATION_OFFSET:,}" in " ".join(bare.runpytest(*NAMED, "--help").stdout.str().split())


def test_a_blocked_plugin_has_no_options(bare, project):
    project(ONE)
    result = bare.runpytest(*NAMED, "-p", "no:hw1bench", "claims", "--claims-device", "cpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unrecognized arguments: --claims-device*"])


@pytest.mark.parametrize("first", [True, False], ids=["we are first", "they are first"])
@pytest.mark.parametrize("where", ["conftest", "plugin"])
def test_a_short_name_is_left_to_whoever_else_wants_it(bare, project, where, first):
    project(ONE)
    theirs = []
    if where == "conftest":
        bare.makeconftest(OPTION)
    else:
        bare.makepyfile(theirs=OPTION)
        bare.syspathinsert()
        theirs = ["-p", "theirs"]
    plugins = [*NAMED, *theirs] if first else [*theirs, *NAMED]
    result = bare.runpytest(*plugins, "claims", "--device", "tpu", "--claims-device", "cpu", "--fresh")
    result.assert_outcomes(passed=1, deselected=1)


def test_a_plugin_that_is_named_twice_is_loaded_once(bare, project):
    project(ONE)
    bare.makeconftest('pytest_plugins = ["pytest_hw1bench"]')
    bare.runpytest(*NAMED, "claims").assert_outcomes(passed=1, deselected=1)


def test_an_option_of_ours_wakes_it(bare):
    bare.makepyfile("def test_it(pytestconfig): assert pytestconfig.pluginmanager.hasplugin('hw1bench-session')")
    bare.runpytest(*NAMED, "--seed-offset", "8").assert_outcomes(passed=1)


def test_claims_under_xdist_are_refused_by_a_controller_that_slept(bare, project):
    project(ONE)
    result = bare.runpytest(*NAMED, "-n", "1", "claims")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["ERROR: claims do not run under pytest-xdist*"])


def test_without_pytest_values_are_judged_and_measures_taken(pytester):
    source = """
        import sys
        sys.modules.update(dict.fromkeys(("pytest", "_pytest", "pluggy")))
        import numpy as np
        import hw1bench
        from hw1bench.court import judge_values
        from hw1bench.court.looks import plan
        from hw1bench.measures import trajectory
        print(judge_values([1.0] * 8).word, hw1bench.judge_values([-1.0] * 8).word, [look.bound for look in plan((8, 16))])
        print(trajectory.pca(np.random.default_rng(0).normal(size=(2, 5, 7))).coordinates.shape)
        assert "torch" not in sys.modules
        import importlib, pathlib
        for path in pathlib.Path(hw1bench.__file__).parent.glob("measures/[a-z]*.py"):
            importlib.import_module(f"hw1bench.measures.{path.stem}")
        import hw1bench.training.engine, hw1bench.report, hw1bench.court.hearing, hw1bench.__main__
    """
    path = pytester.makepyfile(source)
    result = pytester.run(sys.executable, path)
    assert result.ret == 0, result.stderr.str()
    assert result.outlines == ["supported refuted [8, 13]", "(2, 5, 2)"]
