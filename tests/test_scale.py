"""What scale costs: the tables of clusters and blocks, the command that prints them, and the page in the docs."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from hw1bench.court import costs
from hw1bench.court.schedule import Node
from hw1bench.session.outlook import Outlook
from hw1bench.session.scale import CLUSTERS, MARK, nodes_of, sections
from hw1bench.session.sections import placed
from hw1bench.session.tasks import Times
from made_record import DENSE, book, case, experiment, ruled

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
FIT, IMAGES = case(), case("T-y", of=experiment("images", DENSE))  # each compares two arms; looks at 8, 16 and 32
TIMED = [
    ruled(FIT, seconds=6.0),
    ruled(IMAGES, seconds=3600.0),
]  # of two threads: 6 s and an hour of one CPU for a block


def outlook(*cases):
    found = Outlook("full")
    for one in cases:
        found.add(one.claim, "fit")
    return found


def times(*record, cases=(FIT, IMAGES)):
    return Times(costs.timed(cases, book(*record)))


def tables(*cases, clusters):
    return sections(outlook(*cases), cases, times(*TIMED, cases=cases), clusters)


def rows(section):
    return {title: [dict(zip(section.head, row, strict=True)) for row in some] for title, some in section.groups}


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("2", [Node(2)]),
        ("1,1", [Node(1), Node(1)]),
        ("16+1", [Node(16, 1)]),
        ("2x16+8, 3", [Node(16, 8), Node(16, 8), Node(3)]),
        ("10000x1", [Node(1)] * 10_000),
    ],
)
def test_clusters_are_named_by_their_nodes(text, nodes):
    assert nodes_of(text) == nodes


@pytest.mark.parametrize("text", ["", "0", "1,,1", "x2", "0x2", "+1", "2+", "-1", "two", "٣", "10000x1,1", "1e3"])
def test_what_names_no_cluster_is_refused_in_a_line(text):
    with pytest.raises(ValueError, match="names no cluster: give CPUs by node") as refused:
        nodes_of(text)
    assert "\n" not in str(refused.value)


def test_the_times_of_looks_on_clusters():
    """Two blocks of the fit and two of images at the first look, as many at the second, twice as many at the last."""
    table, _ = tables(FIT, IMAGES, clusters=["1", "2", "16", "64", "1,1"])
    found = rows(table)
    first, whole = found["First look, of 8 seeds"], found["All looks, of up to 32 seeds"]
    assert [row["cluster"] for row in first] == ["1 CPU", "2 CPUs", "16 CPUs", "64 CPUs", "2 CPUs on 2 nodes"]
    took = [row["time"] for row in first]
    assert took == ["2 h 0 min", "1 h 0 min", "7 min 36 s", "7 min 30 s", "1 h 0 min"]  # 8 CPUs for a block of images
    took = [row["time"] for row in whole]
    assert took == ["8 h 0 min", "4 h 0 min", "30 min 12 s", "22 min 30 s", "4 h 0 min"]
    assert [row["efficiency"] for row in first] == ["100 %", "100 %", "99 %", "25 %", "100 %"]
    assert [row["bounded by"] for row in first] == ["CPUs"] * 3 + ["T-images, a, seeds 0-7", "CPUs"]
    assert whole[3]["bounded by"].startswith("3 tasks in turn, such as T-images, a, seeds")
    assert [row["GPU time"] for row in first] == ["–"] * 5
    assert [row["sent"] for row in first] == ["–"] * 4 + ["0.2 GB"]  # MNIST, to one node


def test_on_gpus_the_time_of_gpus_counts():
    gpu = ruled(IMAGES, seconds=80.0, environment={"device": "H100", "threads": 16})
    table, blocks = sections(outlook(FIT, IMAGES), [FIT, IMAGES], times(TIMED[0], gpu), ["8+1", "2x8+2"])
    one, more = rows(table)["First look, of 8 seeds"]
    assert (one["cluster"], one["time"], one["GPU time"]) == ("1 GPU, 8 CPUs", "2 min 40 s", "1 min 20 s")
    assert (one["efficiency"], one["bounded by"]) == ("50 %", "T-images, a, seeds 0-7")  # two quarters
    assert (more["cluster"], more["efficiency"]) == ("4 GPUs, 16 CPUs on 2 nodes", "12 %")
    fit, images = rows(blocks)[""]
    assert (fit["GPU, seconds"], fit["GPU, by"]) == ("–", "–")
    assert (images["GPU, seconds"], images["GPU, by"]) == ("40.0", "itself")


def test_blocks_are_listed_with_what_is_known_of_them():
    other = case("T-z", of=experiment("other", replace(DENSE, epochs=8)))
    _, table = sections(outlook(FIT, IMAGES, other), [FIT, IMAGES, other], times(*TIMED), ["1"])
    fit, images, alike = rows(table)[""]
    assert [fit[name] for name in ("experiment", "claims", "arms", "seeds")] == ["T-x", "1", "2", "8 to 32"]
    assert [fit[name] for name in ("CPU, seconds", "CPU, by")] == ["6.00", "itself"]
    assert images["CPU, seconds"] == "3,600"
    assert (alike["CPU, by"], alike["GPU, by"]) == ("kind", "constant")
    assert "The first look is 6 blocks, whose records take" in table.note
    assert "; all looks are 24 blocks, whose records take" in table.note


def test_a_tier_that_trains_nothing_costs_nothing():
    table, blocks = sections(Outlook("full"), [FIT], times(TIMED[0]), ["2"])
    assert (table.text(80, colour=False), blocks.rows) == ("The full tier on clusters\nNothing is trained.", [])


def test_tables_are_put_between_the_marks_of_a_page():
    old = "# Title\n\nProse.\n\n<!-- scale: begin -->\nold\n<!-- scale: end -->\n\nMore.\n"
    new = placed(old, MARK, tables(FIT, clusters=["2"]))
    assert new.startswith("# Title\n\nProse.\n\n<!-- scale: begin -->\n\n## The full tier on clusters\n")
    assert new.endswith("\n\n<!-- scale: end -->\n\nMore.\n")
    assert "\nold\n" not in new
    assert placed(new, MARK, tables(FIT, clusters=["2"])) == new
    for text in ("", "<!-- scale: begin -->", "<!-- scale: end --> <!-- scale: begin -->"):
        with pytest.raises(ValueError, match="no place for the tables"):
            placed(text, MARK, [])


def test_the_command_simulates_what_is_selected_on_the_nodes_that_are_named(project, command, pytester):
    folder = project("[claim('A-fit-x', 'supported'), count('B-count-z', 10)]")
    assert pytester.runpytest("claims", "--record-rulings").ret == 0

    def record(seconds):
        told = json.loads((folder / "rulings.json").read_text())
        trained = [ruling for ruling in told["rulings"] if ruling["seeds"] is not None]
        for ruling in trained:
            ruling["seconds"] = seconds
        (folder / "rulings.json").write_text(json.dumps(told))
        return len(trained)

    assert record(None) == 1
    nothing = command(pytester.path, "plan", "--cluster")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (2, 1)
    assert nothing.stderr.startswith("hw1bench: nobody knows how long training takes on a CPU")
    own = command(pytester.path, "plan", "--cluster", "--times", "reports", "--nodes", "1", "-m", "not gpu")
    assert (own.returncode, own.stderr) == (0, "")
    assert re.search(r"^A-toy .* itself ", own.stdout, re.MULTILINE)
    record(7.0)
    done = command(pytester.path, "plan", "--cluster", "--nodes", "1,1", "-m", "not gpu")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("The ")] == ["The quick tier on clusters"]
    assert done.stdout.count("  2 CPUs on 2 nodes") == 2
    page = pytester.path / "page.md"
    page.write_text("<!-- scale: begin -->\n<!-- scale: end -->\n")
    assert command(pytester.path, "plan", "--cluster", "--markdown", page).returncode == 0
    assert "## The full tier on clusters" in page.read_text()
    assert page.read_text().count("\n| 64 GPUs") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nodes", "2"], "--nodes is for clusters: give --cluster too, or leave it out"),
        (["--times", "reports"], "--times is for clusters: give --cluster too, or leave it out"),
        (["--markdown", "x.md"], "--markdown is for clusters: give --cluster too, or leave it out"),
        (
            ["--cluster", "--device", "cpu"],
            "--device cpu is for a plan of this machine: name --nodes of a cluster instead",
        ),
        (["--cluster", "-k", "absent"], "nothing is selected by -m '' and -k 'absent': give other expressions"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, said, project, command, pytester):
    project("[claim('A-fit-x', 'supported')]")
    done = command(pytester.path, "plan", *arguments)
    assert (done.returncode, done.stderr) == (2, f"hw1bench: {said}\n")


def test_the_page_in_the_docs_is_up_to_date(collected_claims):
    text = PAGE.read_text(encoding="utf-8")
    (outlook,) = collected_claims.outlooks
    known = Times(costs.timed(collected_claims.cases, collected_claims.book))
    found = sections(outlook, collected_claims.cases, known, CLUSTERS)
    assert placed(text, MARK, found) == text, "make scale"


def test_the_page_compares_the_simulation_with_a_cluster_in_the_form_of_the_command():
    text = PAGE.read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- two nodes: begin -->\n")
    head, rule, *lines = rest.partition("\n<!-- two nodes: end -->")[0].splitlines()
    assert (head, rule) == ("| cluster | simulated | measured |", "| --- | ---: | ---: |")
    duration = r"(\d+\.\d s|\d+ min \d+ s|\d+ h \d+ min)"
    assert [line.split(" | ")[0] for line in lines] == ["| 1 CPU", "| 2 CPUs on 2 nodes"]
    assert all(re.fullmatch(rf"\| [^|]+ \| {duration} \| ({duration}|–) \|", line) for line in lines)
