"""Claims with rulings on record, made up: reduced protocols that give pilots, and full ones that give verdicts."""

from dataclasses import replace
from pathlib import Path

from hw1bench import Claim, Experiment, Images, Model
from hw1bench.court.docket import Case
from hw1bench.effects import CountIs, lower_loss
from hw1bench.specs.experiment import Protocol
from made_court import BASIS
from sample_ruling import ruling

BOOK = Path("claims/rulings.json")
DENSE = replace(
    BASIS,
    data=Images(name="mnist", size=28),
    model=Model("784-16-10"),
    loss="cross_entropy",
    epochs=4,
    batch_size=600,
)
LOWER = lower_loss("a", than="b")


def experiment(name="x", basis=BASIS, quick_epochs=1):
    """An experiment of the arms a, b and c, whose quick protocol has fewer epochs."""
    arms = {
        epochs: tuple(replace(basis, name=arm, epochs=epochs) for arm in "abc")
        for epochs in (basis.epochs, quick_epochs)
    }
    full, quick = (
        Protocol(arms=arms[epochs], looks=looks)
        for epochs, looks in ((basis.epochs, (8, 16, 32)), (quick_epochs, (8, 16)))
    )
    return Experiment(report="T", name=name, full=full, quick=quick)


REDUCED = experiment()


def case(name="T-x", effect=LOWER, of=REDUCED, topic="fit", **changed):
    of = None if isinstance(effect, CountIs) else of
    claim = Claim(name, report="T", where="1", says="It is.", experiment=of, effect=effect, **changed)
    return Case(claim, topic, BOOK)


def ruled(of, tier="full", verdict="supported", **changed):
    """A ruling on the case ``of``, as it is now."""
    key, effect, fidelity = of.subjects[tier]
    bound = {"experiment": key, "effect": effect, "fidelity": fidelity}
    environment = {"device": "cpu", "threads": 2}
    plain = {"claim": of.claim.id, "topic": of.topic, "tier": tier, "verdict": verdict, "environment": environment}
    return ruling(**{**plain, **bound, **changed})


def book(*rulings):
    return {BOOK: {one.place: one for one in rulings}}
