"""The commands ``store``, ``export`` and ``import``: their arguments, and what each does. What takes long to import is imported
when a command runs."""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hw1bench.records.stock import Entry

Say = Callable[[str], None]
Terminal = Callable[[], tuple[int | None, bool]]
"""Gives the width of the terminal, None if there is none, and whether it has colours."""


def add(commands: Any, say: Say, terminal: Terminal) -> None:
    """Add the commands to ``commands``, what ``add_subparsers`` of argparse gives."""
    store = commands.add_parser("store", help="list stored blocks by experiment, and remove what is not wanted")
    store.add_argument(
        "folder", metavar="DIR", nargs="?", default="reports", help="a report directory (default: reports)"
    )
    store.add_argument(
        "--claims", metavar="CLAIMS", action="append", help="a folder or a file of the present claims (default: claims)"
    )
    store.add_argument("--prune", action="store_true", help="remove what no present claim needs")
    store.add_argument(
        "--limit", metavar="SIZE", help="remove what was not used for longest, until no more is left than, say, 20GB"
    )
    store.set_defaults(run=partial(_store, say, terminal))
    out = commands.add_parser("export", help="write stored blocks to a file; exit 1 if some are damaged")
    out.add_argument("file", metavar="FILE.tar", help="the file")
    out.add_argument("experiments", metavar="EXPERIMENT", nargs="*", help="only those of experiments with these ids")
    out.add_argument(
        "--from", dest="source", metavar="DIR", default="reports", help="a report directory (default: reports)"
    )
    out.set_defaults(run=partial(_export, say))
    taken = commands.add_parser("import", help="add stored blocks from a file; exit 1 if some cannot be used")
    taken.add_argument("file", metavar="FILE.tar", help="a file that export wrote")
    taken.add_argument("--into", metavar="DIR", default="reports", help="a report directory (default: reports)")
    taken.set_defaults(run=partial(_import, say))


def _store(say: Say, terminal: Terminal, arguments: argparse.Namespace) -> int:
    from hw1bench.records import stock
    from hw1bench.session import stored

    folder = Path(arguments.folder)
    stored.folder_of(folder)
    limit = None if arguments.limit is None else stock.bytes_of(arguments.limit)
    paths, needed = [Path(path) for path in arguments.claims or ["claims"]], None
    note = f"Needed is what claims in {', '.join(map(str, paths))} ask for, with this version, on any machine."
    try:
        needed = _needed(paths, folder)
    except ValueError as error:
        if arguments.prune:
            raise
        note = f"What claims need is not known: {error}."
    stored.listed(folder, needed, note, stored.Shown(say, *terminal()), prune=arguments.prune, limit=limit)
    return 0


def _needed(paths: Sequence[Path], report_dir: Path) -> "Callable[[Entry], bool]":
    """Whether a record in the store of ``report_dir`` is needed by the claims in ``paths``, selected or not. Each of these is
    collected by itself, because they may be repositories of their own.

    Raises ValueError, in one line, if not all of these claims can be known.
    """
    from hw1bench.session import collected, needs  # imports torch

    wanted: list[needs.Needs] = []
    for path in paths:
        with collected.forgetting():
            found = collected.collected([path], collected.EITHER_TIER)
            wanted.append(needs.needs(found.cases, found.in_all, report_dir))
        if found.missed:
            more = f" and {len(found.missed) - 1:,} more" if len(found.missed) > 1 else ""
            raise ValueError(
                f"{os.path.relpath(found.missed[0])}{more} was skipped, ignored or collected in part: let pytest collect all "
                "of it, or name with --claims the files whose claims count"
            )
    return lambda entry: any(one.has(entry) for one in wanted)


def _export(say: Say, arguments: argparse.Namespace) -> int:
    from hw1bench.records import moving, stock
    from hw1bench.session import stored

    folder, file = stored.folder_of(Path(arguments.source)), Path(arguments.file)
    if file.suffix != ".tar":
        raise ValueError(f"{file} does not end in .tar: name the file so")
    if file.exists():
        raise ValueError(f"{file} is there already: give another name, or remove it")
    entries = stored.of_experiments(folder, stock.entries(folder), arguments.experiments)
    moved = moving.pack(entries, file, say)
    say(f"{file}: {stored.summed(moved.records, moved.size)}")
    return int(bool(moved.refused))


def _import(say: Say, arguments: argparse.Namespace) -> int:
    from hw1bench.records import moving
    from hw1bench.session import stored

    folder, file = Path(arguments.into) / "blocks", Path(arguments.file)
    if not file.is_file():
        raise ValueError(f"{file} is not a file: name one that hw1bench export wrote")
    moved = moving.unpack(file, folder, say)
    say(f"{folder}: {stored.summed(moved.records, moved.size)} added, {moved.there:,} there already")
    return int(bool(moved.refused))
