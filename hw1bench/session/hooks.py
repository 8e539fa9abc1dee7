"""The hooks that the plugin adds to pytest, for other plugins and for ``conftest.py`` files to implement."""

import pytest

from hw1bench.specs.report import Pack


@pytest.hookspec
def pytest_hw1bench_pack() -> Pack | None:
    """The reports and topics of a collection of claims, which pages then show by title, source and link.

    It is called when pytest starts and again once claims are collected, for files that are read only then; each time it
    returns the same. What several return is put together: two different reports, or topics, of one id end the session.
    """
