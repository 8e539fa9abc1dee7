"""``python -m hw1bench data``: a set is checked where it is there, else fetched and then checked."""

import sys
from pathlib import Path

from hw1bench.images.fetch import fetch
from hw1bench.images.find import Source, find
from hw1bench.images.published import again, digests, genuine
from hw1bench.images.reader import open_set
from hw1bench.images.sets import FORMS, Form
from hw1bench.progress import Progress, TerminalProgress
from hw1bench.runs import Unavailable


def _check_files(form: Form, folder: Path) -> Path | None:
    """Prints a line a file; returns the first that is not the published one."""
    wrong = []
    for path, digest in digests(form, folder):
        if genuine(path, digest):
            print(f"  {path.name}  ok")
        else:
            print(f"  {path.name}  wrong: its MD5 digest is not {digest}")
            wrong.append(path)
    return wrong[0] if wrong else None


def _check(form: Form, source: Source, progress: Progress) -> None:
    """Prints what is there. Raises ValueError, in one line, for a copy that is not the canonical set."""
    print(f"{form.title} in {source.path}")
    wrong = _check_files(form, source.path) if source.kind == "files" else None
    found = open_set(form, source, progress)
    word = "canonical" if found.canonical else f"not the canonical {form.fingerprint}"
    print(
        f"  {len(found.train):,} training and {len(found.test):,} test images, fingerprint {found.fingerprint}, {word}"
    )
    if wrong is not None:
        raise ValueError(f"{wrong} is not the published file: remove it and run {again(form, wrong)}")
    if not found.canonical:
        raise ValueError(f"{source.path} is not the canonical {form.title}: what is trained on it says so")


def _complete(form: Form, source: Source) -> bool:
    return source.kind != "files" or all(path.is_file() for path, _ in digests(form, source.path))


def run(name: str, folder: Path) -> int:
    """Check the set ``name`` in ``folder``, after fetching what is missing.

    Returns the exit status: 0 for the canonical set; 1, with one line on the error stream, for any other, and where it
    cannot be fetched.
    """
    form, progress = FORMS[name], TerminalProgress(sys.stderr, midline=False)
    try:
        source = find(form, folder)
        if source is None or not _complete(form, source):
            source = Source("files", fetch(form, folder, progress.notice))
        _check(form, source, progress)
    except (Unavailable, ValueError, OSError) as error:
        print(f"hw1bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hw1bench: interrupted; nothing half was left behind", file=sys.stderr)
        return 1
    return 0
