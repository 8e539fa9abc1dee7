"""Figures that are not drawn."""

from hw1bench.support.files import write_whole


def blank(kind, *, path, **shown):
    """Put a blank figure in the place of a chart of ``kind``: drawing takes as long as the rest of a session of small nets."""
    write_whole(path, b'<svg xmlns="http://www.w3.org/2000/svg" width="540pt" height="300pt" viewBox="0 0 540 300"/>')
