"""The hooks that the plugin adds to pytest, for other plugins and for ``conftest.py`` files to implement."""

import pytest

from hw1bench.specs.pack import Pack


@pytest.hookspec
def pytest_hw1bench_pack() -> Pack | None:
    """Return the reports and topics of a collection of claims, which pages then show with title, source and link.

    The hook is called when pytest starts and again once claims are collected, for files that are read only then; it must
    return the same each time. The packs of several hooks are merged: two different reports, or topics, with one id end the
    session.
    """
