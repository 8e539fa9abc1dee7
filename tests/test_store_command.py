"""The command ``store``: it lists the store by experiment, and removes what no present claim needs; ``export`` and ``import``."""

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest

from hw1bench.court.abouts import about, about_value
from hw1bench.court.docket import Case
from hw1bench.court.elsewhere import key
from hw1bench.court.values import Values
from hw1bench.effects import loss_below
from hw1bench.records import stock
from hw1bench.records.runs import Block, Measured
from hw1bench.records.stock import Entry
from hw1bench.session.needs import needs
from hw1bench.session.outlook import Outlook
from hw1bench.specs.measurement import JacobianNorm
from hw1bench.support import code
from made_court import EXPERIMENT, PAIR, SWEEP, claim

CLAIMS = """[
    claim("A-fit-toy", "supported"),
    claim("A-fit-own", "supported", replace(TOY, name="own", quick=OWN, full=OWN, figures=())),
    Claim("A-fit-gap", report="A", where="1", says="It.", effect=Values(gap, name="gap")),
]
"""
BEFORE = """
from hw1bench import Values, measure


@measure(gives="length")
def length(network, data, generator):
    return {"length": sum(float(weight.detach().sum()) for weight in network.parameters())}


def gap(seed):
    return 1.0


OWN = replace(TOY.quick, measures=(length,), looks=(8,))
"""


@pytest.fixture
def write(project):
    """Write a file of claims."""

    def make(claims=CLAIMS, before=BEFORE):
        folder = project("[]")
        source = (folder / "test_fit.py").read_text()
        (folder / "test_fit.py").write_text(source.replace("CLAIMS = []", f"{before}\nCLAIMS = {claims}"))

    return make


@pytest.fixture
def judged(write, pytester, capsys):
    """Judge the claims, and return the entries of claims.json."""

    def judge(*arguments, **changes):
        write(**changes)
        pytester.runpytest("claims", *arguments).assert_outcomes(passed=changes.get("claims", CLAIMS).count('"A-fit-'))
        capsys.readouterr()
        return json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]

    return judge


@pytest.fixture
def store(command, pytester):
    """Run a command, and return the rows of its tables by experiment and the rest of its lines."""

    def run(*arguments, status=0):
        found = command(pytester.path, *arguments)
        assert found.returncode == status, found.stderr
        lines = found.stdout.splitlines()
        return {cells[0]: cells[1:] for cells in (re.split(r" {2,}", line) for line in lines) if len(cells) > 3}, lines

    return run


def kept(folder):
    return {one.of.whose: one.of.kind for one in stock.entries(folder / "reports" / "blocks")}


def test_what_claims_need_is_listed_and_the_rest_pruned(judged, store, pytester, write):
    first = judged("-m", "not gpu")
    rows, lines = store("store")
    assert lines[0].startswith("reports/blocks: 11 records, ")
    assert (rows["A-toy"][:1], rows["A-own"][:2], rows["gap"][:1]) == (["1"], ["1", "1"], ["8"])
    assert {row[-1] for name, row in rows.items() if name != "experiment"} == {"all"}
    before = stock.entries(Path("reports/blocks"))

    # One experiment is trained for longer, and nothing measures the other any more.
    changed = {"claims": CLAIMS.replace('"supported"),', '"supported", experiment("toy", 4)),')}
    write(**changed, before=BEFORE.replace("measures=(length,), ", ""))
    rows, lines = store("store")
    assert {name: row[-1] for name, row in rows.items()} == {
        "experiment": "needed",
        "A-toy": "none",
        "A-own": "1 of 2",
        "gap": "all",
        "sum": "9 of 11",
    }
    assert lines[-1].startswith("--prune would remove 2 records, ")
    assert stock.entries(Path("reports/blocks")) == before
    rows, lines = store("store", "--prune")
    assert any(line.startswith("Removed, not needed: 2 records, ") for line in lines)
    assert any(re.fullmatch(r"not needed: removed 2 records, .* MB; kept 9 records, .* MB", line) for line in lines)
    assert kept(pytester.path) == {"A-own": "trained", "gap": "values"}
    assert "--prune would" not in lines[-1]

    # What was kept is reused, what was removed trained again, to the same verdicts.
    again = judged("-m", "not gpu")
    assert [one["reused"] for one in again] == [False, False, True]
    assert [(one["verdict"], one["effect"]) for one in again] == [(one["verdict"], one["effect"]) for one in first]
    pytester.path.joinpath("claims").rename("elsewhere")
    _, lines = store("store", "--claims", "elsewhere/test_fit.py", "--prune")
    assert "not needed: removed 0 records, 0.0 MB; kept 11 records, " in "\n".join(lines)


