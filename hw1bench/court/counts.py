"""Exact verdicts on counts of parameters and layers, which the layouts decide alone."""

from hw1bench.court.verdict import Verdict
from hw1bench.effects import CountsEqual, Exact, LayersAre
from hw1bench.specs import notation
from hw1bench.specs.experiment import Model


def _sum(model: Model) -> tuple[int, str]:
    layers, total = notation.weighted(model.layout), model.parameters
    return total, f"{' + '.join(f'{layer} {layer.parameters:,}' for layer in layers)} = {total:,}"


def _layers(effect: LayersAre) -> Verdict:
    layers = notation.parse(effect.model.layout)
    found = [sum(isinstance(layer, kind) for layer in layers) for kind in (notation.Conv, notation.Linear)]
    stated = [effect.convolutions, effect.dense]
    note = "; ".join(
        f"{who} {convolutions} convolutions and {dense} dense layers"
        for who, (convolutions, dense) in (("the layout has", found), ("stated", stated))
    )
    return Verdict("supported" if found == stated else "refuted", None if found == stated else "absent", note=note)


def judge_count(effect: Exact) -> Verdict:
    """The exact verdict on a count: of parameters, with the layer-by-layer sum as its note, or of layers.

    It is read from the layout, without torch. The tests hold it to the parameters of the networks that torch builds.
    """
    if isinstance(effect, LayersAre):
        return _layers(effect)
    if isinstance(effect, CountsEqual):
        sums = [(name, *_sum(model)) for name, model in effect.models]
        holds = len({total for _, total, _ in sums}) == 1
        note = "; ".join(f"{name}: {text}" for name, _, text in sums)
        return Verdict("supported" if holds else "refuted", None if holds else "absent", note=note)
    total, text = _sum(effect.model)
    relations = {
        "equal": (total == effect.stated, f"stated {effect.stated:,}"),
        "about": (
            abs(total / effect.stated - 1) <= effect.within,
            f"stated about {effect.stated:,}, {100 * effect.within:.3g} % allowed",
        ),
        "more than": (total > effect.stated, f"stated more than {effect.stated:,}"),
    }
    holds, stated = relations[effect.relation]
    return Verdict("supported" if holds else "refuted", None if holds else "absent", note=f"{text}; {stated}")
