"""What a session finds in its report directory: the report of earlier ones, as far as it remains valid."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hw1bench.court.vocabulary import RULED
from hw1bench.report import merge, quantities, reading
from hw1bench.report.contract import Claim
from hw1bench.session.settings import Options
from hw1bench.support.files import open_regular


def check(folder: Path) -> None:
    """Raise ValueError, in one line, if the report in the report directory ``folder`` cannot be read: a session would lose it."""
    try:
        open_regular(folder / reading.NAME).close()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ValueError(
            f"--report-dir {folder} has a {reading.NAME} that cannot be read ({error.strerror or error}): make it readable, or "
            "name a different folder"
        ) from error


def nothing_judged(claims: Sequence[Claim]) -> bool:
    """Whether a session with these ``claims``, none if its part has none, has judged nothing but exact counts, which need no
    runs, although it had other claims."""
    judged = [claim for claim in claims if claim["verdict"] != "not run"]
    exact = [claim for claim in judged if claim["verdict"] in RULED and claim["seeds"] is None]
    return exact == judged and (judged != claims or not claims)


def earlier(options: Options, known: merge.Known, notice: Callable[[str], None], *, idle: bool) -> merge.Earlier | None:
    """What remains valid of the report in the report directory, given the claims that are ``known``; ``notice`` is told if not
    all of it does. None if it stays as it is: nothing can be added to it, and the session is ``idle``, so that
    nothing can take its place. Raises OSError if it cannot be read.
    """
    path = options.report_dir / reading.NAME
    fate = "it is left as it is, because no claim that needs runs was judged" if idle else "it is replaced"
    nothing = None if idle else merge.Earlier()
    try:
        open_regular(path).close()
    except FileNotFoundError:
        return merge.Earlier()
    try:
        old, _ = reading.read(path)
    except ValueError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        notice(f"the report there cannot be extended ({error}): {fate}")
        return nothing
    found = merge.earlier(old, options.tier, options.seed_offset, known)
    if found is None:
        of = f"the {old['tier']} tier from seed {old['seed_offset']}, {quantities.plural(len(old['claims']), 'claim')}"
        notice(f"{path} is a report of {of}: {fate}; --report-dir keeps them apart")
        return nothing
    if found.left:
        notice(f"{path} has claims that are gone or have changed, which are now left out: {', '.join(found.left)}")
    return found
