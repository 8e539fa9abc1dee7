"""The plan: what tests would train, by experiment and tier, how, and how long that takes here.

An experiment that a machine like this one has ruled on takes what it took there, by the work of its arms. Any other is
measured here: see ``hw1bench.session.probes``. What measurements take is known from the record alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hw1bench.court import costs
from hw1bench.court.costs import Device, Kind
from hw1bench.court.docket import Book, Case
from hw1bench.report import quantities
from hw1bench.session import probes
from hw1bench.session.outlook import Outlook, Part
from hw1bench.session.sections import Section
from hw1bench.specs.experiment import Arm
from hw1bench.specs.pack import Pack
from hw1bench.training import engine

_ALIKE = ("device", "isa", "threads", "kernels")
"""What a machine must have in common with this one for its rulings to tell how long training takes here."""
NOTE = (
    "Steps are optimiser steps of all runs of the first look. Times are of the first look and of all looks, if nothing is "
    "stored: a claim that the first look decides needs no other. Experiments that a machine like this one has on record take "
    "what they took there; all others were measured for a fraction of a second just now, to within a factor of 1.5 in most "
    "cases. What else the machine does comes on top, and so does measuring (+), which nothing here tells."
)
"""What the tables of all tiers have in common; it is said once, below them."""
_NAMES = {"fit_kernel": "fit kernel", "image_kernel": "image kernel", "compiled": "torch, compiled", "resident": "GPU"}


@dataclass(frozen=True)
class Estimate:
    """The estimated ``seconds`` of each look of a part, all runs of the looks before included; what they are known ``by``; and
    whether measurements are taken that they leave out."""

    seconds: tuple[float, ...]
    by: str
    unmeasured: bool = False


class Estimator:
    """Estimates for the device ``name``, "cpu" or "cuda", by what ``cases`` have in ``book`` and, for other nets, by ``probe``,
    which gives the seconds per unit of work of an arm."""

    def __init__(
        self,
        cases: Sequence[Case],
        book: Book,
        name: str,
        probe: Callable[[Arm, str], float] = probes.seconds_per_work,
    ) -> None:
        here = engine.environment(engine.device_of(name))
        times = costs.timed(cases, _like(book, here))
        self._device: Device = costs.device_of(here["device"])
        self._own = costs.by_experiment(times, self._device)
        self._kinds = costs.rates(times)
        self._name, self._probe = name, probe
        self._probed: dict[Arm, float] = {}

    def estimate(self, part: Part) -> Estimate:
        """How long ``part`` takes."""
        measures, own = part.protocol.measures, self._own.get(part.experiment.key(part.tier))
        known = {of: self._kinds.exact(of) for of in self._by_kind(part)} if measures else {}
        if own is not None:
            return self._of(part, lambda of: own, "record")
        if known and all(known.values()):
            return self._of(part, lambda of: known[of] or 0.0, "kind on record")
        rates = {of: self._rate(arms) for of, arms in self._by_kind(part).items()}
        return self._of(part, rates.__getitem__, "measured", unmeasured=bool(measures))

    def _by_kind(self, part: Part) -> dict[Kind, list[Arm]]:
        found: dict[Kind, list[Arm]] = {}
        for arm in part.arms():
            found.setdefault(costs.kind(arm, part.protocol.measures, self._device), []).append(arm)
        return found

    def _of(self, part: Part, rate: Callable[[Kind], float], by: str, *, unmeasured: bool = False) -> Estimate:
        seconds, before, total = [], 0, 0.0
        for index, look in enumerate(part.looks):
            for arm in part.arms(index):
                of = costs.kind(arm, part.protocol.measures, self._device)
                total += (look - before) * rate(of) * costs.work_of(arm, of.device)
            before = look
            seconds.append(total)
        return Estimate(tuple(seconds), by, unmeasured)

    def _rate(self, arms: Iterable[Arm]) -> float:
        """The rate of the arm of ``arms``, all of one kind, that has the most work."""
        arm = max(arms, key=lambda arm: costs.work_of(arm, self._device))
        same = replace(
            arm, name="", optimizer=replace(arm.optimizer, lr=1e-3), schedule=None
        )  # as fast as any other rate
        if same not in self._probed:
            self._probed[same] = self._probe(arm, self._name)
        return self._probed[same]


def _like(book: Book, here: Mapping[str, Any]) -> Book:
    """The rulings of ``book`` that machines like this one have reached."""
    return {
        path: {
            place: ruling
            for place, ruling in rulings.items()
            if ruling.environment and all(ruling.environment.get(name) == here[name] for name in _ALIKE)
        }
        for path, rulings in book.items()
    }


def section(of: Outlook, pack: Pack, estimator: Estimator, name: str) -> Section:
    """The plan of one tier on the device ``name``: experiments by topic, and their sum."""
    titles = {topic.id: topic.title or topic.id for topic in pack.topics}
    groups: dict[str, list[tuple[str, ...]]] = {}
    estimates = [estimator.estimate(part) for part in of.parts.values()]
    for part, estimate in zip(of.parts.values(), estimates, strict=True):
        groups.setdefault(titles.get(part.topic, part.topic), []).append(_row(part, estimate, name))
    parts = [*of.parts.values()]
    if parts:
        groups["Sum"] = [
            (
                quantities.plural(len(parts), "experiment"),
                str(sum(len(part.claims) for part in parts)),
                str(sum(len(part.arms()) for part in parts)),
                f"{sum(map(_steps, parts)):,}",
                "",
                "",
                *(_time([one.seconds[look] for one in estimates], estimates) for look in (0, -1)),
                "",
            )
        ]
    return Section(
        f"The {of.tier} tier, on {'the CPU' if name == 'cpu' else 'the GPU'}",
        ("experiment", "claims", "arms", "steps", "trained by", "seeds", "first look", "all looks", "estimated by"),
        [*groups.items()],
        "Nothing is trained.",
        note=_rest(of),
        numbers=("claims", "arms", "steps", "first look", "all looks"),
        spare=("estimated by", "seeds", "claims", "steps", "arms", "all looks"),
    )


def _row(part: Part, estimate: Estimate, name: str) -> tuple[str, ...]:
    looks = part.looks
    return (
        part.experiment.id,
        str(len(part.claims)),
        str(len(part.arms())),
        f"{_steps(part):,}",
        _trained_by(part, name),
        f"{looks[0]}" if len(looks) == 1 else f"{looks[0]} to {looks[-1]}",
        *(_time([estimate.seconds[look]], [estimate]) for look in (0, -1)),
        estimate.by,
    )


def _steps(part: Part) -> int:
    return part.looks[0] * sum(arm.steps for arm in part.arms())


def _time(seconds: Sequence[float], estimates: Sequence[Estimate]) -> str:
    return quantities.duration(sum(seconds)) + (" +" if any(one.unmeasured for one in estimates) else "")


def _trained_by(part: Part, name: str) -> str:
    """'fit kernel', or 'torch (momentum)', for all arms of ``part``."""
    device = engine.device_of(name)
    found: dict[str, None] = {}
    for arm in part.arms():
        backend, why = engine.backend(arm, device), engine.without_kernel(arm, device)
        told = f" ({why})" if why and backend != "resident" else ""
        found[f"{_NAMES.get(backend, 'torch')}{told}"] = None
    return " and ".join(found)


def _rest(of: Outlook) -> str:
    """What the tier does besides training."""
    said = [
        f"{quantities.plural(len(of.exact), 'exact count')} {'takes' if len(of.exact) == 1 else 'take'} no time"
        if of.exact
        else "",
        f"nobody knows how long {quantities.plural(len(of.elsewhere), 'claim')} on values from elsewhere will take"
        if of.elsewhere
        else "",
        f"{quantities.plural(len(of.not_run), 'claim')} {'is' if len(of.not_run) == 1 else 'are'} not run here"
        if of.not_run
        else "",
    ]
    text = "; ".join(filter(None, said))
    return f"{text[:1].upper()}{text[1:]}." if text else ""
