"""The chance that an order holds without a trend, for whole claims."""

from dataclasses import replace
from itertools import permutations

import pytest

from hw1bench import Optimizer
from hw1bench.court.hearing import Judgement
from hw1bench.court.rulings import Outcome
from hw1bench.court.trends import chance
from hw1bench.court.verdict import Verdict, decide
from hw1bench.effects import falls, falls_over_epochs, lower_loss, rises, rises_over_epochs
from hw1bench.report import document
from hw1bench.specs.experiment import Experiment, Protocol
from made_court import BASIS, claim, court
from sample_document import STARTED, exact

RATES = (0.1, 0.2, 0.3, 0.4)


def sweep(rates=RATES, **changed):
    arms = [
        replace(BASIS, name=f"r{i}", optimizer=Optimizer(name="sgd", lr=rate), **changed)
        for i, rate in enumerate(rates)
    ]
    full = Protocol(arms=tuple(arms), looks=(8,))
    return Experiment(report="T", name="sweep", full=full, quick=full)


@pytest.mark.parametrize("effect", [falls("train_loss", over="lr"), rises("train_loss", over="lr")])
def test_it_is_the_share_of_all_orders_of_the_final_losses_that_hold(tmp_path, effect):
    orders = list(permutations(range(4)))
    tried = claim(effect, experiment=sweep())
    judge = court(tmp_path, lambda arm, seed: 0.1 + orders[seed][int(arm[1])])
    seeds = [value for first in (0, 8, 16) for value in _effects(judge, tried, first)]
    assert chance(tried, "quick") == pytest.approx(sum(value > 0 for value in seeds) / len(orders))


def _effects(judge, tried, first):
    judge.seed_offset = first
    return judge.hear(tried).verdict.values


def test_an_order_over_epochs_counts_epochs_or_their_blocks():
    long = sweep(epochs=10)
    assert chance(claim(falls_over_epochs("train_loss", arm="r1", blocks=3), experiment=long), "full") == pytest.approx(
        1 / 6
    )
    assert chance(claim(rises_over_epochs("train_loss", arm="r1"), experiment=long), "full") == pytest.approx(
        0.0531, abs=1e-4
    )


def test_what_could_not_come_in_any_order_has_no_chance():
    assert chance(claim(falls("train_loss", over="lr"), experiment=sweep((0.1, 0.1, 0.2))), "quick") is None
    assert chance(claim(lower_loss("r1", than="r2"), experiment=sweep()), "quick") is None
    tried = claim(falls("train_loss", over="lr"), experiment=replace(sweep(), quick=None))
    assert chance(tried, "quick") is None
    assert chance(tried, "full") is not None


def test_claims_json_states_it_for_what_was_judged():
    tried = claim(falls("train_loss", over="lr"), experiment=sweep())
    for verdict, stated in ((decide([1.0] * 8, (8,)), chance(tried, "quick")), (Verdict("not run"), None)):
        subject = ("7c1f", "e5d0", "as reported")
        judged = Judgement(tried, "quick", verdict)
        entry = document.entry(judged, "fit", subject, {}, None, None, Outcome("passed"), STARTED)
        assert entry["chance"] == stated
    assert exact()["chance"] is None
