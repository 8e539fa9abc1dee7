"""``python -m hw1bench data mnist|cifar10``, ``report RUN_OR_JSON`` and ``compare OLD NEW``."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from hw1bench import report
from hw1bench.report import compare, contract


def _read(text: str) -> tuple[dict[str, Any], Path]:
    """The document in a report directory or a claims.json file, and the directory that it lies in."""
    path = Path(text)
    if path.is_dir():
        path = path / "claims.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}): name a report directory or a claims.json"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}): run the session again") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path} holds no claims.json document: name a report directory or a claims.json")
    contract.check(document)
    return document, path.parent


def _report(arguments: argparse.Namespace) -> int:
    document, folder = _read(arguments.source)
    report.write(document, folder)
    print(f"report: {folder / 'index.html'}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    old, new = _read(arguments.old)[0], _read(arguments.new)[0]
    comparison = compare.compare(old, new)
    print(compare.render(comparison), end="")
    return int(comparison.changed)


def _data(arguments: argparse.Namespace) -> int:
    from hw1bench.images import command  # torch is imported with it: seconds that the other commands save

    folder = Path(arguments.data_dir or os.environ.get("HW1BENCH_DATA") or "data")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give --data-dir (HW1BENCH_DATA) one")
    return command.run(arguments.set, folder)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status, 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="hw1bench", description="Data sets, and reports of sessions, without training."
    )
    commands = parser.add_subparsers(required=True)
    data = commands.add_parser("data", help="fetch a data set, or check the one that is there; exit 1 if it is wrong")
    data.add_argument("set", choices=("mnist", "cifar10"), help="which")
    data.add_argument("--data-dir", metavar="DIR", help="where it lies, or goes ($HW1BENCH_DATA, else data)")
    data.set_defaults(run=_data)
    render = commands.add_parser("report", help="render a report again")
    render.add_argument("source", metavar="RUN_OR_JSON", help="a report directory or its claims.json")
    render.set_defaults(run=_report)
    differ = commands.add_parser("compare", help="verdicts and timings that changed; exit 1 if any verdict did")
    differ.add_argument("old", metavar="OLD", help="a report directory or its claims.json")
    differ.add_argument("new", metavar="NEW", help="another")
    differ.set_defaults(run=_compare)
    chosen = parser.parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except (ValueError, OSError) as error:
        print(f"hw1bench: {error}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
