"""A court hears values from elsewhere: looks, stored values, interruptions, readings, limits."""

import math

import pytest

from hw1bench import Claim, Reading, Values
from hw1bench.court.hearing import Court
from hw1bench.records import sealed
from hw1bench.records.store import Store
from hw1bench.support.refusals import Unavailable
from made_court import Made
from old_record import of_schema_1


class Measure:
    """A function of the seed that remembers for which seeds it was called."""

    def __init__(self, effect=lambda seed: 1.0):
        self.effect = effect
        self.called = []

    def __call__(self, seed):
        self.called.append(seed)
        return self.effect(seed)


class Shown:
    """A progress that remembers what it showed, and stops work after so many seeds."""

    def __init__(self, stop=math.inf):
        self.calls = []
        self.stop = stop

    def start(self, label, steps):
        self.calls.append((label, steps))

    def advance(self, steps, label=""):
        self.stop -= steps
        if self.stop <= 0:
            raise Unavailable("no time left")

    def finish(self):
        self.calls.append("finish")

    def notice(self, text):
        self.calls.append(text)


def hears(court, values, readings=()):
    return court.hear(Claim("T-x", report="T", where="1", says="It is.", effect=values, readings=readings))


def court(folder, tier="quick", **options):
    return Court(tier, Store(folder), Made(None), **options)


def values(measure, source="one", **fields):
    made = Values(lambda seed: measure(seed), name="gap", **fields)
    vars(made)["source"] = source  # an object that remembers is another one after each call
    return made


@pytest.mark.parametrize("tier", ["quick", "full"])
def test_an_open_claim_goes_on_to_the_last_look_and_no_device_is_needed(tmp_path, tier):
    measure = Measure(lambda seed: (-1.0) ** seed)
    judged = hears(court(tmp_path, tier, closed="no CUDA device here"), values(measure))
    assert (judged.verdict.word, judged.verdict.holds, judged.verdict.seeds) == ("inconclusive", 16, 32)
    assert measure.called == list(judged.seeds) == list(range(32))
    assert judged.facts["dataset"] == "values from elsewhere: gap, version 1"


def test_the_most_seeds_leave_out_looks_and_say_so(tmp_path):
    judged = hears(court(tmp_path, max_seeds=8), values(Measure(lambda seed: (-1.0) ** seed)))
    assert (judged.verdict.word, judged.verdict.looks) == ("inconclusive", (8, 16, 32))
    assert judged.verdict.note == "8 seeds of the 16 that the next look needs"


def test_what_is_stored_is_not_computed_again_and_its_seconds_are_kept(tmp_path):
    first, again = Measure(), Measure()
    one, other = court(tmp_path), court(tmp_path)
    judged, reused = hears(one, values(first)), hears(other, values(again))
    assert (judged.reused, reused.reused, again.called) == (False, True, [])
    assert judged.seconds == reused.seconds > 0
    assert one.spent == {"gap": pytest.approx(judged.seconds)}
    assert other.spent == {}
    assert hears(court(tmp_path), values(again, "two")).reused is False


def test_values_that_an_earlier_version_stored_are_not_computed_again(tmp_path):
    judged = hears(court(tmp_path), values(Measure()))
    for path in tmp_path.iterdir():
        of_schema_1(path, path.stem, Store(tmp_path).get(path.stem))
    again = Measure()
    reused = hears(court(tmp_path), values(again))
    assert (reused.verdict, reused.seconds, reused.reused, again.called) == (judged.verdict, judged.seconds, True, [])
    assert {sealed.about(path).whose for path in tmp_path.iterdir()} == {"gap"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e-300, 0.1 + 0.2])
def test_a_stored_value_is_the_value(tmp_path, value):
    measure = Measure(lambda seed: value if seed else 1.0)
    judged = [hears(court(tmp_path), values(measure)) for _ in range(2)]
    assert len(measure.called) == len(set(measure.called))
    assert str(judged[0].verdict) == str(judged[1].verdict)
    assert judged[0].facts == judged[1].facts


