"""Progress of long work: on a terminal a bar with rate and time left, or lines if rich is not installed; elsewhere nothing."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

SECONDS_BETWEEN_LINES = 15.0
_REFRESH = 0.2  # seconds between two updates of the bar: a step takes a thousandth of this

Advance = Callable[[int], None]  # takes the steps done since the last call


class Progress(Protocol):
    """Display of long work: ``start`` it with its number of steps, ``advance``, under another label if there is one, ``finish``;
    ``notice`` prints a line."""

    def start(self, label: str, steps: int) -> None: ...
    def advance(self, steps: int, label: str = "") -> None: ...
    def finish(self) -> None: ...
    def notice(self, text: str) -> None: ...


class Silent:
    """A progress that shows nothing."""

    def start(self, label: str, steps: int) -> None: ...
    def advance(self, steps: int, label: str = "") -> None: ...
    def finish(self) -> None: ...
    def notice(self, text: str) -> None: ...


def _rate(steps_per_second: float) -> str:
    return "" if not steps_per_second else f"{steps_per_second:,.0f} steps/s"


def _console(stream: TextIO) -> "Console | None":
    """The terminal ``stream``, for a bar; None if it cannot have one, or without rich."""
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        return None
    console = Console(file=stream)
    return console if console.is_terminal else None


def _bar(console: "Console", label: str, steps: int) -> "Bar":
    """A bar with one task, of so many ``steps``, whose field ``rate`` is shown."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        auto_refresh=False,
    )
    bar.add_task(label, total=steps, rate="")
    return bar


class TerminalProgress:
    """Progress on ``stream``. In training a step is one optimiser step of one run; elsewhere the label says what it is.

    Only a terminal gets progress. A file or a pipe would keep every state of a bar, also where FORCE_COLOR asks for colours
    there, and lines in its place would cut the dots of pytest into pieces; notices it gets.

    With ``midline`` a text starts on a new line, below another writer's unfinished line such as pytest's dots.
    """

    def __init__(self, stream: TextIO, *, midline: bool = True) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._console = _console(stream) if self._terminal else None
        self._midline = midline
        self._bar: Bar | None = None
        self._label = ""
        self._steps = self._done = self._pending = 0
        self._started = self._shown = 0.0

    def start(self, label: str, steps: int) -> None:
        self._label, self._steps, self._done, self._pending = label, steps, 0, 0
        self._started = self._shown = time.perf_counter()
        if self._console is not None:
            self._bar = _bar(self._console, label, steps)
            self._bar.start()
            self._bar.refresh()

    def advance(self, steps: int, label: str = "") -> None:
        if not self._terminal:
            return
        self._pending += steps
        self._label = label or self._label
        now = time.perf_counter()
        if now - self._shown < (_REFRESH if self._bar else SECONDS_BETWEEN_LINES):
            return
        self._shown = now
        self._done += self._pending
        rate = self._done / (now - self._started)
        if self._bar:
            self._bar.update(
                self._bar.task_ids[0],
                description=self._label,
                advance=self._pending,
                rate=_rate(rate),
                refresh=True,
            )
        else:
            remaining = f"{_rate(rate)}, {(self._steps - self._done) / rate:.0f} s left" if rate else "evaluating"
            self._line(f"{self._label}: {self._done / self._steps:.0%}, {remaining}")
        self._pending = 0

    def finish(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def notice(self, text: str) -> None:
        self._line(text)

    def _line(self, text: str) -> None:
        text, end = (f"\n  {text}", "") if self._midline else (text, "\n")
        if self._bar:  # which the line goes above
            self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True, end=end)
        else:
            self._stream.write(text + end)
            self._stream.flush()
