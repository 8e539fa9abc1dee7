"""Values from elsewhere in a session: a claim on them is judged, reported and put on record as any other."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from hw1bench.court import rulings

UP = "{seed: 1.0 for seed in (3, 42, *range(100, 110))}"
TABLE = f"values('A-fit-x', {UP})"
MADE = """
from hw1bench import Reading, Values

def values(id, of, readings=(), **fields):
    made = Values(of, name=fields.pop("name", "gap"), unit="nats", environment="jax on a TPU", **fields)
    return Claim(id, report="A", where="notes", says="It is.", effect=made, readings=readings, assumptions=("one host",))

def measure(seed):
    with open(CALLS, "a") as file:
        file.write(f"{seed} ")
    return VALUE
"""


@pytest.fixture
def elsewhere(pytester, project):
    """Make a file of claims on values from elsewhere and run a session of it. The function gives its entries in claims.json."""
    calls = pytester.path / "calls"

    def judge(claims, *arguments, value="1.0", **outcomes):
        folder = project("[]")
        source = (folder / "test_fit.py").read_text()
        made = MADE.replace("CALLS", repr(str(calls))).replace("VALUE", value)
        (folder / "test_fit.py").write_text(source.replace("CLAIMS = []", f"{made}\nCLAIMS = {claims}"))
        result = pytester.runpytest("claims", *arguments)
        result.assert_outcomes(**outcomes)
        judge.result = result
        return json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]

    judge.called = lambda: list(map(int, calls.read_text().split())) if calls.exists() else []
    return judge


@pytest.mark.parametrize("tier", [(), ("-m", "gpu")], ids=("quick", "full"))
def test_a_table_is_judged_in_both_tiers_and_reported_as_any_other(elsewhere, pytester, tier):
    (found,) = elsewhere(f"[{TABLE}]", *tier, passed=1, deselected=1)
    assert (found["verdict"], found["fidelity"], found["holds"], found["seeds"]) == ("supported", "as reported", 8, 8)
    assert (found["looks"], found["experiment"], found["seconds"], found["reused"]) == ([8, 16, 32], None, 0.0, False)
    assert found["effect"]["seeds"] == [3, 42, *range(100, 106)]
    assert found["dataset"]["name"] == "values from elsewhere: gap, version 1, trained with jax on a TPU"
    assert found["environment"] == {"device": "values from elsewhere", "environment": "jax on a TPU"}
    assert found["assumptions"] == ["one host"]
    reports = pytester.path / "reports"
    said = "values from elsewhere: gap, version 1, trained with jax on a TPU"
    page = (reports / "index.html").read_text()
    assert page.count("<title>seed 42: 1.00 nats</title>") == 1
    assert f"data: {said}" in page
    assert "on values from elsewhere</span>" in page
    assert "any tier" in page
    assert "of training" not in page
    details = (reports / "claims-details.md").read_text()
    assert f"Judged on {said}." in details
    assert "| 8 of 8 | 1.00 nats \\[1.00, 1.00\\] |" in details
    properties = {one.get("name"): one.get("value") for one in ET.parse(reports / "junit.xml").iter("property")}
    assert (properties["verdict"], properties["dataset"]) == ("supported", f"Judged on {said}.")
    elsewhere.result.stdout.fnmatch_lines(["*A-fit-x *supported *8/8 *1.00 nats*"])


@pytest.mark.parametrize(
    ("count", "word", "note"),
    [
        (0, "not run", "values from elsewhere, gap: 0 seeds of the 8 that the first look needs"),
        (1, "not run", "values from elsewhere, gap: 1 seed of the 8 that the first look needs"),
        (12, "inconclusive", "12 seeds of the 16 that the next look needs"),
        (16, "inconclusive", "16 seeds of the 32 that the next look needs"),
        (32, "inconclusive", ""),
    ],
)
def test_too_few_seeds_are_told_with_how_many_a_look_needs(elsewhere, count, word, note):
    (found,) = elsewhere(
        f"[values('A-fit-x', {{seed: (-1.0) ** seed for seed in range({count})}})]", skipped=1, deselected=1
    )
    assert (found["verdict"], found["note"]) == (word, note)


def test_the_seeds_come_from_the_offset_on(elsewhere, pytester):
    table = "{seed: 1.0 if seed < 8 else -1.0 for seed in range(20)}"
    (found,) = elsewhere(f"[values('A-fit-x', {table})]", "--seed-offset", "8", failed=1, deselected=1)
    assert (found["verdict"], found["effect"]["seeds"]) == ("refuted", list(range(8, 16)))
    result = pytester.runpytest("claims", "--replicate")
    result.assert_outcomes(skipped=1, deselected=1)
    result.stdout.fnmatch_lines(["*gap: 0 seeds of the 8 that the first look needs, from seed 1,000,000 on"])


def test_what_is_undefined_or_wrong_is_told(elsewhere):
    claims = [
        "values('A-fit-nan', {seed: float('nan') if seed % 2 else 1.0 for seed in range(8)})",
        "values('A-fit-inf', {seed: float('inf') for seed in range(8)})",
        "values('A-fit-none', lambda seed: None)",
        "values('A-fit-broken', lambda seed: 1 / seed)",
    ]
    found = elsewhere(f"[{', '.join(claims)}]", passed=1, failed=2, skipped=1, deselected=4)
    assert [one["verdict"] for one in found] == ["no evidence", "supported", "error", "error"]
    assert found[0]["note"] == "No evidence: its effect is undefined in 4 of 8 seeds."
    assert found[2]["note"] == "values 'gap', seed 0: None (NoneType) is not a real number: return one per seed"
    assert found[3]["note"] == "ZeroDivisionError: division by zero"


def test_a_function_is_called_once_per_seed_as_the_looks_need_it(elsewhere, pytester):
    (found,) = elsewhere("[values('A-fit-x', measure)]", value="1.0 if seed != 3 else -1.0", passed=1, deselected=1)
    assert (found["verdict"], found["holds"], found["seeds"]) == ("supported", 15, 16)
    assert elsewhere.called() == list(range(16))
    assert not found["reused"]
    assert "of training</span>" in (pytester.path / "reports" / "index.html").read_text()
    (again,) = elsewhere("[values('A-fit-x', measure)]", value="1.0 if seed != 3 else -1.0", passed=1, deselected=1)
    assert again["reused"]
    assert {**again, "judged": "", "reused": False} == {**found, "judged": ""}
    assert elsewhere.called() == list(range(16))


@pytest.mark.parametrize(
    ("change", "arguments"), [({"version": "2"}, ()), ({"name": "other"}, ()), ({}, ("--fresh",)), ({}, ("changed",))]
)
def test_a_function_is_called_again_if_what_it_gives_may_have_changed(elsewhere, change, arguments):
    elsewhere("[values('A-fit-x', measure)]", passed=1, deselected=1)
    value, given = ("2.0", ()) if arguments == ("changed",) else ("1.0", arguments)
    fields = "".join(f", {name}={text!r}" for name, text in change.items())
    elsewhere(f"[values('A-fit-x', measure{fields})]", *given, value=value, passed=1, deselected=1)
    assert elsewhere.called() == [*range(8), *range(8)]


def test_what_does_not_change_the_values_calls_no_function_again(elsewhere):
    elsewhere("[values('A-fit-x', measure)]", passed=1, deselected=1)
    elsewhere("[values('A-fit-y', measure, looks=(6,), opposite=None)]", passed=1, deselected=1)
    assert elsewhere.called() == list(range(8))


def test_an_interrupted_session_goes_on_where_it_stopped(elsewhere, pytester):
    stop = "next(iter(())) if seed == 5 and not __import__('os').path.exists('go') else 1.0"
    elsewhere("[values('A-fit-x', measure)]", value=stop, failed=1, deselected=1)
    (pytester.path / "go").touch()
    (found,) = elsewhere("[values('A-fit-x', measure)]", value=stop, passed=1, deselected=1)
    assert elsewhere.called() == [0, 1, 2, 3, 4, 5, 5, 6, 7]
    assert found["verdict"] == "supported"


def test_readings_are_judged_on_the_same_seeds(elsewhere):
    strict = "Values({seed: -1.0 for seed in (3, 42, *range(100, 110))}, name='gap, strict')"
    (found,) = elsewhere(
        f"[values('A-fit-x', {UP}, readings=[Reading(number='margin 0', reading='1', effect={strict})])]",
        passed=1,
        deselected=1,
    )
    assert found["readings"] == [{"number": "margin 0", "reading": "1", "verdict": "refuted"}]
    assert found["fragile"] == ["margin 0"]


def test_a_ruling_is_bound_to_the_content_of_the_table(elsewhere, pytester):
    path = pytester.path / "claims" / "rulings.json"
    elsewhere(f"[{TABLE}]", "--record-rulings", passed=1, deselected=1)
    (ruling,) = rulings.load(path).values()
    assert (ruling.verdict, ruling.experiment, ruling.seeds, ruling.seconds) == ("supported", None, 8, 0.0)
    assert ruling.environment == {"device": "values from elsewhere", "environment": "jax on a TPU"}
    elsewhere(f"[{TABLE}]", "--strict-rulings", passed=1, deselected=1)
    (found,) = elsewhere(f"[{TABLE.replace('1.0', '1.5')}]", "--strict-rulings", failed=1, deselected=1)
    assert found["remark"] == "supported, ruled on another experiment"
    assert found["ruling"] is None


def test_the_record_lists_it_and_puts_it_on_record(elsewhere, pytester, command, forked_children):
    few = "values('A-fit-few', {1: 1.0})"
    elsewhere(f"[{TABLE}, values('A-fit-y', measure), {few}]", passed=2, skipped=1, deselected=3)
    run = command(pytester.path, "record", "claims", "--run", "--device", "cpu")
    assert run.returncode == 1, run
    pytest.LineMatcher(run.stdout.splitlines()).fnmatch_lines(
        [
            "next: values from elsewhere at 8 seeds: 3 claims, as long as computing values takes; nothing is left after it",
            "    supported: A-fit-x 8/8, A-fit-y 8/8",
            "    no ruling: A-fit-few: not run, values from elsewhere, gap: 1 seed of the 8 that the first look needs",
            "2 of 3 claims are on record: 2 supported.",
        ]
    )
    listed = command(pytester.path, "record", "claims").stdout
    pytest.LineMatcher(listed.splitlines()).fnmatch_lines(
        ["*A-fit-x *supported *8/8*values from elsewhere*", "None of these trains anything here."]
    )


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("{1: 'high'}", "Values 'gap': the effect of seed 1: 'high' (str) is not a real number: give one"),
        ("[(1, 2.0), (1, 3.0)]", "Values 'gap' has seed 1 twice: give one effect per seed"),
        (
            "Values.csv('nowhere.csv', name='gap')",
            "nowhere.csv cannot be read (No such file or directory): give its path",
        ),
    ],
)
def test_a_mistake_ends_collection(pytester, project, of, said):
    folder = project("[]")
    source = (folder / "test_fit.py").read_text()
    (folder / "test_fit.py").write_text(source.replace("CLAIMS = []", f"{MADE}\nCLAIMS = [values('A-fit-x', {of})]"))
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"claims/test_fit.py:*: *{said.replace('[', '[[]')}*"])


def test_too_few_seeds_asked_for_are_refused(elsewhere, pytester, project):
    elsewhere(f"[{TABLE}]", passed=1, deselected=1)
    result = pytester.runpytest("claims", "--max-seeds", "7")
    result.stderr.fnmatch_lines(["ERROR: --max-seeds 7 is below the first look of gap: use 8 or more"])


def test_the_example_of_the_docs_is_judged_as_shown(pytester, project):
    page = (Path(__file__).parents[1] / "docs" / "claims.md").read_text()
    section = page.split("\n## Values from elsewhere\n")[1].split("\n## ")[0]
    source, table, rule = re.findall(r"^```(?:python)?\n(.*?)^```", section, re.M | re.S)
    folder = pytester.path / "claims"
    folder.mkdir()
    (folder / "test_mine.py").write_text(source)
    (folder / "averaging.csv").write_text(table)
    pytester.runpytest("claims").assert_outcomes(passed=1, skipped=2, deselected=3)
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]
    assert [(one["verdict"], one["holds"]) for one in found] == [
        ("supported", 8),
        ("inconclusive", 7),
        ("not run", None),
    ]
    assert found[2]["note"].endswith("2 seeds of the 8 that the first look needs")
    names: dict[str, object] = {}
    first, *shown = [line for line in rule.splitlines() if line]
    exec(first, names)
    for line in shown:
        expression, said = line.split("  # ")
        assert repr(eval(expression, names)) == said


def test_a_budget_stops_a_function_between_seeds_and_no_table(elsewhere, monkeypatch):
    left = property(lambda self: 60.0 if len(elsewhere.called()) < 3 else -1.0)
    monkeypatch.setattr("hw1bench.session.budget.Budget.left", left)
    claims = f"[values('A-fit-f', measure), {TABLE}, values('A-fit-g', measure, version='2')]"
    found = {one["id"]: one for one in elsewhere(claims, "--budget", "1", passed=1, skipped=2, deselected=3)}
    assert elsewhere.called() == [0, 1, 2]
    assert found["A-fit-x"]["verdict"] == "supported"
    assert found["A-fit-f"]["note"] == "no time left in --budget 1: stopped before its end, what is trained is kept"
    assert found["A-fit-g"]["note"] == "no time left in --budget 1"
