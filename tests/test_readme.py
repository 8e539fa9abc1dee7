"""The facts and examples of README and the docs hold for the code."""

import json
import re
from collections import Counter
from importlib import util
from pathlib import Path

import pytest

from hw1bench.court import rulings
from hw1bench.court.looks import false_probability, outcome_probabilities, plan
from hw1bench.court.vocabulary import PILOTS, RULED, VERDICTS
from hw1bench.report import replication
from hw1bench.report.replication import REPLICATION_OFFSET
from hw1bench.sources.pack import PACK
from test_image_folder import drawn, put

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
OWN_CLAIMS, REPORTS = ((DOCS / page).read_text() for page in ("claims.md", "reports.md"))
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md")]


def examples(page):
    return re.findall(r"```python\n(.*?)```", page, re.S)


@pytest.fixture
def judged(pytester, project):
    """Judge the claims in a text, with a twentieth of the epochs: id -> entry of claims.json."""

    def judge(source):
        folder = pytester.path / "claims"
        folder.mkdir()
        (folder / "test_mine.py").write_text(source.replace("epochs=1_000", "epochs=50"))
        result = pytester.runpytest("claims/", "-m", "mine")
        found = json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]
        assert sum(result.parseoutcomes().get(kind, 0) for kind in ("passed", "failed", "skipped")) == len(found)
        assert all(claim["verdict"] in ("supported", "refuted", "inconclusive") for claim in found)
        return {claim["id"]: claim for claim in found}

    return judge


def test_the_claim_of_ones_own_runs_as_shown(judged):
    (source,) = examples(README)
    ((name, claim),) = judged(source).items()
    assert (name, claim["topic"]) == ("mine-larger-rate-lower-loss", "mine")
    assert claim["figure"] == "figures/mine-rates-loss.svg"


def test_the_data_of_ones_own_are_made_as_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    put(tmp_path / "leaves", drawn(size=32))
    there = {"__file__": str(tmp_path / "test_mine.py")}
    for source in examples((ROOT / "docs" / "data.md").read_text()):
        exec(source, there)
    made = [there[data] for data in ("FEWER", "CATS_AND_DOGS", "FLOWERS", "HOUSES", "LARGEST", "LEAVES")]
    known, own = [(10_000, 10), (10_000, 2)], [(150, 3), (200, 1), (150, 3), (31, 3)]
    assert [(data.samples, data.targets) for data in made] == known + own


def test_the_effect_of_ones_own_runs_as_shown(judged):
    (source,) = examples(README)
    effect, *_ = examples(OWN_CLAIMS)
    test = "@pytest.mark.parametrize"
    assert list(judged(source.replace(test, f"{effect}\n{test}"))) == [
        "mine-larger-rate-lower-loss",
        "mine-large-rate-halves-loss",
    ]


def test_the_readings_of_ones_own_are_judged_as_shown(judged):
    (source,) = examples(README)
    effect, readings, *_ = examples(OWN_CLAIMS)
    test = "@pytest.mark.parametrize"
    found = judged(source.replace(test, f"{effect}\n{readings}\n{test}"))["mine-large-rate-faster"]
    assert [(one["number"], one["reading"]) for one in found["readings"]] == [
        ("loss 0.1", "0.05"),
        ("loss 0.1", "0.01"),
    ]


def test_the_measurement_of_ones_own_runs_as_shown(judged):
    _, _, measurement, *_ = examples(OWN_CLAIMS)
    assert list(judged(measurement)) == ["mine-large-rate-longer-weights"]


def test_the_pack_of_ones_own_is_taken_as_shown(pytester, project):
    *_, source, _ = examples(OWN_CLAIMS)
    one = "Claim('mine-x', report='mine', where='1', says='It has 10.', effect=CountIs(Model('[3]'), 10))"
    (project(f"[{one}]", topic="mine") / "conftest.py").write_text(source)
    pytester.runpytest("claims", "-m", "report_mine").assert_outcomes(passed=1, deselected=1)
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert found["reports"] == [
        {
            "id": "mine",
            "title": "Notes on learning rates",
            "source": "my course",
            "url": "https://example.org/notes.pdf",
        }
    ]
    assert found["topics"] == [{"id": "mine", "title": "Learning rates"}]


