"""The table of kinds against the charts: what it names is enough to draw each, and nothing of it can be left out."""

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
def test_the_table_of_kinds_is_what_figures_are_drawn_from(kind):
    full = [arm(epochs=5), arm("other", epochs=5, lr=1e-2, batch_size=128, parameters=2000)]
    series = [replace(one, arrays={name: one.arrays[name] for name in KINDS[kind].arrays}) for one in full]
    draw(kind, series)
    for name in KINDS[kind].arrays:
        lacking = [replace(one, arrays={key: of for key, of in one.arrays.items() if key != name}) for one in series]
        with pytest.raises(ValueError, match=f"has no array '{name}'"):
            draw(kind, lacking)
        if KINDS[kind].every and kind not in ("function", "curves"):  # which show one function, the first
            with pytest.raises(ValueError, match=f"has no array '{name}'"):
                draw(kind, [series[0], lacking[1]])
