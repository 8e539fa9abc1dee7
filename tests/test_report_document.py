"""claims.json: what it holds of a judgement and its figures."""

import pytest

from hw1bench.court.claim import Claim
from hw1bench.court.hearing import Judgement
from hw1bench.court.rulings import outcome
from hw1bench.court.verdict import Verdict
from hw1bench.effects import CountIs, loss_below
from hw1bench.report import document
from hw1bench.report.outline import outline
from hw1bench.sources import a, b
from hw1bench.specs.experiment import CrossReportFigure, Model
from sample_document import STARTED, exact, figure
from sample_document import document as sample
from sample_ruling import ruling

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
    assert entry["environment"] is environment


def test_an_entry_tells_the_effects_of_its_seeds_and_of_the_record():
    claim = Claim(
        "A-fit-x", report="A", where="1", says="It is.", effect=loss_below(0.5, "7 layers"), experiment=a.FIT_SINC
    )
    values = (0.25,) * 8
    verdict = Verdict("supported", values=values, holds=8, median=0.25, interval=(0.25, 0.25))
    on_record = ruling(tier="full", median=0.25)

    def entry(judgement, record):
        return document.entry(judgement, "fit", SUBJECT, {}, None, record, outcome("supported", None), STARTED)

    found = entry(Judgement(claim, "quick", verdict, told="in every seed, 0.25"), on_record)
    assert found["effect"]["told"] == "in every seed, 0.25"
    assert found["record"]["told"] == (
        'in the median seed, the training loss of "7 layers" is 0.25; the claim needs less than 0.5'
    )
    infinite = ruling(tier="full", median="-infinity", interval=None, holds=0, verdict="refuted", how="absent")
    assert (
        "told" not in entry(Judgement(claim, "quick", verdict), infinite)["record"]
    )  # of two seeds, one may be finite
    assert "told" not in entry(Judgement(claim, "quick", verdict), None)["effect"]
    assert (
        "told" not in entry(Judgement(COUNT, "quick", Verdict("supported")), ruling(tier="full", median=None))["record"]
    )


@pytest.mark.parametrize(
    ("claim", "tiers"),
    [
        (COUNT, ["quick", "full"]),
        (
            Claim("A-fit-x", report="A", where="", says="x", effect=loss_below(1, "7 layers"), experiment=a.FIT_SINC),
            ["quick", "full"],
        ),
        (
            Claim(
                "A-task-x",
                report="A",
                where="",
                says="x",
                effect=loss_below(1, "CNN-1"),
                experiment=a.TASK,
                figure="losses",
            ),
            ["full"],
        ),
    ],
)
def test_an_entry_names_the_tiers_that_can_judge_the_claim(claim, tiers):
    judgement = Judgement(claim, "full", Verdict("not run"))
    entry = document.entry(judgement, "x", SUBJECT, {}, None, None, outcome("not run", None), STARTED)
    assert entry["tiers"] == tiers


def test_a_figure_across_reports_lies_where_the_outline_finds_its_topic():
    across = CrossReportFigure(topic="size", title="", kind="loss_by_size", experiments=(a.FIT_SINC, b.FIT))
    found = outline(sample(exact(), figures=[figure(across.reports, "-", "", f"figures/{across.id}.svg")]))
    assert [(section.topic, len(section.across)) for section in found] == [("counts", 0), ("size", 1)]
