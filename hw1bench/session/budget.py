"""``--budget MINUTES``: so long may a session take, or a completion of the record."""

import math
from time import monotonic

from hw1bench.report import quantities
from hw1bench.support.progress import Progress
from hw1bench.support.refusals import Unavailable

ESTIMATED = ": about "
"""What stands between the reason why a claim is not run and the time that it would take."""


class Budget:
    """So many ``minutes``, which pass from when this is made. Raises ValueError, in one line, for a number that is no time."""

    def __init__(self, minutes: float) -> None:
        if not 0 < minutes < math.inf:
            raise ValueError(f"--budget {minutes:g} is no number of minutes above 0: give one, such as 60")
        self._option = f"--budget {minutes:g}"
        self._last = monotonic() + 60 * minutes
        self._admitted = 0.0

    @classmethod
    def of(cls, text: str | None) -> "Budget | None":
        """The budget that ``text`` gives on a command line, None without a text. Raises ValueError, in one line, unless it is a
        number of minutes above 0."""
        if text is None:
            return None
        try:
            minutes = float(text)
        except ValueError:
            raise ValueError(f"--budget {text!r} is not a number: give minutes, such as 60") from None
        return cls(minutes)

    @property
    def left(self) -> float:
        """Seconds that are left: 0 or less once the time is up."""
        return self._last - monotonic()

    def admit(self, seconds: float) -> None:
        """Say that work begins which takes about ``seconds``, 0 if nobody knows. Raises Unavailable if it does not fit into what
        is left."""
        if seconds > self.left:
            about = f"{ESTIMATED}{quantities.duration(seconds)}" if seconds else ""
            raise Unavailable(f"no time left in {self._option}{about}")
        self._admitted = seconds

    def check(self) -> None:
        """Raise Unavailable if the time is up, and with it the work that was admitted last."""
        if self.left <= 0:
            whole = f"about {quantities.duration(self._admitted)} in all, " if self._admitted else ""
            raise Unavailable(f"no time left in {self._option}: stopped before its end, {whole}what is trained is kept")

    def watching(self, progress: Progress) -> Progress:
        """``progress``, which also stops the work that it shows, with Unavailable, when the time is up."""
        return _Watching(self, progress)


class _Watching:
    """A progress that stops work unless its last step is done: what is left then, such as an evaluation, is short, and stopping
    would lose all of it."""

    def __init__(self, budget: Budget, progress: Progress) -> None:
        self._budget = budget
        self._progress = progress
        self._steps = 0
        self.finish = progress.finish
        self.notice = progress.notice

    def start(self, label: str, steps: int) -> None:
        self._steps = steps
        self._progress.start(label, steps)

    def advance(self, steps: int, label: str = "") -> None:
        self._steps -= steps
        self._progress.advance(steps, label)
        if self._steps > 0:
            self._budget.check()