def test_without_claims_a_store_is_listed_and_not_pruned(judged, store, command, pytester):
    judged("-m", "not gpu")
    shutil.rmtree("claims")
    rows, lines = store("store", "reports")
    assert rows["A-toy"][-1].endswith("ago")
    assert lines[1].startswith(
        "What claims need is not known: claims does not exist: name a folder or a file of claims"
    )
    for arguments, why in (
        (["--prune"], "claims does not exist"),
        (["absent"], "absent/blocks is not a folder: name a report directory that has stored blocks"),
        (["--limit", "much"], "--limit 'much' is no size"),
    ):
        found = command(pytester.path, "store", *arguments)
        assert (found.returncode, found.stderr.count("\n")) == (2, 1)
        assert why in found.stderr
    Path("claims").mkdir()
    Path("claims/test_fit.py").write_text("1 / 0")
    found = command(pytester.path, "store", "--prune")
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "cannot be collected" in found.stderr
    assert len(stock.entries(Path("reports/blocks"))) == 11


SKIPS = "import pytest\npytest.importorskip('not_installed_here')\n"


@pytest.mark.parametrize(
    ("addopts", "file", "head", "missed"),
    [
        ("", "claims/test_more.py", SKIPS, "claims/test_more.py"),
        ("", "claims/below/test_more.py", SKIPS, "claims/below/test_more.py"),
        ("", "claims/below/conftest.py", SKIPS, "claims/below"),
        (
            "",
            "claims/test_more.py",
            "class TestMore:\n    import pytest\n    pytest.skip('', allow_module_level=True)\n",
            "*",
        ),
        ("--ignore=claims/test_more.py", "claims/test_more.py", "", "claims/test_more.py"),
        ("--ignore=claims/below", "claims/below/deep/test_more.py", "", "claims/below"),
        ("", "claims/conftest.py", "collect_ignore = ['test_fit.py']\n", "claims/test_fit.py"),
        ("-p cacheprovider --lf", "claims/test_more.py", "", "claims"),
    ],
    ids=["skipped", "below", "folder", "class", "ignored", "ignored-folder", "by-conftest", "lf"],
)
def test_nothing_is_pruned_if_not_all_claims_can_be_known(judged, command, pytester, addopts, file, head, missed):
    judged("-m", "not gpu")
    source = Path("claims/test_fit.py").read_text()
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head if path.name == "conftest.py" else head + source.replace("A-fit-", "A-more-"))
    if path.name == "conftest.py":  # what is collected has claims
        Path("claims", "below" if path.parent.name == "below" else "", "test_more.py").write_text(
            source.replace("A-fit-", "A-more-")
        )
    pytester.makeini(f"[pytest]\naddopts = {addopts}\n")
    found = command(pytester.path, "store", "--prune")
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1), found.stdout
    said = f"hw1bench: {missed} was skipped, ignored or collected in part: let pytest collect all of it, or name with --claims *"
    assert fnmatch(found.stderr, f"{said}\n")
    assert len(stock.entries(Path("reports/blocks"))) == 11
    listed = command(pytester.path, "store")
    assert (listed.returncode, "needed" in listed.stdout.splitlines()[1]) == (0, False)
    assert f"What claims need is not known: {found.stderr.removeprefix('hw1bench: ').strip()}." in listed.stdout


def test_what_pytest_passes_by_keeps_nothing_from_being_pruned(judged, store, pytester):
    judged("-m", "not gpu")
    for name in ("venv", ".git", "build", "__pycache__"):
        pytester.path.joinpath("claims", name).mkdir(exist_ok=True)
        pytester.path.joinpath("claims", name, "test_more.py").write_text(SKIPS)
    pytester.path.joinpath("claims", "empty").mkdir()
    pytester.path.joinpath("claims", "test_data.csv").touch()
    pytester.makeini("[pytest]\npython_files = test_*\n")
    _, lines = store("store", "--prune")
    assert any(line.startswith("not needed: removed 0 records") for line in lines)


