"""The order of a report."""

import pytest

from hw1bench.report.outline import outline, stem
from sample_document import across, claim, document, exact, figure


def test_experiments_of_one_report_keep_their_claims_and_figures_together():
    paths = ["figures/A-fit-sgn-loss.svg", "figures/A-fit-sinc-curves.svg", "figures/A-fit-sinc-loss.svg"]
    found = outline(
        document(
            claim("A-fit-1", experiment="k1", figure=paths[2]),
            claim("A-fit-2", experiment="k2", figure=paths[0]),
            claim("A-fit-3", experiment="k1", figure=None),
            figures=[figure("A", "-", path, path) for path in paths],
        )
    )
    ((part,),) = (section.parts for section in found)
    assert [group.title for group in part.groups] == ["A-fit-sinc", "A-fit-sgn"]
    assert [[shown["id"] for shown in group.claims] for group in part.groups] == [["A-fit-1", "A-fit-3"], ["A-fit-2"]]
    assert [[shown["path"] for shown in group.figures] for group in part.groups] == [paths[1:], paths[:1]]


def test_an_experiment_is_found_by_its_name_where_no_claim_names_a_figure():
    path = "figures/A-fit-sinc-loss.svg"
    found = outline(document(claim(experiment="A-fit-sinc", figure=None), figures=[figure("A", "-", "", path)]))
    assert [len(group.figures) for group in found[0].parts[0].groups] == [1]


@pytest.mark.parametrize(
    ("path", "topic"),
    [("figures/D-path-whole.svg", "path"), ("figures/D-fit-sawtooth-loss.svg", "fit"), ("figures/odd.png", "odd")],
)
def test_figures_of_no_claim_go_to_their_reports_section_of_their_topic(path, topic):
    found = outline(document(exact(), figures=[figure("D", "-", "", path)]))
    assert [(section.topic, section.parts[0].report) for section in found] == [("counts", "A"), (topic, "D")]
    (group,) = found[1].parts[0].groups
    assert (group.title, group.claims, len(group.figures)) == (stem(path), [], 1)


def test_a_figure_across_reports_stands_in_its_topic_and_in_no_report():
    shown = claim("A-random-cannot-learn", figure=across()["path"], experiment="k1")
    other = figure("A", "-", "", "figures/A-random-loss.svg")
    found = outline(
        document(shown, claim("A-random-x", experiment="k1", figure=other["path"]), figures=[across(), other])
    )
    (section,) = found
    assert (section.topic, section.across) == ("random", (across(),))
    (part,) = section.parts
    assert [(group.title, group.figures, len(group.claims)) for group in part.groups] == [("A-random", [other], 2)]


@pytest.mark.parametrize("topic", ["random", "size", "mine"])
def test_a_figure_across_reports_makes_a_section_of_its_topic_where_there_is_none(topic):
    contrast = {**across(), "path": f"figures/across-{topic}-memorising.svg"}
    found = outline(document(exact(), figures=[contrast]))
    assert [(section.topic, section.parts == (), section.across) for section in found] == [
        ("counts", False, ()),
        (topic, True, (contrast,)),
    ]


def test_an_experiment_without_a_figure_has_no_title():
    (section,) = outline(document(claim(experiment="0f" * 16, figure=None), figures=[]))
    assert [group.title for group in section.parts[0].groups] == [None]
