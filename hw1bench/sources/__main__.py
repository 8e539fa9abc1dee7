"""``python -m hw1bench.sources BENCHMARK_JSON PAGE``: write docs/protocols.md again.

The seconds come from a quick session's benchmark.json; an experiment that the session did not train keeps the seconds on the
page.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from hw1bench.report import protocols
from hw1bench.sources.pack import EXPERIMENTS
from hw1bench.support.files import write_whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; return the exit status, 2 if benchmark.json cannot be used."""
    parser = argparse.ArgumentParser(prog="hw1bench.sources", description="Write the table of protocols.")
    parser.add_argument("benchmark", metavar="BENCHMARK_JSON", type=Path, help="benchmark.json of a quick session")
    parser.add_argument("page", metavar="PAGE", type=Path, help="the Markdown file to write")
    chosen = parser.parse_args(arguments)
    try:
        seconds = protocols.trained(json.loads(chosen.benchmark.read_text(encoding="utf-8")))
        before = protocols.measured(chosen.page.read_text(encoding="utf-8")) if chosen.page.exists() else {}
        write_whole(chosen.page, protocols.page(EXPERIMENTS, before | seconds).encode())
    except OSError as error:
        print(
            f"hw1bench.sources: {error}: run `make claims` first, or name the file in its report directory",
            file=sys.stderr,
        )
        return 2
    except (ValueError, KeyError, TypeError) as error:
        print(
            f"hw1bench.sources: {chosen.benchmark} is not a session's benchmark.json ({error!r}): run `make claims` first",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
