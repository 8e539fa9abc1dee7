"""The claims as a whole: their ids, reports and topics are consistent, and what they train fills every figure."""

from dataclasses import replace
from importlib import util
from pathlib import Path

import pytest

from hw1bench import CrossReportFigure
from hw1bench.court import pilots
from hw1bench.sources.pack import EXPERIMENTS, PACK

FOLDER = Path(__file__).parent.parent / "claims"


@pytest.fixture(scope="module")
def modules():
    """Modules of claims, by topic."""
    found = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        spec = util.spec_from_file_location(f"claims_{path.stem}", path)
        found[path.stem.removeprefix("test_")] = module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return found


@pytest.fixture(scope="module")
def claims(modules):
    return [claim for module in modules.values() for claim in module.CLAIMS]


@pytest.fixture(scope="module")
def shown(modules):
    """Experiments that have all their arms trained for a figure."""
    exhibits = [one for module in modules.values() for one in getattr(module, "EXHIBITS", [])]
    across = [one for module in modules.values() for one in getattr(module, "ACROSS", [])]
    assert across
    assert all(isinstance(one, CrossReportFigure) for one in across)
    return [*exhibits, *(experiment for one in across for experiment in one.experiments)]


@pytest.mark.parametrize("tier", ["quick", "full"])
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.id)
def test_every_model_of_an_experiment_is_trained_for_its_figures(claims, shown, experiment, tier):
    if tier == "quick" and experiment.quick is None:
        return
    arms = {arm.name for arm in experiment.protocol(tier).arms}
    trained = arms if experiment in shown else set()
    for claim in claims:
        silenced = tier == "quick" and pilots.silenced(claim)
        if claim.experiment is experiment and tier in claim.tiers and not silenced:
            trained = trained | set(claim.effect.arms or arms)
    assert trained == arms
    assert experiment.figures


def test_every_claim_names_a_figure_of_its_experiment(claims):
    for claim in claims:
        if claim.experiment is not None:
            assert claim.figure in [figure.id for figure in claim.experiment.figures], claim.id


def test_the_pack_has_exactly_the_reports_and_topics_of_the_claims(modules, claims):
    assert {topic.id for topic in PACK.topics} == set(modules)
    assert {report.id for report in PACK.reports} == {claim.report for claim in claims}
    assert all(report.title and report.source for report in PACK.reports)


def test_ids_contain_report_and_topic(modules):
    for topic, module in modules.items():
        for claim in module.CLAIMS:
            parts = claim.id.split("-")
            assert parts[0] == claim.report
            # Claims about sweeps are named after the sweep.
            named = parts[1] in ("batch", "lr") if topic == "sensitivity" else topic.removesuffix("s") in parts[1:3]
            assert named, claim.id


def test_numbers_reported_for_the_real_set_are_judged_only_on_it(claims):
    full = [claim.id for claim in claims if claim.tiers == ("full",)]
    assert len(full) == 15
    given = ("B-task-acc-", "B-task-train-acc-", "B-task-loss-", "B-task-train-loss-", "D-task-acc-")
    assert all(name.startswith(given) for name in full)


@pytest.mark.parametrize("measure", ["jacobian", "reported"])
def test_claims_on_sensitivity_name_its_measure(modules, measure):
    named = {"jacobian": "by the norm of the Jacobian", "reported": "as the report's code measured it"}
    found = [claim for claim in modules["sensitivity"].CLAIMS if claim.id.endswith(measure)]
    assert found
    assert all(claim.says.startswith(f"Sensitivity, {named[measure]}, falls with") for claim in found)


def test_numbers_that_a_report_states_are_arguments_of_the_effect(claims):
    def named(statement):
        parts = statement.values() if isinstance(statement, dict) else statement if isinstance(statement, list) else ()
        return (set(statement) if isinstance(statement, dict) else set()).union(*map(named, parts))

    stated = {claim.id: set(claim.stated) - named(claim.effect.statement) for claim in claims if claim.stated}
    assert stated
    assert {name: left for name, left in stated.items() if left} == {}


def test_of_the_levels_on_random_labels_only_chance_belongs_to_no_set(modules):
    levels = {claim.id: bool(claim.own_level) for claim in modules["random"].CLAIMS if claim.effect.level}
    assert {name for name, own in levels.items() if own} == {"B-random-learns", "B-random-poor-test"}
    assert {"A-random-cannot-learn", "B-random-memorised", "E-random-memorised", "E-random-acc-chance"} < set(levels)


@pytest.mark.parametrize(
    ("topic", "ids"),
    [
        ("task", ["A-task-cnn1-best", "A-task-cnn2-worst", "A-task-cnn2-worst-loss", "D-task-cnn3-best", "E-task-shallow-99"]),
        ("random", ["E-random-test-fluctuates", "B-random-learns"]),
        ("size", ["A-size-overfits", "A-size-decay-helps", "E-size-test-u"]),
        ("interp", ["A-interp-train-middle-w10", "A-interp-pure-best-w256", "E-interp-test-peak-half"]),
        ("sensitivity", ["A-lr-best-1e-2", "A-lr-smaller-not-better"]),
    ],
)  # fmt: skip
def test_bands_levels_and_the_best_of_several_have_no_opposite(modules, topic, ids):
    found = {claim.id: claim.effect.opposite for claim in modules[topic].CLAIMS}
    assert [found[name] for name in ids] == [None] * len(ids)


def test_the_weight_decay_of_the_largest_net_is_swept_and_nothing_else_is(modules):
    (claim,) = (claim for claim in modules["size"].CLAIMS if claim.id == "A-size-decay-helps")
    decays = {arm.name: arm.optimizer.weight_decay for arm in claim.experiment.full.arms}
    assert decays == {"0": 0, "1e-5": 1e-5, "1e-4": 1e-4, "1e-3": 1e-3, "1e-2": 1e-2}
    (whole,) = (other.experiment for other in modules["size"].CLAIMS if other.id == "A-size-overfits")
    largest = whole.full.arms[-1]
    assert set(claim.effect.arms) == set(decays)
    for arm in claim.experiment.full.arms:
        same = replace(arm, name=largest.name, optimizer=largest.optimizer)
        assert same.training == largest.training
