"""Effects, which claims are made of: an effect turns the runs of one seed, one per arm, into one number; the claim holds for
that seed if the number is > 0.

Each function makes an ``Effect`` that reads like a sentence, e.g. ``faster("7 layers", than="1 layer", to=1e-4)``.
Comparisons of two and orders have an opposite, which shows whether a refutation is a reversal; thresholds,
tolerances and the best of several have none. A number that the runs leave undefined is NaN. All functions check their arguments:
see ``hw1bench.effects.arguments``.
"""

from hw1bench.effects import comparisons, effect, gradient, interpolation, orders, paths, ratios, thresholds
from hw1bench.effects.arguments import checked
from hw1bench.effects.effect import CountIs, CountsEqual, Effect, Exact, LayersAre, OfVariance
from hw1bench.effects.orders import IN_ORDER, chance_of_order, order_margin, share_in_order
from hw1bench.effects.telling import Told

ahead = checked(comparisons.ahead)
descending = checked(comparisons.descending)
faster = checked(comparisons.faster)
flattest = checked(comparisons.flattest)
highest = checked(comparisons.highest)
highest_loss = checked(comparisons.highest_loss)
in_order = checked(comparisons.in_order)
lower_loss = checked(comparisons.lower_loss)
lowest = checked(comparisons.lowest)
not_faster = checked(comparisons.not_faster)
overfits = checked(comparisons.overfits)
stop_in_order = checked(comparisons.stop_in_order)
unbeaten = checked(comparisons.unbeaten)

every = checked(effect.every)
fails = checked(effect.fails)

fluctuates_while_loss_falls = checked(gradient.fluctuates_while_loss_falls)
high_early = checked(gradient.high_early)
loss_stabilises = checked(gradient.loss_stabilises)
norm_calms_at_stop = checked(gradient.norm_calms_at_stop)
norm_falls_late = checked(gradient.norm_falls_late)
norm_falls_then_slows = checked(gradient.norm_falls_then_slows)
norm_moves_more = checked(gradient.norm_moves_more)
norm_never_zero = checked(gradient.norm_never_zero)
norm_settles = checked(gradient.norm_settles)
stands_still = checked(gradient.stands_still)

barrier_above = checked(interpolation.barrier_above)
best_within = checked(interpolation.best_within)
falls_along = checked(interpolation.falls_along)
peaks_near = checked(interpolation.peaks_near)
pure_is_best = checked(interpolation.pure_is_best)
rises_along = checked(interpolation.rises_along)

falls = checked(orders.falls)
falls_over_epochs = checked(orders.falls_over_epochs)
no_trend_over_epochs = checked(orders.no_trend_over_epochs)
rises = checked(orders.rises)
rises_over_epochs = checked(orders.rises_over_epochs)

beyond_random_walk = checked(paths.beyond_random_walk)
grows_closer = checked(paths.grows_closer)
separates = checked(paths.separates)

mostly_positive = checked(ratios.mostly_positive)
ratio_falls_with_loss = checked(ratios.ratio_falls_with_loss)

above_at_largest = checked(thresholds.above_at_largest)
accuracy_above = checked(thresholds.accuracy_above)
accuracy_below = checked(thresholds.accuracy_below)
accuracy_reaches = checked(thresholds.accuracy_reaches)
alike = checked(thresholds.alike)
approximates = checked(thresholds.approximates)
beaten = checked(thresholds.beaten)
below_on_test = checked(thresholds.below_on_test)
differ = checked(thresholds.differ)
falls_early = checked(thresholds.falls_early)
improves = checked(thresholds.improves)
loss_above = checked(thresholds.loss_above)
loss_below = checked(thresholds.loss_below)
near = checked(thresholds.near)
never_reaches = checked(thresholds.never_reaches)
no_worse = checked(thresholds.no_worse)
overfits_by = checked(thresholds.overfits_by)
plateaus = checked(thresholds.plateaus)
reaches = checked(thresholds.reaches)
reaches_near = checked(thresholds.reaches_near)
rises_then_plateaus = checked(thresholds.rises_then_plateaus)
saturates = checked(thresholds.saturates)
stops_near = checked(thresholds.stops_near)
u_shaped = checked(thresholds.u_shaped)

__all__ = [
    "IN_ORDER",
    "CountIs",
    "CountsEqual",
    "Effect",
    "Exact",
    "LayersAre",
    "OfVariance",
    "Told",
    "above_at_largest",
    "accuracy_above",
    "accuracy_below",
    "accuracy_reaches",
    "ahead",
    "alike",
    "approximates",
    "barrier_above",
    "beaten",
    "below_on_test",
    "best_within",
    "beyond_random_walk",
    "chance_of_order",
    "descending",
    "differ",
    "every",
    "fails",
    "falls",
    "falls_along",
    "falls_early",
    "falls_over_epochs",
    "faster",
    "flattest",
    "fluctuates_while_loss_falls",
    "grows_closer",
    "high_early",
    "highest",
    "highest_loss",
    "improves",
    "in_order",
    "loss_above",
    "loss_below",
    "loss_stabilises",
    "lower_loss",
    "lowest",
    "mostly_positive",
    "near",
    "never_reaches",
    "no_trend_over_epochs",
    "no_worse",
    "norm_calms_at_stop",
    "norm_falls_late",
    "norm_falls_then_slows",
    "norm_moves_more",
    "norm_never_zero",
    "norm_settles",
    "not_faster",
    "order_margin",
    "overfits",
    "overfits_by",
    "peaks_near",
    "plateaus",
    "pure_is_best",
    "ratio_falls_with_loss",
    "reaches",
    "reaches_near",
    "rises",
    "rises_along",
    "rises_over_epochs",
    "rises_then_plateaus",
    "saturates",
    "separates",
    "share_in_order",
    "stands_still",
    "stop_in_order",
    "stops_near",
    "u_shaped",
    "unbeaten",
]
