"""What a session finds in its report directory: the report of earlier ones, as far as it remains valid."""

from collections.abc import Callable

from hw1bench.report import merge, quantities, reading
from hw1bench.session.settings import Options


def earlier(options: Options, known: merge.Known, notice: Callable[[str], None]) -> merge.Earlier:
    """What remains valid of the report in the report directory, given the claims that are ``known``; ``notice`` is told if not
    all of it does."""
    path = options.report_dir / reading.NAME
    if not path.exists():
        return merge.Earlier()
    try:
        old, _ = reading.read(path)
    except ValueError as error:
        notice(f"the report there cannot be extended ({error}): it is replaced")
        return merge.Earlier()
    found = merge.earlier(old, options.tier, options.seed_offset, known)
    if found is None:
        of = f"the {old['tier']} tier from seed {old['seed_offset']}, {quantities.plural(len(old['claims']), 'claim')}"
        notice(f"{path} is a report of {of}: it is replaced; --report-dir keeps them apart")
        return merge.Earlier()
    if found.left:
        notice(f"{path} has claims that are gone or have changed, which are now left out: {', '.join(found.left)}")
    return found
