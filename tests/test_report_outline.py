"""The order of a report."""

import pytest

from hw1bench.report.outline import outline, reports, stem
from sample_document import REPORTS, across, claim, document, exact, figure


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


def test_an_experiment_is_found_by_its_name_if_no_claim_names_a_figure():
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


def test_a_figure_of_no_claim_goes_to_the_topic_that_it_names():
    shown = {**figure("A", "-", "", "figures/A-rates-loss.svg"), "topic": "mine"}
    assert [section.topic for section in outline(document(claim("A-fit-x", figure=None), figures=[shown]))] == [
        "fit",
        "mine",
    ]


def test_topics_keep_the_order_of_the_document_and_reports_have_their_descriptions():
    names = ["A-own-1", "D-random-1", "A-count-1"]
    found = outline(document(*(claim(name, figure=None) for name in names), figures=[]))
    assert [(section.topic, section.title) for section in found] == [
        ("counts", "Parameter counts"),
        ("random", "Random labels"),
        ("own", "own"),
    ]
    assert [one["title"] for one in reports(found)] == ["ReLU", ""]
    assert [section.parts[0].about for section in found[:2]] == [
        REPORTS[0],
        {"id": "D", "title": "", "source": "", "url": ""},
    ]


def test_a_document_that_describes_no_topic_has_them_as_they_come():
    old = document(claim("A-random-1", figure=None), claim("A-fit-1", figure=None), figures=[])
    del old["reports"], old["topics"]
    assert [(section.topic, section.title) for section in outline(old)] == [("random", "random"), ("fit", "fit")]


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
def test_a_figure_across_reports_makes_a_section_for_its_topic_if_there_is_none(topic):
    shown = {**across(), "path": f"figures/across-{topic}-memorising.svg"}
    found = outline(document(exact(), figures=[shown]))
    assert [(section.topic, section.parts == (), section.across) for section in found] == [
        ("counts", False, ()),
        (topic, True, (shown,)),
    ]


def test_an_experiment_without_a_figure_has_no_title():
    (section,) = outline(document(claim(experiment="0f" * 16, figure=None), figures=[]))
    assert [group.title for group in section.parts[0].groups] == [None]
