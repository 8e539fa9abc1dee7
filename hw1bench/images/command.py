"""``python -m hw1bench data``: a set is checked where it is there, else fetched and then checked."""

import os
import sys
from pathlib import Path

from hw1bench.images.fetch import fetch
from hw1bench.images.find import Source
from hw1bench.images.published import again, digests, genuine
from hw1bench.images.reader import choose, look, open_set
from hw1bench.images.sets import FORMS, Form, ImageSet
from hw1bench.images.shown import shown
from hw1bench.support.progress import Progress, TerminalProgress
from hw1bench.support.refusals import Unavailable


def _check_files(form: Form, folder: Path) -> Path | None:
    """Prints a line a file; returns the first that is not the published one."""
    wrong = []
    for path, digest in digests(form, folder):
        if genuine(path, digest):
            print(f"  {shown(path.name)}  ok")
        else:
            print(f"  {shown(path.name)}  wrong: its MD5 digest is not {digest}")
            wrong.append(path)
    return wrong[0] if wrong else None


def _check(form: Form, source: Source, root: Path, found: ImageSet | None) -> None:
    """Prints what is there, ``found`` None if it cannot be read. Raises ValueError, in one line, for a copy that is not
    the canonical set."""
    print(f"{form.title} in {shown(source.path)}")
    wrong = _check_files(form, source.path) if source.kind == "files" else None
    if found is None:
        return
    word = "canonical" if found.canonical else f"not the canonical {form.fingerprint}"
    print(
        f"  {len(found.train):,} training and {len(found.test):,} test images, fingerprint {found.fingerprint}, {word}"
    )
    if wrong is not None:
        raise ValueError(f"{wrong} is not the published file: remove it and run {again(form, root)}")
    if not found.canonical:
        raise ValueError(f"{source.path} is not the canonical {form.title}: what is trained on it says so")


def _whole(form: Form, source: Source) -> bool:
    """Whether the published files are all there, right or wrong: then none is fetched."""
    return source.kind == "files" and all(os.path.lexists(path) for path, _ in digests(form, source.path))


def _checked(form: Form, folder: Path, progress: Progress) -> None:
    """Raises ValueError for a copy that is damaged or not the canonical set, Unavailable where none can be had."""
    found = look(form, folder)
    if found.sources:
        try:
            source, read = choose(form, found, folder, progress)
        except ValueError as error:
            whole = next((source for source in found.sources if _whole(form, source)), None)
            if whole is not None:
                _check(form, whole, folder, None)
                raise
            progress.notice(shown(f"passed over: {error}"))
        else:
            _check(form, source, folder, read)
            return
    source = Source("files", fetch(form, folder, progress.notice))
    _check(form, source, folder, open_set(form, source, folder, progress))


def run(name: str, folder: Path) -> int:
    """Check the set ``name`` in ``folder``, after fetching what is missing.

    Returns the exit status: 0 for the canonical set; 1, with one line on the error stream, for any other, and where it
    cannot be fetched.
    """
    form, progress = FORMS[name], TerminalProgress(sys.stderr, midline=False)
    try:
        _checked(form, folder, progress)
    except (Unavailable, ValueError, OSError) as error:
        print(f"hw1bench: {shown(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hw1bench: interrupted; nothing half was left behind", file=sys.stderr)
        return 1
    return 0
