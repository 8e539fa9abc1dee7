"""The plugin among other plugins: their options and markers, repeated tests, odd folders, sessions without a terminal."""

import json

import pytest

ONE = "[claim('A-fit-x', 'supported')]"
THEIRS = """
def pytest_addoption(parser):
    parser.addoption("--device", action="append", dest="device", default=["theirs"])
    parser.addoption("--data-dir", default="theirs")
    parser.getgroup("hw1bench").addoption("--fresh", action="store_true")
"""
USES = """
def pytest_collection_modifyitems(config):
    assert config.getoption("device") == ["theirs", "a", "b"]
    assert config.getoption("data_dir") == "theirs"
"""


def claims(pytester, folder="reports"):
    return json.loads((pytester.path / folder / "claims.json").read_text())["claims"]


@pytest.mark.parametrize("where", ["conftest", "plugin"])
def test_options_of_another_plugin_are_left_to_it(pytester, project, where):
    project(ONE)
    ours = 'pytest_plugins = ["pytest_hw1bench"]\n'
    if where == "conftest":
        pytester.makeconftest(ours + THEIRS + USES)
    else:
        pytester.makepyfile(theirs=THEIRS)
        pytester.makeconftest(ours + USES)
    early = ["-p", "theirs"] if where == "plugin" else []
    pytester.syspathinsert()
    arguments = ["--device", "a", "--device", "b", "--claims-device", "tpu", "--report-dir", "out"]
    result = pytester.runpytest(*early, "claims", *arguments)
    result.stderr.fnmatch_lines(["ERROR: --device 'tpu' is unknown: use auto, cpu or cuda"])
    arguments[5] = "cpu"
    pytester.runpytest(*early, "claims", *arguments).assert_outcomes(passed=1, deselected=1)
    assert len(claims(pytester, "out")) == 1


@pytest.mark.parametrize("name", ["skip", "xfail", "usefixtures", "timeout", "parametrize", "tryfirst", "benchmark"])
def test_a_topic_named_like_another_plugins_marker_gets_its_own_marker(pytester, project, name):
    project(ONE, topic=name)
    pytester.makeconftest("""
import pytest
pytest_plugins = ["pytest_hw1bench"]


def pytest_configure(config):
    config.addinivalue_line("markers", "timeout(seconds, method=None): of another plugin")


def pytest_runtest_setup(item):
    assert not list(item.iter_markers("timeout"))
""")
    result = pytester.runpytest("claims", "-m", f"claims_{name}")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [f"marker '{name}' belongs to another plugin: select these claims with -m claims_{name}"]
    )
    assert claims(pytester)[0]["topic"] == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gpu", "is that of the full tier"),
        ("report_a", "is that of a report"),
        ("not", "is not possible"),
        ("_own", "is not possible"),
    ],
)
def test_a_topic_whose_name_selects_something_else_gets_its_own_marker(pytester, project, name, why):
    project(ONE, topic=name)
    project("[claim('A-grad-x', 'supported')]", topic="grad")
    result = pytester.runpytest("claims", "-m", f"claims_{name}")
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines([f"marker '{name}' {why}: select these claims with -m claims_{name}"])
    assert [one["topic"] for one in claims(pytester)] == [name]
    pytester.runpytest("claims", "-m", f"claims_{name} and gpu", "--device", "cpu").assert_outcomes(
        passed=1, deselected=3
    )
    pytester.runpytest("claims", "-m", "gpu", "--device", "cpu").assert_outcomes(passed=2, deselected=2)
    pytester.runpytest("claims", "-m", "report_a").assert_outcomes(passed=2, deselected=2)
    pytester.runpytest("claims").assert_outcomes(passed=2, deselected=2)


def test_a_file_whose_name_is_the_prefix_alone_has_a_topic_too(pytester, project):
    project(ONE, topic="")
    pytester.runpytest("claims", "-m", "test_").assert_outcomes(passed=1, deselected=1)
    assert [one["topic"] for one in claims(pytester)] == ["test_"]


