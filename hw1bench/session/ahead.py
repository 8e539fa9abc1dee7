"""Work ahead: the host's processors train and measure fits of functions while a GPU trains nets on images."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event

from hw1bench.specs.experiment import Experiment
from hw1bench.support.progress import Progress


class _Ended(Exception):
    """The session ends, and with it what is trained ahead."""


class Unseen:
    """The progress of work ahead, which is not shown: the display belongs to what the session waits for. Notices go to the
    progress ``shown``."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._end = Event()

    def start(self, label: str, steps: int) -> None: ...
    def finish(self) -> None: ...

    def advance(self, steps: int, label: str = "") -> None:
        if self._end.is_set():
            raise _Ended

    def notice(self, text: str) -> None:
        self._shown.notice(text)

    def end(self) -> None:
        """Let the work stop at its next step."""
        self._end.set()


class Ahead:
    """The ``experiments`` that are prepared by ``prepare``, one after the other, in a thread of its own.

    An error ends the preparation of its experiment alone and is not told: whoever needs the experiment meets it again.
    """

    def __init__(
        self, experiments: Sequence[Experiment], prepare: Callable[[Experiment], int], progress: Unseen
    ) -> None:
        self._progress = progress
        self._executor = ThreadPoolExecutor(1)
        self._waiting: dict[Experiment, Future[int]] = {
            experiment: self._executor.submit(prepare, experiment) for experiment in experiments
        }

    def wait(self, experiment: Experiment) -> int:
        """Return what ``prepare`` does, once ``experiment`` is prepared; 0 at once if that has not begun: it is then left to the
        caller. Whoever asks again is told 0."""
        future = self._waiting.pop(experiment, None)
        if future is not None and not future.cancel():
            with suppress(Exception):
                return future.result()
        return 0

    def end(self) -> None:
        """Stop, without what is not yet trained."""
        self._progress.end()
        self._executor.shutdown(cancel_futures=True)