def test_the_verdicts_that_readme_tells_are_in_the_sample_report():
    claims = json.loads((ROOT / "reports" / "sample" / "claims.json").read_text())["claims"]
    prose = " ".join(README.split())
    judged = [claim for claim in claims if claim["verdict"] != "not run"]
    said = {
        "as reported": ("are tried as reported: ", RULED),
        "reduced": ("a *pilot* and no verdict: ", PILOTS),
    }
    for fidelity, (before, words) in said.items():
        found = Counter(claim["verdict"] for claim in judged if claim["fidelity"] == fidelity)
        counts = ", ".join(f"{found[word]} {word}" for word in words).replace("no evidence", "without evidence")
        assert f"{before}{counts}." in prose
        assert re.search(rf"\b{found.total()} (claims )?are tried ", prose)
    assert f"The other {len(claims) - len(judged)} need the full tier." in prose
    shown = re.search(r"^  (\S+) +(\w+, \w+) +(\d+)/(\d+)", README, re.M)
    claim = next(claim for claim in claims if claim["id"] == shown[1])
    assert shown[2] == f"{claim['verdict']}, {claim['how']}"
    assert (int(shown[3]), int(shown[4])) == (claim["holds"], claim["seeds"])


def test_every_option_is_explained(pytester, project):
    text = pytester.runpytest("--help").stdout.str()
    options = re.findall(r"^  (--[a-z-]+)", text[text.index("\nclaims:") :].split("\n\n")[0], re.M)
    assert len(options) == 17
    for option in options:
        assert f"| `{option}" in (DOCS / "sessions.md").read_text(), option


@pytest.mark.parametrize("report", PACK.reports, ids=lambda report: report.id)
def test_the_reports_are_those_of_the_pack(report):
    row = f"| {report.id} | {report.source} | {report.title} |"
    told = row in REPORTS
    assert told, f"docs/reports.md has no row {row!r}: add it"


@pytest.mark.parametrize("topic", [topic.id for topic in PACK.topics])
def test_the_number_of_claims_is_right(topic):
    spec = util.spec_from_file_location(f"claims_{topic}", ROOT / "claims" / f"test_{topic}.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    right = f"| {topic} | {len(module.CLAIMS)} " in REPORTS
    assert right, f"docs/reports.md does not say {len(module.CLAIMS)} for {topic}: correct it"


def rows(page):
    return [line.strip("| ").split(" | ") for line in (DOCS / page).read_text().splitlines() if line[:1] == "|"]


@pytest.mark.parametrize("word", VERDICTS)
def test_the_docs_say_how_the_test_of_a_claim_ends(word):
    (cells,) = [cells for cells in rows("rulings.md") if word in cells[0].split(", ")]
    for recorded in [words for words in (RULED, PILOTS) if word in words] or [RULED, PILOTS]:
        assert cells[1:] == [rulings.outcome(word, ruling).kind for ruling in (None, *recorded)]


def test_the_docs_name_what_may_be_on_record_in_the_order_of_the_words():
    (head,) = [cells for cells in rows("rulings.md") if "nothing on record" in cells]
    assert [cell.split(", ") for cell in head[2:]] == [
        list(dict.fromkeys(words)) for words in zip(RULED, PILOTS, strict=True)
    ]


@pytest.mark.parametrize("looks", [(8, 16), (8, 16, 32), (8,)])
def test_the_docs_say_how_often_a_verdict_errs(looks):
    (cells,) = [cells for cells in rows("method.md") if cells[0] == ", ".join(map(str, looks))]
    assert re.findall(r"(\d+) of (\d+)", cells[2]) == [(str(look.bound), str(look.seeds)) for look in plan(looks)]
    support = [outcome_probabilities(share, looks)["supported"] for share in (0.95, 0.8)]
    assert cells[3:] == [f"{false_probability(looks):.3f}", *(f"{probability:.2f}" for probability in support)]


def test_the_docs_say_where_a_replication_begins():
    for page in ("sessions.md", "method.md"):
        assert f"seeds from {REPLICATION_OFFSET:,}" in " ".join((DOCS / page).read_text().split())


def test_the_table_of_the_replication_has_its_place():
    assert replication.put((DOCS / "method.md").read_text(), "table")


def headings(page):
    """The anchors of a page: of its headings, as GitHub makes them, and those that it sets."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    made = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'<a id="([^"]+)"></a>', text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page):
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", prose):
        found = page.parent / target if target else page
        assert found.exists(), target
        assert not anchor or anchor in headings(found), anchor


def test_readme_is_read_in_five_minutes():
    assert len(README.splitlines()) <= 150


def test_every_page_of_the_docs_is_linked_from_readme():
    assert all(f"({page.relative_to(ROOT)})" in README for page in PAGES if page.parent.name == "docs")
