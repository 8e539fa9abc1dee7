"""``python -m hw1bench report RUN_OR_JSON`` and ``python -m hw1bench compare OLD NEW``."""

import argparse
import json
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


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status, 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(prog="hw1bench", description="Work on the reports of sessions, without training.")
    commands = parser.add_subparsers(required=True)
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