def test_a_pack_may_bring_a_topic_called_gpu(pytester, project):
    project(ONE, topic="gpu")
    pytester.makeconftest("""
from hw1bench import Pack, Report, Topic
pytest_plugins = ["pytest_hw1bench"]


def pytest_hw1bench_pack():
    return Pack(reports=[Report("A")], topics=[Topic("gpu", "Cards"), Topic("report_a", "The first")])
""")
    lines = pytester.runpytest("--markers").stdout.lines
    assert [line for line in lines if "gpu" in line or "report_a" in line] == [
        "@pytest.mark.gpu: full tier, as in the reports (CUDA, or --device cpu)",
        "@pytest.mark.report_a: claims of report A",
        "@pytest.mark.claims_gpu: claims of the topic Cards",
        "@pytest.mark.claims_report_a: claims of the topic The first",
    ]
    pytester.runpytest("claims", "-m", "claims_gpu").assert_outcomes(passed=1, deselected=1)


def test_a_topic_whose_name_has_a_part_called_gpu_keeps_its_marker(pytester, project):
    project(ONE, topic="gpu-memory")
    pytester.runpytest("claims", "-m", "gpu-memory").assert_outcomes(passed=1, deselected=1)
    pytester.runpytest("claims", "-m", "gpu-memory and(gpu)", "--device", "cpu").assert_outcomes(passed=1, deselected=1)


def test_a_repeated_claim_is_one_claim(pytester, project):
    repeat = """
def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("step")
    metafunc.parametrize("step", range(2), ids=["1-2", "2-2"])
"""
    project(ONE)
    pytester.makeconftest('pytest_plugins = ["pytest_hw1bench"]\n' + repeat)
    pytester.runpytest("claims").assert_outcomes(passed=2, deselected=2)
    assert len(claims(pytester)) == 1


@pytest.mark.parametrize("folder", ["a b", "-r", "ü/é", "a'b\"c", "$HOME", "100%", "[x]", "#1?"])
def test_a_report_directory_may_have_any_name(pytester, project, folder):
    project(ONE)
    pytester.runpytest("claims", f"--report-dir={folder}").assert_outcomes(passed=1, deselected=1)
    pytester.runpytest("claims", "--report-dir", f"./{folder}").assert_outcomes(passed=1, deselected=1)
    assert claims(pytester, folder)[0]["reused"]
    assert "data:image/svg+xml" in (pytester.path / folder / "index.html").read_text()


@pytest.mark.parametrize("option", ["--report-dir", "--data-dir"])
def test_an_empty_folder_name_is_refused(pytester, project, option):
    project(ONE)
    result = pytester.runpytest("claims", option, "")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option} '' does not name a folder: give one, or leave it out"])
    assert not (pytester.path / "claims.json").exists()


def test_the_report_is_written_without_a_terminal_plugin(pytester, project):
    project(ONE)
    result = pytester.runpytest("claims", "-p", "no:terminal")
    assert result.ret == 0
    assert len(claims(pytester)) == 1


def test_saving_timings_without_any_is_not_a_fault(pytester, project):
    project(ONE)
    pytester.runpytest("claims")
    saving = ["--benchmark-json", "times.json", "--benchmark-autosave"]
    pytester.runpytest("claims", *saving).assert_outcomes(passed=1, deselected=1)
    assert json.loads((pytester.path / "times.json").read_text())["benchmarks"] == []
    pytester.runpytest("claims", "--fresh", *saving).assert_outcomes(passed=1, deselected=1)
    assert len(json.loads((pytester.path / "times.json").read_text())["benchmarks"]) == 1


@pytest.mark.parametrize("option", ["--benchmark-skip", "--benchmark-disable"])
def test_claims_are_judged_without_timing(pytester, project, option):
    project(ONE)
    pytester.runpytest("claims", option).assert_outcomes(passed=1, deselected=1)


def test_a_report_that_cannot_be_written_costs_a_line_and_has_an_exit_status(pytester, project, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    project("[claim('A-fit-x', 'supported'), claim('A-fit-y', 'error')]")
    monkeypatch.setattr("hw1bench.report.write_whole", full)
    result = pytester.runpytest("claims")
    assert result.ret == 74
    result.assert_outcomes(passed=1, failed=1, deselected=2)
    result.stdout.fnmatch_lines(
        [
            "2 claims: 1 supported; 1 error",
            "ERROR: the report in reports could not be written (No space left on device)*",
        ]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