@pytest.mark.parametrize(
    "addopts", ["--deselect claims/test_fit.py", "-k nothing", "-m gpu", "--deselect=claims --strict-markers"]
)
def test_claims_that_are_not_selected_are_needed(judged, store, pytester, addopts):
    judged("-m", "not gpu")
    pytester.makeini(f"[pytest]\naddopts = {addopts}\n")
    rows, lines = store("store", "--prune")
    assert any(line.startswith("not needed: removed 0 records") for line in lines)
    assert rows["sum"][-1] == "all"


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_of_two_repositories_each_is_asked_what_it_needs(judged, store, pytester, monkeypatch, mode):
    """With files, claims and neighbours of the same names."""
    for name in [
        name for name in sys.modules if name.partition(".")[0] == "claims"
    ]:  # of this repository, by other tests
        monkeypatch.delitem(sys.modules, name)
    judged("-m", "not gpu")
    source = Path("claims/test_fit.py").read_text().replace("epochs=3", "epochs=EPOCHS")
    imports = {"prepend": "from neighbour import EPOCHS\n", "importlib": "from .neighbour import EPOCHS\n"}[mode]
    for name, epochs, version in (("a", 3, 1), ("b", 4, 2)):
        folder = Path(name, "claims")
        folder.mkdir(parents=True)
        text = source.replace('name="gap")', f'name="gap", version="{version}")' if version > 1 else 'name="gap")')
        (folder / "test_fit.py").write_text(imports + text)
        (folder / "neighbour.py").write_text(f"EPOCHS = {epochs}\n")
        Path(name, "pytest.ini").write_text(f"[pytest]\naddopts = --import-mode={mode}\n")
    modules, places = set(sys.modules), [*sys.path]
    for folders in (["a", "b"], ["b", "a"]):
        rows, lines = store("store", "--prune", *(part for name in folders for part in ("--claims", f"{name}/claims")))
        assert any(line.startswith("not needed: removed 0 records") for line in lines)
        assert rows["sum"][-1] == "all"
    assert not [name for name in set(sys.modules) - modules if "test_fit" in name or "neighbour" in name]
    assert sys.path == places
    _, lines = store("store", "--prune", "--claims", "b/claims")
    assert any(line.startswith("Removed, not needed: 11 records") for line in lines)


def test_a_limit_removes_what_was_not_used_for_longest(judged, store, pytester):
    judged("-m", "not gpu")
    blocks = Path("reports/blocks")
    for path in blocks.iterdir():
        os.utime(path, (1_000, 1_000))
    judged("-m", "not gpu", "-k", "toy", claims='[claim("A-fit-toy", "supported")]')
    (used,) = (one for one in stock.entries(blocks) if one.of.whose == "A-toy")
    _, lines = store("store", "--limit", f"{used.size}B")
    assert any(line.startswith("over the limit: removed 10 records, ") for line in lines)
    assert stock.entries(blocks) == [used]


def test_records_are_exported_and_imported_by_experiment(judged, store, command, pytester):
    judged("-m", "not gpu")
    _, lines = store("export", "own.tar", "A-own")
    assert lines == [f"own.tar: 2 records, {os.path.getsize('own.tar') / 1e6:.1f} MB"]
    _, lines = store("import", "own.tar", "--into", "other")
    assert lines[-1].startswith("other/blocks: 2 records, ")
    assert lines[-1].endswith(" added, 0 there already")
    store("export", "all.tar", "--from", "reports")
    _, lines = store("import", "all.tar", "--into", "other")
    assert "9 records" in lines[-1]
    assert lines[-1].endswith("2 there already")
    judged("-m", "not gpu", "--report-dir", "other")
    assert all(one["reused"] for one in json.loads(Path("other/claims.json").read_text())["claims"])

    size = os.path.getsize("all.tar")
    record = next(Path("other/blocks").iterdir())
    record.write_text("no record")
    _, lines = store("export", "damaged.tar", "--from", "other", status=1)
    assert lines[0].startswith(f"'{record.name}' is left out: ")
    for arguments, why in (
        (["export", "claims.json"], "claims.json does not end in .tar"),
        (["export", "x.tar", "A-none"], "reports/blocks has no records of 'A-none': there are A-own, A-toy, gap"),
        (["export", "x.tar", "--from", "claims"], "claims/blocks is not a folder"),
        (["export", "all.tar"], "all.tar is there already: give another name, or remove it"),
        (["import", "absent.tar"], "absent.tar is not a file: name one that hw1bench export wrote"),
        (["import", "claims/test_fit.py"], "test_fit.py"),
    ):
        found = command(pytester.path, *arguments)
        assert (found.returncode, found.stderr.count("\n")) == (2, 1)
        assert why in found.stderr
    assert not Path("x.tar").exists()
    assert os.path.getsize("all.tar") == size


def outlook(*subjects, tier="quick"):
    made = Outlook(tier)
    for subject in subjects:
        made.add(subject, "fit")
    return made


def entry(of, first_seed=0, **fields):
    return Entry(Path("0" * 32), 1, 0, replace(about(of), first_seed=first_seed) if of else None, **fields)


