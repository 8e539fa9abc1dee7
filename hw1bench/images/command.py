"""The command ``python -m hw1bench data``, which checks a set, after fetching it if it is missing."""

import os
import sys
from pathlib import Path

from hw1bench.images.fetch import fetch
from hw1bench.images.find import Source
from hw1bench.images.printable import printable
from hw1bench.images.published import digests, fetch_command, genuine
from hw1bench.images.reader import choose, look, open_set
from hw1bench.images.sets import KNOWN_SETS, ImageSet, KnownSet
from hw1bench.support.progress import Progress, TerminalProgress
from hw1bench.support.refusals import Unavailable


def _check_files(form: KnownSet, folder: Path) -> Path | None:
    """Print one line per file; return the first that is not the published one."""
    wrong = []
    for path, digest in digests(form, folder):
        if genuine(path, digest):
            print(f"  {printable(path.name)}  ok")
        else:
            print(f"  {printable(path.name)}  wrong: its MD5 digest is not {digest}")
            wrong.append(path)
    return wrong[0] if wrong else None


def _check(form: KnownSet, source: Source, root: Path, found: ImageSet | None) -> None:
    """Print the findings on a copy; ``found`` is None if it cannot be read. Raises ValueError, in one line, if it is not the
    canonical set."""
    print(f"{form.title} in {printable(source.path)}")
    wrong = _check_files(form, source.path) if source.kind == "files" else None
    if found is None:
        return
    word = "canonical" if found.canonical else f"not the canonical {form.fingerprint}"
    print(
        f"  {len(found.train):,} training and {len(found.test):,} test images, fingerprint {found.fingerprint}, {word}"
    )
    if wrong is not None:
        raise ValueError(f"{wrong} is not the published file: remove it and run {fetch_command(form, root)}")
    if not found.canonical:
        raise ValueError(f"{source.path} is not the canonical {form.title}: results trained on it will say so")


def _complete(form: KnownSet, source: Source) -> bool:
    """Whether all published files are there, right or wrong, so that none is fetched."""
    return source.kind == "files" and all(os.path.lexists(path) for path, _ in digests(form, source.path))


def _checked(form: KnownSet, folder: Path, progress: Progress) -> None:
    """Check the set in ``folder``, after fetching missing files. Raises ValueError for a copy that is damaged or not the
    canonical set, ``Unavailable`` if there is no copy and none can be fetched."""
    found = look(form, folder)
    if found.sources:
        try:
            source, read = choose(form, found, folder, progress)
        except ValueError as error:
            complete = next((source for source in found.sources if _complete(form, source)), None)
            if complete is not None:
                _check(form, complete, folder, None)
                raise
            progress.notice(printable(f"passed over: {error}"))
        else:
            _check(form, source, folder, read)
            return
    source = Source("files", fetch(form, folder, progress.notice))
    _check(form, source, folder, open_set(form, source, folder, progress))


def run(name: str, folder: Path) -> int:
    """Check the set ``name`` in ``folder``, after fetching missing files.

    Returns the exit status: 0 for the canonical set; 1, with one line on the error stream, for any other set or if it cannot
    be fetched.
    """
    form, progress = KNOWN_SETS[name], TerminalProgress(sys.stderr, midline=False)
    try:
        _checked(form, folder, progress)
    except (Unavailable, ValueError, OSError) as error:
        print(f"hw1bench: {printable(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hw1bench: interrupted; no partial download was left behind", file=sys.stderr)
        return 1
    return 0
