"""Where a user's data and caches lie, by the XDG Base Directory Specification."""

import os
from pathlib import Path


def user_folder(variable: str, otherwise: str) -> Path | None:
    """Return our folder in the one that the environment ``variable`` names if that is an absolute path, as XDG_CACHE_HOME, or
    else in ``otherwise`` in the user's home; None for a user without a home."""
    base = Path(os.environ.get(variable, ""))
    try:
        return (base if base.is_absolute() else Path.home() / otherwise) / "hw1bench"
    except RuntimeError:
        return None


def data_folder() -> Path | None:
    """Return the folder of data sets, which may not exist: HW1BENCH_DATA, or ``$XDG_DATA_HOME/hw1bench``, or
    ``~/.local/share/hw1bench``; None for a user without a home."""
    named = os.environ.get("HW1BENCH_DATA")
    return Path(named) if named else user_folder("XDG_DATA_HOME", ".local/share")