def test_an_interrupted_session_keeps_every_value(tmp_path):
    def stop(seed):
        if seed == 11:
            raise KeyboardInterrupt
        return (-1.0) ** seed

    with pytest.raises(KeyboardInterrupt):
        hears(court(tmp_path), values(Measure(stop)))
    after = Measure(lambda seed: (-1.0) ** seed)
    hears(court(tmp_path), values(after, looks=(8, 16)))
    assert after.called == [11, 12, 13, 14, 15]


def test_time_that_is_up_leaves_the_claim_open_and_shows_what_was_computed(tmp_path):
    shown, measure = Shown(stop=10), Measure(lambda seed: (-1.0) ** seed)
    judged = hears(court(tmp_path, progress=shown), values(measure))
    assert (judged.verdict.word, judged.verdict.note) == ("not run", "open after 8 seeds, no time left")
    assert shown.calls == [("gap, seeds 0 to 7", 8), "finish", ("gap, seeds 8 to 15", 8), "finish"]
    assert measure.called == list(range(10))


def test_only_what_is_to_be_computed_is_admitted(tmp_path):
    def refuse(subject, blocks):
        raise Unavailable(f"no time for {subject.name}")

    one = values(Measure())
    assert hears(court(tmp_path, admit=refuse), one).verdict.note == "no time for gap"
    assert hears(court(tmp_path, admit=refuse), Values(dict.fromkeys(range(8), 1.0), name="t")).verdict.seeds == 8
    hears(court(tmp_path), one)
    assert hears(court(tmp_path, admit=refuse), one).verdict.word == "supported"


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"no"), lambda path: path.unlink()])
def test_a_value_that_is_lost_is_computed_again(tmp_path, damage):
    hears(court(tmp_path), values(Measure()))
    damage(sorted(tmp_path.glob("*.npz"))[0])
    again = Measure()
    assert hears(court(tmp_path), values(again)).verdict.word == "supported"
    assert len(again.called) == 1


def test_a_store_that_cannot_be_written_costs_no_verdict(tmp_path):
    (tmp_path / "blocks").write_text("a file is in the way")
    measure = Measure(lambda seed: 1.0 if seed else -1.0)
    assert hears(court(tmp_path / "blocks"), values(measure)).verdict.word == "supported"
    assert measure.called == list(range(16))


def test_readings_take_the_seeds_and_the_bound_of_the_look_that_decided(tmp_path):
    other = Measure(lambda seed: 1.0 if seed else -1.0)  # 7 of 8, which would be decided at 16
    reading = Reading(number="margin 0", reading="1", effect=values(other, "other"))
    judged = hears(court(tmp_path, seed_offset=0), values(Measure()), [reading])
    assert judged.readings == ((reading, "inconclusive"),)
    assert judged.fragile == ("margin 0",)
    assert other.called == list(range(8))


@pytest.mark.parametrize(
    ("opposite", "how"),
    [({}, "reversed"), ({"opposite": None}, "absent"), ({"opposite": lambda value: -value - 2}, "absent")],
)
def test_a_refutation_is_reversed_if_the_opposite_is_supported(tmp_path, opposite, how):
    table = Values(dict.fromkeys(range(8), -1.0), name="gap", **opposite)
    judged = hears(court(tmp_path), table, [Reading(number="margin 0", reading="1", effect=table)])
    assert (judged.verdict.word, judged.verdict.how) == ("refuted", how)
    assert judged.readings[0][1] == "refuted"


def test_a_claim_without_evidence_says_why_and_is_not_refuted(tmp_path):
    judged = hears(court(tmp_path), Values(dict.fromkeys(range(32), 0.0), name="gap"))
    assert (judged.verdict.word, judged.verdict.how, judged.verdict.seeds) == ("no evidence", None, 8)
    assert judged.verdict.note == "No evidence: its effect is a tie in every seed."
