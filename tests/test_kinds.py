"""The table of kinds against the charts: the arrays that it names are enough to draw each chart, and all are needed."""

from dataclasses import replace

import pytest

from hw1bench.report import figures
from hw1bench.specs.kinds import KINDS
from sample_series import arm, drawn


def test_every_kind_of_figure_is_in_the_table():
    assert KINDS.keys() == figures.KINDS.keys()


def draw(kind, series):
    drawn(kind, *series)
    figures.note(kind, series)


@pytest.mark.parametrize("kind", KINDS)
def test_figures_read_exactly_the_arrays_in_the_table_of_kinds(kind):
    full = [arm(epochs=5), arm("other", epochs=5, lr=1e-2, batch_size=128, parameters=2000)]
    series = [replace(one, arrays={name: one.arrays[name] for name in KINDS[kind].arrays}) for one in full]
    draw(kind, series)
    for name in KINDS[kind].arrays:
        lacking = [replace(one, arrays={key: of for key, of in one.arrays.items() if key != name}) for one in series]
        with pytest.raises(ValueError, match=f"has no array '{name}'"):
            draw(kind, lacking)
        if KINDS[kind].every and kind not in ("function", "curves"):  # these show only the function of the first series
            with pytest.raises(ValueError, match=f"has no array '{name}'"):
                draw(kind, [series[0], lacking[1]])
