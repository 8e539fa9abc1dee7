"""What claims are made of: an effect turns the runs of one seed, one an arm, into one number; the claim holds if it is > 0.

Each function makes an `Effect` that reads like the sentence it stands for, e.g. ``faster("7 layers", than="1 layer", to=1e-4)``.
Comparisons and orders know their opposite, so that a refutation can be told to be a reversal; thresholds and tolerances have
none. A number that the runs leave undefined is NaN.
"""

from hw1bench.effects.comparisons import (
    ahead,
    descending,
    faster,
    flattest,
    highest,
    highest_loss,
    in_order,
    lower_loss,
    lowest,
    overfits,
    stop_in_order,
)
from hw1bench.effects.effect import CountIs, CountsEqual, Effect, every, fails
from hw1bench.effects.orders import IN_ORDER, falls, falls_over_epochs, rises, rises_over_epochs, share_in_order
from hw1bench.effects.thresholds import (
    above_at_largest,
    accuracy_above,
    accuracy_below,
    alike,
    comparable,
    differ,
    improves,
    loss_above,
    loss_below,
    near,
    never_reaches,
    plateaus,
    reaches,
    rises_then_plateaus,
    saturates,
    stops_near,
    u_shaped,
)

__all__ = [
    "IN_ORDER",
    "CountIs",
    "CountsEqual",
    "Effect",
    "above_at_largest",
    "accuracy_above",
    "accuracy_below",
    "ahead",
    "alike",
    "comparable",
    "descending",
    "differ",
    "every",
    "fails",
    "falls",
    "falls_over_epochs",
    "faster",
    "flattest",
    "highest",
    "highest_loss",
    "improves",
    "in_order",
    "loss_above",
    "loss_below",
    "lower_loss",
    "lowest",
    "near",
    "never_reaches",
    "overfits",
    "plateaus",
    "reaches",
    "rises",
    "rises_over_epochs",
    "rises_then_plateaus",
    "saturates",
    "share_in_order",
    "stop_in_order",
    "stops_near",
    "u_shaped",
]