def block(experiment, arm, first_seed=0):
    return Block(experiment.report, experiment.name, experiment.quick.arms[arm], first_seed)


def test_seeds_up_to_the_last_look_are_needed_wherever_a_session_begins(tmp_path):
    found = needs([], [outlook(claim(loss_below(1, "a")))], tmp_path)
    of = block(EXPERIMENT, 0)
    needed = [first for first in (0, 8, 16, 500, 1_000_000, 1_000_008, 1_000_016) if found.has(entry(of, first))]
    assert needed == [0, 8, 1_000_000, 1_000_008]
    assert not found.has(entry(block(EXPERIMENT, 1)))  # an arm that no claim compares


def test_seeds_of_the_report_that_is_there_are_needed(tmp_path, judged, pytester, store):
    judged("-m", "not gpu", "--seed-offset", "500")
    rows, _ = store("store")
    assert rows["sum"][-1] == "all"
    (pytester.path / "reports" / "claims.json").unlink()
    rows, _ = store("store")
    assert rows["sum"][-1] == "none"


def test_what_a_figure_shows_is_needed_at_the_first_look_alone():
    found = needs([], [outlook(EXPERIMENT, claim(loss_below(1, "a")))], Path("absent"))
    assert [found.has(entry(block(EXPERIMENT, arm), first)) for arm in (0, 1) for first in (0, 8)] == [1, 1, 1, 0]


def test_measurements_are_needed_of_the_arms_that_claims_compare():
    found = needs([], [outlook(claim(loss_below(1, "b"), experiment=one)) for one in (SWEEP, PAIR)], Path("absent"))
    (norm,) = SWEEP.quick.measures
    assert isinstance(norm, JacobianNorm)
    assert [found.has(entry(Measured(norm, (block(SWEEP, arm),)))) for arm in (0, 1)] == [False, True]
    pair = Measured(PAIR.quick.measures[0], (block(PAIR, 0), block(PAIR, 1)))
    assert not found.has(entry(pair))
    both = needs([], [outlook(PAIR)], Path("absent"))
    assert both.has(entry(pair))
    assert not both.has(entry(replace(pair, measurement=replace(pair.measurement, mark_every=2))))


def test_what_this_version_would_not_make_again_is_not_needed(monkeypatch):
    trained, now = block(SWEEP, 0), code.digest
    made = [entry(trained), entry(Measured(JacobianNorm(), (trained,)))]
    for changed, needed in (("", [True, True]), ("measures", [True, False]), ("training", [False, False])):
        monkeypatch.setattr(code, "digest", lambda folder, changed=changed: "" if folder == changed else now(folder))
        assert list(map(needs([], [outlook(SWEEP)], Path("absent")).has, made)) == needed


def test_variants_of_claims_are_needed_and_what_is_reduced_has_none():
    arm = replace(EXPERIMENT.full.arms[0], name="a")
    varied = replace(block(EXPERIMENT, 0), arm=replace(arm, model=replace(arm.model, init="keras")))
    for full, expected in ((EXPERIMENT.full, True), (replace(EXPERIMENT.full, arms=EXPERIMENT.full.arms[:1]), False)):
        experiment = replace(EXPERIMENT, full=full)
        found = needs([], [outlook(claim(loss_below(1, "a"), experiment=experiment))], Path("absent"))
        assert found.has(entry(varied)) == expected


def test_computed_values_are_needed_by_seed_and_in_schema_1_by_their_key():
    values = Values(lambda seed: float(seed), name="gap", looks=(8, 16))
    other = Values(dict.fromkeys(range(8), 1.0), name="table", looks=(8,))
    cases = [Case(claim(of, experiment=None), "fit", Path("rulings.json")) for of in (values, other)]
    found = needs(cases, [], Path("absent"))
    seeds = (0, 15, 16, 1_000_015)
    assert [found.has(Entry(Path("0"), 1, 0, about_value(values, seed))) for seed in seeds] == [1, 1, 0, 1]
    old = [Entry(Path(f"{key(values, seed)}.npz"), 1, 0, state="of schema 1") for seed in seeds]
    assert [found.has(one) for one in old] == [1, 1, 0, 1]
    assert not found.has(Entry(Path("0"), 1, 0, about_value(replace(values, version="2"), 0)))


def test_what_is_damaged_is_not_needed_and_what_does_not_tell_not_judged():
    found = needs([], [outlook(EXPERIMENT)], Path("absent"))
    states = ("damaged", "of schema 1", "of another version", "not readable")
    assert [found.has(entry(None, state=state)) for state in states] == [False, False, True, True]
