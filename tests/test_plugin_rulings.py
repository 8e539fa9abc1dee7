"""Rulings as a user sees them: what they are bound to, rulings that are gone, files that cannot be written."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import hw1bench
from hw1bench.court import rulings
from hw1bench.court.rulings import ELSEWHERE, RECORD_ANEW
from sample_ruling import ruling

ONE = "[claim('A-fit-x', 'supported')]"
BY_LOSS = "[Claim('A-fit-x', report='A', where='', says='', experiment=TOY, effect=loss_below({limit!r}, 'net'))]"


def entries(pytester):
    return json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]


def said(result):
    return " ".join(f"{result.stdout.str()}\n{result.stderr.str()}".split())


def test_a_ruling_on_another_subject_is_shown_and_does_not_count(pytester, project):
    by_loss = BY_LOSS.format(limit=1e-3)
    folder = project(f"{by_loss} + [claim('A-fit-y', 'supported', experiment('other')), count('B-count-z', 10)]")
    pytester.runpytest("claims", "--record-rulings").assert_outcomes(xfailed=1, passed=2, deselected=3)
    recorded = (folder / rulings.FILE).read_text()
    by_loss = BY_LOSS.format(limit=1.0000001e-3)
    project(f"{by_loss} + [claim('A-fit-y', 'supported', experiment('other', epochs=4)), count('B-count-z', 11)]")
    result = pytester.runpytest("claims")
    result.assert_outcomes(failed=2, passed=1, deselected=3)
    found = {entry["id"]: (entry["verdict"], entry["ruling"], entry["remark"]) for entry in entries(pytester)}
    assert found == {
        "A-fit-x": ("refuted", None, f"refuted, {ELSEWHERE}"),  # the effect is another
        "A-fit-y": ("supported", None, ELSEWHERE),  # the experiment
        "B-count-z": ("refuted", None, f"refuted, {ELSEWHERE}"),  # the number
    }
    for name, (verdict, _, _) in found.items():
        assert re.search(rf"{name} +{verdict}.*\n +{ELSEWHERE}", result.stdout.str())  # in the closing table
    result = pytester.runpytest("claims", "--strict-rulings")
    result.assert_outcomes(failed=3, deselected=3)
    for name, (verdict, _, _) in found.items():
        assert f"{name}: {verdict}, {ELSEWHERE} ({RECORD_ANEW})" in said(result)
    assert (folder / rulings.FILE).read_text() == recorded  # until it is recorded anew


def test_a_ruling_records_its_evidence(pytester, project):
    folder = project(BY_LOSS.format(limit=0.2))
    pytester.runpytest("claims", "--record-rulings")
    (one,) = rulings.load(folder / rulings.FILE).values()
    (entry,) = entries(pytester)
    assert (one.holds, one.seeds, one.median) == (entry["holds"], entry["seeds"], entry["effect"]["median"])
    assert list(one.interval) == entry["effect"]["interval"]
    assert one.experiment == entry["experiment"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", one.date)
    assert one.seconds == round(entry["seconds"], 2)


REDUCED = (
    "Claim({name!r}, report='A', where='1', says='It is.', about_not_training=True, effect=Effect('made up', '', {effect}),"
    "experiment=Experiment(report='A', name='r', full=experiment('r', 4).full, quick=experiment('r', 2).quick))"
)


def test_a_pilot_is_shown_beside_the_record_with_the_calibration_of_its_kind(pytester, project):
    effects = {  # a pilot that agrees, one that differs, and one that decides nothing
        "A-fit-same": "lambda runs: 1.0",
        "A-fit-other": "lambda runs: 1.0 if runs['net'].arm.epochs == 2 else -1.0",
        "A-fit-mixed": "lambda runs: 1.0 if runs['net'].arm.epochs == 4 or runs['net'].seed % 2 else -1.0",
    }
    claims = (
        f"[count('B-count-z', 10), {', '.join(REDUCED.format(name=name, effect=effects[name]) for name in effects)}]"
    )
    folder = project(claims.replace("Experiment(", "__import__('hw1bench').Experiment("))
    pytester.runpytest("claims", "--record-rulings", "-m", "gpu", "--device", "cpu")
    pytester.runpytest("claims", "--record-rulings")
    found = {entry["id"]: (entry["agreement"], entry["calibration"]) for entry in entries(pytester)}
    half = {"kind": "fit, own effect", "agree": 1, "of": 2}
    assert found == {
        "A-fit-same": ("agrees", half),
        "A-fit-other": ("differs", half),
        "A-fit-mixed": (None, half),
        "B-count-z": (None, None),  # a verdict, not a pilot
    }
    pytester.runpytest("claims", "-k", "same")  # the calibration is that of all claims, selected or not
    assert {entry["id"]: (entry["agreement"], entry["calibration"]) for entry in entries(pytester)} == found
    path = folder / "test_fit.py"
    path.write_text(path.read_text().replace("runs['net'].arm.epochs == 2", "not runs['net'].arm.epochs == 4"))
    pytester.runpytest("claims", "-k", "same")  # without the claim whose rulings are on another effect by now
    same = next(entry for entry in entries(pytester) if entry["id"] == "A-fit-same")
    assert same["calibration"] == {**half, "of": 1}
    (folder / rulings.FILE).unlink()
    pytester.runpytest("claims", "-k", "same")
    same = next(entry for entry in entries(pytester) if entry["id"] == "A-fit-same")
    assert (same["verdict"], same["record"], same["calibration"]) == ("seen", None, None)


def test_an_effect_that_is_not_a_finding_leaves_the_earlier_ruling(pytester, project):
    folder = project(ONE)
    pytester.runpytest("claims", "--record-rulings")
    before = (folder / rulings.FILE).read_text()
    path = folder / "test_fit.py"
    value = "'3' if runs['net'].seed == 5 else 1.0"
    path.write_text(path.read_text().replace('"supported": lambda runs: 1.0', f'"supported": lambda runs: {value}'))
    result = pytester.runpytest("claims", "--record-rulings")
    result.assert_outcomes(failed=1, deselected=1)
    assert "effect 'made to be supported': '3' (str) is not a real number" in result.stdout.str()
    assert "Traceback" not in said(result)
    assert "hw1bench/" not in re.sub(r"rootdir: .*|plugins: .*", "", result.stdout.str())
    (entry,) = entries(pytester)
    assert (entry["verdict"], entry["outcome"], entry["effect"]) == ("error", "failed", None)
    assert (folder / rulings.FILE).read_text() == before


def test_undefined_and_infinite_effects_are_told_apart(pytester, project):
    folder = project(ONE)
    path = folder / "test_fit.py"
    source = "lambda runs: float(['nan', 'inf', '-inf', '-inf', '-inf', '-inf', '-inf', '-inf'][runs['net'].seed % 8])"
    path.write_text(path.read_text().replace('"supported": lambda runs: 1.0', f'"supported": {source}'))
    result = pytester.runpytest("claims", "--max-seeds", "8", "--strict-rulings", "--record-rulings")
    result.stdout.fnmatch_lines(["*A-fit-x*inconclusive*1/8*-infinity parts*"])
    (entry,) = entries(pytester)
    assert entry["effect"]["values"] == [None] * 8
    assert entry["effect"]["median"] is None
    assert entry["effect"]["not_finite"] == {
        "median": "-infinity",
        "low": "undefined",
        "high": "+infinity",
        "0": "undefined",
        "1": "+infinity",
        **{str(index): "-infinity" for index in range(2, 8)},
    }
    (one,) = rulings.load(folder / rulings.FILE).values()
    assert (one.median, one.interval) == ("-infinity", ("undefined", "+infinity"))


GONE = [
    ruling("A-fit-gone"),
    ruling("A-fit-x", tier="fulll"),
    ruling("B-count-gone", topic="removed"),
    ruling("A-grad-gone", topic="grad"),
    ruling("A-fit-one"),
]


@pytest.fixture
def folder_with_gone(pytester, project):
    """Two files of claims, with rulings on their claims, on claims of theirs that are gone, and on a file that is gone."""
    folder = project("[claim('A-fit-x', 'supported'), claim('A-fit-y', 'supported')]")
    project("[pytest.param(claim('A-grad-x', 'supported'), id='odd')]", topic="grad")
    here = [replace(ruling(name), topic=name.split("-")[1]) for name in ("A-fit-x", "A-fit-y", "A-grad-x")]
    rulings.save(folder / rulings.FILE, [*here, *GONE])
    return folder


HERE = {("A-fit-x", "quick"), ("A-fit-y", "quick"), ("A-grad-x", "quick")}


@pytest.mark.parametrize(
    ("arguments", "removed"),
    [
        (["claims", "-k", "fit-x"], GONE),
        (["claims/test_fit.py"], [GONE[0], GONE[1], GONE[4]]),
        (["claims/test_fit.py::test_claim[quick-A-fit-x]"], [GONE[1]]),
        (["claims", "--ignore", "claims/test_grad.py"], [GONE[0], GONE[1], GONE[4]]),
    ],
    ids=["folder", "file", "test", "--ignore"],
)
def test_rulings_that_are_gone_are_pruned_and_rulings_not_collected_are_left(
    pytester, folder_with_gone, arguments, removed
):
    path = folder_with_gone / rulings.FILE
    text = said(pytester.runpytest(*arguments, "--prune-rulings"))
    for one in removed:
        assert f"'{one.claim} ({one.tier})'" in text
    assert "removed rulings on claims or tiers that are gone" in text
    expected = HERE | {one.place for one in GONE if one not in removed}
    assert set(rulings.load(path)) == expected


def test_a_file_that_fails_or_skips_is_not_treated_as_empty(pytester, folder_with_gone):
    path = folder_with_gone / rulings.FILE
    grad = folder_with_gone / "test_grad.py"
    grad.write_text("import pytest\npytest.skip('later', allow_module_level=True)\n" + grad.read_text())
    pytester.runpytest("claims", "--prune-rulings")
    left = HERE | {("A-grad-gone", "quick"), ("B-count-gone", "quick")}
    assert set(rulings.load(path)) == left
    grad.write_text("import nothing_of_that_name\n")
    pytester.runpytest("claims", "--prune-rulings", "--continue-on-collection-errors")
    assert set(rulings.load(path)) == left


def test_rulings_that_are_gone_are_left_and_the_first_five_are_named(pytester, project):
    folder = project(ONE)
    rulings.save(folder / rulings.FILE, [ruling(f"A-fit-gone-{index}") for index in range(9)])
    result = pytester.runpytest("claims")
    result.assert_outcomes(passed=1, deselected=1)
    assert len(rulings.load(folder / rulings.FILE)) == 9
    assert "'A-fit-gone-4 (quick)' and 4 more: --prune-rulings removes them" in said(result)


def test_a_read_only_rulings_file_gets_one_line_at_the_start(pytester, project):
    folder = project(ONE)
    rulings.save(folder / rulings.FILE, [])
    (folder / rulings.FILE).chmod(0o444)
    result = pytester.runpytest("claims", "--record-rulings")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "make it writable, or leave out --record-rulings" in said(result)
    assert not (pytester.path / "reports" / "claims.json").exists()
    pytester.runpytest("claims").assert_outcomes(passed=1, deselected=1)


def test_a_rulings_file_malformed_in_mid_session_loses_no_verdict_and_no_ruling(pytester, project):
    folder = project("[claim('A-fit-x', 'supported'), claim('A-fit-y', 'supported'), claim('A-fit-z', 'refuted')]")
    path = folder / "test_fit.py"
    tearing = "__import__('pathlib').Path(__file__).with_name('rulings.json').write_text('{')"
    broken = f"[({tearing} if runs['net'].seed == 5 else 0, 1.0)[1]][0]"  # not when it is rehearsed
    path.write_text(path.read_text().replace('"supported": lambda runs: 1.0', f'"supported": lambda runs: {broken}'))
    result = pytester.runpytest("claims", "--record-rulings")
    result.assert_outcomes(passed=2, failed=1, deselected=3)
    text = said(result)
    assert text.count("is malformed") == 1
    assert "3 rulings of this session could not be put on record" in text
    assert result.ret == 74
    result.stdout.fnmatch_lines(["ERROR: 3 rulings are not on record, for the reason told above"])
    kept = rulings.load(pytester.path / "reports" / "unrecorded-rulings.json")
    assert {claim for claim, _ in kept} == {"A-fit-x", "A-fit-y", "A-fit-z"}
    found = [(entry["verdict"], entry["ruling"], entry["outcome"]) for entry in entries(pytester)]
    assert found == [("supported", None, "passed"), ("supported", None, "passed"), ("refuted", None, "failed")]


@pytest.mark.parametrize("strict", [(), ("--strict-rulings",)])
def test_rulings_that_a_full_disk_refuses_are_not_on_record_and_end_in_a_status(pytester, project, monkeypatch, strict):
    def full(path, *rest):
        raise OSError(28, "No space left on device", str(path))

    folder = project("[claim('A-fit-x', 'refuted')]")
    monkeypatch.setattr(rulings, "save", full)
    result = pytester.runpytest("claims", "--record-rulings", *strict)
    assert result.ret == 74
    assert not (folder / rulings.FILE).exists()
    assert "1 ruling of this session could not be put on record" in said(result)
    result.stdout.fnmatch_lines(["ERROR: 1 ruling is not on record, for the reason told above"])
    (entry,) = entries(pytester)
    assert (entry["verdict"], entry["ruling"], entry["outcome"]) == ("refuted", None, "failed")


def test_a_ruling_that_is_put_on_record_at_the_end_is_not_lost(pytester, project, monkeypatch):
    save, times = rulings.save, []

    def first_fails(path, *rest):
        times.append(path)
        if len(times) == 1:
            raise OSError(28, "No space left on device", str(path))
        save(path, *rest)

    folder = project(ONE)
    monkeypatch.setattr(rulings, "save", first_fails)
    assert pytester.runpytest("claims", "--record-rulings").ret == 0
    assert len(rulings.load(folder / rulings.FILE)) == 1
    assert not (pytester.path / "reports" / "unrecorded-rulings.json").exists()


def test_two_simultaneous_sessions_record_all_they_judged(pytester, project):
    names = [f"{topic}-{index}" for topic in ("fit", "grad") for index in range(3)]
    for topic in ("fit", "grad"):
        made = ", ".join(f"count('A-{name}', 10)" for name in names if name.startswith(topic))
        folder = project(f"[{made}]", topic=topic)
    sessions = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                f"claims/test_{topic}.py",
                "--record-rulings",
                "--report-dir",
                topic,
            ],
            cwd=pytester.path,
            env={**os.environ, "PYTHONPATH": str(Path(hw1bench.__file__).parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
        for topic in ("fit", "grad")
    ]
    for session in sessions:
        text, _ = session.communicate(timeout=120)
        assert session.returncode == 0, text
    assert {claim for claim, _ in rulings.load(folder / rulings.FILE)} == {f"A-{name}" for name in names}


def test_a_claim_in_a_file_of_another_name_is_not_treated_as_gone(pytester, project):
    folder = project(ONE)
    (folder / "test_fit.py").rename(folder / "claims_fit.py")
    (folder / "claims_size.py").write_text((folder / "claims_fit.py").read_text().replace("A-fit-x", "A-size-y"))
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\nfilterwarnings = error\npython_files = claims_*.py\n")
    pytester.runpytest("claims", "--record-rulings").assert_outcomes(passed=2, deselected=2)
    pytester.runpytest("claims/claims_fit.py", "--prune-rulings")
    assert len(rulings.load(folder / rulings.FILE)) == 2
