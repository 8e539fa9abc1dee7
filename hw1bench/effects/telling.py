"""What the values of an effect say, in a reader's units: one line, made from the values alone.

A value is what is left after a bound was subtracted, a logarithm taken or the weaker of two margins chosen, so it says little to
a reader. ``Told`` turns it back: "training loss falls in 91 % of the pairs of epochs; the claim needs more than 70 %".
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hw1bench.specs.experiment import Arm
from hw1bench.support.checks import function, instance, settle, shown, text

ON_BOUND = -1e-12
"""What an effect counts as that lies exactly on its threshold: it does not hold, but unlike a tie it is evidence."""
TIE = 1e-15
"""What a tie counts as where a claim denies an order and therefore holds in a tie: less than any margin. Elsewhere a tie is 0."""
EXACTLY = (0.0, ON_BOUND, TIE)
"""Margins of a number that is its bound."""
_LARGE = 1e7  # from here on a number has an exponent
_WRITTEN = 10  # significant digits of a number that an author wrote, without the rounding of floating point
_EXPONENT = 690.0  # a logarithm whose number a float still holds

BELOW, ABOVE = "below", "above"
SIDES = frozenset({BELOW, ABOVE})
"""Sides of 0 on which a value lies, 0 being on the one below."""

Arms = Mapping[str, Arm]
Clause = Callable[[float, Arms], str]


def _nothing(value: float, arms: Arms) -> str:
    return ""


def _measures(value: float, arms: Arms) -> bool:
    return False


def _number_of(value: float) -> str:
    return number(value)


@dataclass(frozen=True)
class Told:
    """How an effect tells its values.

    found      a finite value and the arms by name -> what was found, a clause such as "training loss falls in 91 % of the pairs";
               it says on which side of its bound the number lies, or ``needs`` does
    needs      what the claim needs or allows, such as "needs more than 70 %"; '': the clause alone says whether the claim holds
    denied     the same for the denial of the claim, such as "needs 70 % or less"; there if ``needs`` is
    of         what all clauses are about, said once before them, such as "a loss of 0.1"
    apart      a value and the arms -> a clause for a value that measures nothing, such as that of a run that never gets there;
               '' for all other values. Seeds with such a value are counted
    bound      a value and the arms -> whether what was measured may lie farther from 0 than the value
    least      like ``found``, for the median of values on one side of 0 of which some may be such bounds
    stands_in  on which sides of 0, BELOW (0 is one of it) or ABOVE or both, a value may stand for something that was not
               measured, such as that of a run that never gets there: the mean of two values, one of them such a one, says nothing
    undefined  the clause for a value that is undefined
    margin     the size of a margin -> the margin in words, such as "0.4 points"
    about      what is measured, in a few words, such as "test accuracy"
    """

    found: Clause
    needs: str = ""
    denied: str = ""
    of: str = ""
    apart: Clause = _nothing
    bound: Callable[[float, Arms], bool] = _measures
    least: Clause = _nothing
    stands_in: frozenset[str] = frozenset()
    undefined: str = "it is undefined"
    margin: Callable[[float], str] = _number_of
    about: str = "another number"

    def __post_init__(self) -> None:
        clauses, texts = ("found", "apart", "bound", "least", "margin"), ("needs", "denied", "of", "undefined", "about")
        sides = instance(frozenset)
        settle(self, **dict.fromkeys(clauses, function()), **dict.fromkeys(texts, text()), stands_in=sides)
        if (self.bound is _measures) != (self.least is _nothing):
            raise ValueError("a value may be a bound, but no clause tells it, or the reverse: give bound and least")
        if not self.stands_in <= SIDES:
            raise ValueError(f"values stand in on {shown(set(self.stands_in - SIDES))}: give {BELOW!r} or {ABOVE!r}")

    def tell(self, values: Sequence[float], arms: Arms) -> str:
        """What ``values``, one or more, one per seed, say of the claim: one line without a full stop. Seeds whose value is
        undefined, infinite or no measurement are counted; of the others the median is told."""
        counted: Counter[str] = Counter()
        measured: list[float] = []
        for value in values:
            clause = self._uncounted(value, arms)
            if clause:
                counted[clause] += 1
            else:
                measured.append(value)
        parts = [(count, False, clause) for clause, count in counted.items()]
        parts += [self._median_of(group, arms) for group in self._groups(measured, arms)]
        return self._line(_placed(sorted(parts, key=lambda part: -part[0]), len(values)))

    def _groups(self, measured: list[float], arms: Arms) -> list[list[float]]:
        """The ``measured`` values in groups that have a median: all together, but, if some may be bounds, those on the two sides
        of 0 apart, because the median of bounds on one side is a bound itself."""
        if not any(self.bound(value, arms) for value in measured):
            return [measured] if measured else []
        above, below = [value for value in measured if value > 0], [value for value in measured if value <= 0]
        return [group for group in (above, below) if group]

    def _median_of(self, group: list[float], arms: Arms) -> tuple[int, bool, str]:
        """How many values are in ``group``, whether its clause tells their median and not each of them, and the clause."""
        clause = self.least if any(self.bound(value, arms) for value in group) else self.found
        said = clause(_median(group), arms)
        return len(group), any(clause(value, arms) != said for value in group), said

    def tell_median(self, median: float, arms: Arms, holds: int, seeds: int) -> str:
        """What the ``median`` alone says of a claim that ``holds`` in so many ``seeds``, if the values themselves are not known.

        '' if it may be the mean of two values of which one measures nothing, or of two on different sides of 0.
        """
        if not math.isfinite(median) or 2 * holds == seeds:
            return ""
        side, apart = ABOVE if 2 * holds > seeds else BELOW, self.apart(median, arms)
        # A value that is told apart lies at an end of its side, so that the mean of two is one only if both are, unless such
        # values lie on both sides, as in a race.
        if (median > 0) != (side == ABOVE) or self.stands_in == SIDES or (side in self.stands_in and not apart):
            return ""
        return self._line([f"in the median seed, {apart or self.found(median, arms)}"])

    def _uncounted(self, value: float, arms: Arms) -> str:
        """The clause for a ``value`` of which no median is taken; '' for a measurement."""
        if math.isnan(value):
            return self.undefined
        clause = self.apart(value, arms)
        if clause or math.isfinite(value):
            return clause
        return f"it is infinitely far {'beyond' if value > 0 else 'short of'} what the claim needs"

    def _line(self, clauses: Sequence[str]) -> str:
        said = "; ".join([*clauses, *([f"the claim {self.needs}"] if self.needs else [])])
        return " ".join((f"{self.of}: {said}" if self.of else said).split())


def _placed(parts: Sequence[tuple[int, bool, str]], seeds: int) -> list[str]:
    """Clauses, each for so many seeds, whose median it tells or not, with the words for these: 'in 12 of 16 seeds, ...'."""
    said, left = [], seeds
    for count, is_median, clause in parts:
        if left < seeds and count == left:
            who = "the other one" if count == 1 else f"the other {count:,}"
        else:
            who = f"{count:,} of {seeds:,} seeds"
        if is_median:
            who = "the median seed" if count == seeds else f"the median of {who}"
        elif count == seeds:
            who = "every seed"
        said.append(clause if seeds == 1 else f"in {who}, {clause}")
        left -= count
    return said


def _median(values: Sequence[float]) -> float:
    ranked = sorted(values)
    return ranked[(len(ranked) - 1) // 2] / 2 + ranked[len(ranked) // 2] / 2


def by_hand(unit: str) -> Told:
    """How an effect made by hand tells its values if its author does not say: by the median in its ``unit``."""

    def found(value: float, arms: Arms) -> str:
        return f"the effect is {number(value)} {unit}".rstrip()

    return Told(found, "needs more than 0", "needs 0 or less")


# Numbers in words.


def number(value: float, digits: int = 3) -> str:
    """``value`` to so many significant digits, with an exponent only if a reader needs one: '0.0037', '1,290', '1.2e-7'."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "no finite number"
    if not 1e-4 <= abs(value) < _LARGE:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, places)
    return f"{rounded:,.{max(places, 0)}f}".rstrip("0").rstrip(".") if places > 0 else f"{rounded:,.0f}"


