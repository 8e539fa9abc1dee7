"""The pack of the five reports: the reports, their topics in the order in which they are shown, and the questions they share.

This module is a pytest plugin, which a root ``conftest.py`` names beside ``pytest_hw1bench``.
"""

from hw1bench.sources import a, b, c, d, e
from hw1bench.sources.questions import QUESTIONS
from hw1bench.specs.experiment import Experiment
from hw1bench.specs.pack import Pack
from hw1bench.specs.report import Topic

_SOURCES = (a, b, c, d, e)

PACK = Pack(
    reports=tuple(source.REPORT for source in _SOURCES),
    topics=(
        Topic("fit", "Fitting functions"),
        Topic("task", "Real tasks"),
        Topic("path", "Weight paths"),
        Topic("grad", "Gradient norm"),
        Topic("minratio", "Minimal ratio"),
        Topic("random", "Random labels"),
        Topic("size", "Size and generalisation"),
        Topic("interp", "Interpolation"),
        Topic("sensitivity", "Sensitivity"),
        Topic("counts", "Parameter counts"),
    ),
    questions=QUESTIONS,
)

EXPERIMENTS = tuple(value for source in _SOURCES for value in vars(source).values() if isinstance(value, Experiment))
"""Every experiment of the reports, in the order of the sources."""


def pytest_hw1bench_pack() -> Pack:
    """Return the pack to pytest."""
    return PACK
