"""claims.json: what it holds of a judgement and its figures."""

import pytest

from hw1bench.court.claim import Claim
from hw1bench.court.hearing import Judgement
from hw1bench.court.rulings import outcome
from hw1bench.court.verdict import Verdict
from hw1bench.effects import CountIs
from hw1bench.report import document
from hw1bench.report.outline import outline
from hw1bench.sources import a, b
from hw1bench.specs.experiment import CrossReportFigure, Model
from sample_document import STARTED, exact, figure
from sample_document import document as sample

COUNT = Claim("A-count-x", report="A", where="1", says="It has 10.", effect=CountIs(Model("[3]"), 10))
SUBJECT = (None, "e5d0", "as reported")
FACTS = {"dataset": "MNIST, 28x28", "fingerprint": "0f", "stand_in": False}


@pytest.mark.parametrize(
    ("facts", "canonical"), [({}, True), ({"canonical": True}, True), ({"canonical": False}, False)]
)
def test_a_copy_of_a_data_set_says_whether_it_is_the_known_one(facts, canonical):
    judgement = Judgement(COUNT, "quick", Verdict("supported"), facts=FACTS | facts)
    entry = document.entry(judgement, "counts", SUBJECT, {}, None, None, outcome("supported", None), STARTED)
    assert entry["dataset"] == {"name": "MNIST, 28x28", "fingerprint": "0f", "stand_in": False, "canonical": canonical}


@pytest.mark.parametrize("values", [None, (1.0,) * 8])
def test_an_entry_states_what_it_is_on_and_what_trained_its_runs(values):
    judgement = Judgement(COUNT, "full", Verdict("supported", values=values))
    subject, environment = ("7c1f", "e5d0", "as reported"), {"device": "cpu", "threads": 2}
    entry = document.entry(judgement, "counts", subject, environment, None, None, outcome("supported", None), STARTED)
    assert (entry["experiment"], entry["effect_digest"], entry["fidelity"]) == subject
    assert entry["environment"] == (environment if values else None)


def test_a_figure_across_reports_lies_where_the_outline_finds_its_topic():
    across = CrossReportFigure(topic="size", title="", kind="loss_by_size", experiments=(a.FIT_SINC, b.FIT))
    found = outline(sample(exact(), figures=[figure(across.reports, "-", "", f"figures/{across.id}.svg")]))
    assert [(section.topic, len(section.across)) for section in found] == [("counts", 0), ("size", 1)]