def points(share: float) -> str:
    """A difference of two shares in percentage points, to two significant digits: '0.36 points'."""
    return _with_unit(number(100 * abs(share), 2), " points")


def beside(bound: float, margin: float, unit: str = "") -> str:
    """The number that is ``margin`` above ``bound``, with as many digits as it takes to see on which side of it: '91.1 %' beside
    70 %. A number that is its bound is "exactly" that; ``EXACTLY`` are the margins of such numbers."""
    limit = bounding(bound, unit)
    if margin in EXACTLY:
        return f"exactly {limit}"
    value, edge = (100 * (bound + margin), 100 * bound) if unit else (bound + margin, bound)
    fewest = 3 if abs(value) >= 10 or abs(margin) < 0.1 * abs(bound) else 2
    for digits in range(fewest, 16) if math.isfinite(value) else ():
        text = number(value, digits)
        if text != number(edge, _WRITTEN) and (float(text.replace(",", "")) > edge) == (margin > 0):
            return _with_unit(text, unit)
    return f"just {'above' if margin > 0 else 'below'} {limit}" if math.isfinite(value) else "beyond all numbers"


def bounding(bound: float, unit: str = "") -> str:
    """A ``bound`` as its author wrote it; a share in a ``unit`` of a hundredth, " %" or " points"."""
    return _with_unit(number(100 * bound if unit else bound, _WRITTEN), unit)


def _with_unit(text: str, unit: str) -> str:
    return text + (unit.removesuffix("s") if text == "1" else unit)


def factor(logarithm: float) -> str:
    """The number whose natural logarithm is given, to two significant digits: '1.6', '14', '1,300'."""
    return number(math.exp(min(max(logarithm, -_EXPONENT), _EXPONENT)), 2)


def by_factor(logarithm: float) -> str:
    """A margin of logarithms in words: 'a factor of 1.6', '2.3 %'."""
    return ratio(logarithm, "{}", "a factor of {}")


def ratio(logarithm: float, little: str, times: str) -> str:
    """How many times as much something is, whose logarithm is given, whatever its sign: in the clause ``little`` if that is less
    than a tenth more, as '2.3 %', otherwise in ``times``, as '1.6', in place of {}."""
    size = abs(logarithm)
    if size >= math.log(1.1):
        return times.replace("{}", factor(size))
    per_cent = 100 * math.expm1(size)
    return little.replace("{}", f"{number(per_cent, 2)} %" if per_cent >= 0.01 else "less than 0.01 %")


def name(arm: str) -> str:
    """The name of an arm inside a sentence, in quotes if it would not be read as a name: 'CNN-1', '"net 2, 1 layer"'."""
    plain = len(arm) > 1 and arm[0].isalpha() and not set(arm) & set(',;:."')
    return arm if plain else f'"{arm}"'


def names(arms: Sequence[str]) -> str:
    """Names of arms in a list: 'CNN-1, CNN-2 and CNN-3'."""
    found = list(map(name, arms))
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
