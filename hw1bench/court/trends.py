"""How often a claim of order would hold by chance, because a few values without any trend are sometimes in order."""

from hw1bench.court.claim import Claim
from hw1bench.effects import Effect, chance_of_order
from hw1bench.specs.experiment import Protocol, Tier


def chance(claim: Claim, tier: Tier) -> float | None:
    """The chance that ``claim`` holds in one seed if its values have no trend: all different, and equally likely in every order.

    None unless the effect is an order over the arms or over the epochs of one arm. Values along the line between two nets, or
    at points of almost zero gradient, are not values that could come in any order, and neither are those over a setting that
    two arms share.
    """
    experiment = claim.experiment
    if not isinstance(claim.effect, Effect) or experiment is None or (tier == "quick" and experiment.quick is None):
        return None
    values = _values(claim.effect, experiment.protocol(tier))
    return None if values is None else float(chance_of_order(values))


def _values(effect: Effect, protocol: Protocol) -> int | None:
    """How many values must be in order; None if the effect is no such order."""
    made = effect.statement or {"is": ""}
    if made["is"] in ("rises", "falls"):
        over = made["over"]
        if over.startswith(("train_", "test_")):  # another history, whose values differ
            return len(protocol.arms)
        settings = {arm.setting(over) for arm in protocol.arms}
        return len(settings) if len(settings) == len(protocol.arms) else None
    if made["is"] in ("rises_over_epochs", "falls_over_epochs"):
        (epochs,) = (arm.epochs for arm in protocol.arms if arm.name == made["arm"])
        return epochs if made["blocks"] is None else int(made["blocks"])
    return None
