"""``python -m hw1bench.reference PAGE``: write docs/reference.md again."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hw1bench.reference import page
from hw1bench.support.files import write_whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; return the exit status, 2 if it cannot be written."""
    parser = argparse.ArgumentParser(prog="hw1bench.reference", description="Write the reference of public names.")
    parser.add_argument("page", metavar="PAGE", type=Path, help="the Markdown file to write")
    chosen = parser.parse_args(arguments)
    try:
        write_whole(chosen.page, page.render().encode())
    except OSError as error:
        print(f"hw1bench.reference: {chosen.page} cannot be written ({error}): name another", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
