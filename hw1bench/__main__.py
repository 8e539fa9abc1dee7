"""``python -m hw1bench data mnist|cifar10``, ``report RUN_OR_JSON`` and ``compare OLD NEW``."""

import argparse
import os
import sys
import traceback
from pathlib import Path

from hw1bench import report
from hw1bench.report import compare, reading
from hw1bench.report.plain import line


def _report(arguments: argparse.Namespace) -> int:
    _say(f"report: {report.again(Path(arguments.source)) / 'index.html'}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    old, new = (reading.read(Path(name))[0] for name in (arguments.old, arguments.new))
    comparison = compare.compare(old, new)
    _say(compare.render(comparison).removesuffix("\n"))
    return int(comparison.changed)


def _say(text: str) -> None:
    """Print `text` whatever the terminal's encoding holds of it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # there is no stdout where it was closed
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _data(arguments: argparse.Namespace) -> int:
    from hw1bench.images import command  # torch is imported with it: seconds that the other commands save

    folder = Path(arguments.data_dir or os.environ.get("HW1BENCH_DATA") or "data")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give --data-dir (HW1BENCH_DATA) one")
    return command.run(arguments.set, folder)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status: 2 for input that cannot be used, and 1 for nothing else than a change or a
    data set that is wrong."""
    parser = argparse.ArgumentParser(
        prog="hw1bench", description="Data sets, and reports of sessions, without training."
    )
    commands = parser.add_subparsers(required=True)
    data = commands.add_parser("data", help="fetch a data set, or check the one that is there; exit 1 if it is wrong")
    data.add_argument("set", choices=("mnist", "cifar10"), help="which")
    data.add_argument("--data-dir", metavar="DIR", help="where it lies, or goes ($HW1BENCH_DATA, else data)")
    data.set_defaults(run=_data)
    render = commands.add_parser("report", help="render a report again; old.json is rendered into a folder old")
    render.add_argument("source", metavar="RUN_OR_JSON", help="a report directory or a claims.json")
    render.set_defaults(run=_report)
    differ = commands.add_parser("compare", help="verdicts and timings that changed; exit 1 if any verdict did")
    differ.add_argument("old", metavar="OLD", help="a report directory or a claims.json")
    differ.add_argument("new", metavar="NEW", help="another")
    differ.set_defaults(run=_compare)
    chosen = parser.parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except (ValueError, OSError, RecursionError, MemoryError) as error:
        print(f"hw1bench: {line(str(error)) or type(error).__name__}", file=sys.stderr)
        return 2
    except Exception:  # a fault of ours: all that is known of it, but not the status of a change
        traceback.print_exc()
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
