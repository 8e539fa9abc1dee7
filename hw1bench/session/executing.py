"""Where a session trains: on this machine, or on a Ray cluster."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hw1bench.records.store import Store
from hw1bench.session.settings import ON_RAY, Options
from hw1bench.support.progress import Progress

if TYPE_CHECKING:
    from hw1bench.data import Library
    from hw1bench.executors.cluster import ClusterTrainer
    from hw1bench.executors.local import LocalTrainer


class Executor:
    """What trains in a session with ``options``, on ``device``, unless it is ``closed`` for a reason: the trainer on a
    ``cluster``, if the session is on one, else on this machine. Training is shown by ``progress``; what of it is not whole yet is
    kept in ``store``.

    Raises ValueError, in one line, for a device that there is not, and for a cluster that cannot be joined.
    """

    def __init__(self, options: Options, progress: Progress, store: Store | None = None) -> None:
        self._options, self._progress, self._store = options, progress, store
        self._shown = options.budget.watching(progress) if options.budget else progress
        self.cluster: ClusterTrainer | None = None
        self._local: LocalTrainer | None = None
        if options.executor == "local":
            self.device, self.closed = _device(options, _cuda_here)
            if self.device == "cuda":
                _ = self.local  # which refuses a device that is not there
        else:
            self.device, self.closed, self.cluster = self._join()

    @property
    def made(self) -> "LocalTrainer | ClusterTrainer | None":
        """What trains; None until a claim needs runs."""
        return self.cluster or self._local

    @property
    def trainer(self) -> "LocalTrainer | ClusterTrainer":
        return self.cluster or self.local

    @property
    def local(self) -> "LocalTrainer":
        """The trainer on this machine, made when it is first needed: it imports torch, which takes seconds."""
        if self._local is None:
            from hw1bench.data import Library

            library = Library(self._options.data_dir, self._progress)
            self._local = self._trainer(self.device, library)
        return self._local

    def _trainer(self, device: str, library: "Library") -> "LocalTrainer":
        from hw1bench.executors.local import LocalTrainer

        return LocalTrainer(device, self._shown, library, precision=self._options.precision, store=self._store)

    def end(self) -> None:
        """Give a cluster back."""
        if self.cluster is not None:
            self.cluster.end()

    def _join(self) -> "tuple[str, str | None, ClusterTrainer]":
        options = self._options
        for module in ("ray", "cloudpickle"):
            if find_spec(module) is None:
                raise ValueError(f"--executor {options.executor} needs {module}: pip install 'hw1bench[cluster]'")
        from hw1bench.data import Library
        from hw1bench.executors.cluster import ClusterTrainer
        from hw1bench.executors.link import Link

        found = ON_RAY.fullmatch(options.executor)
        library = Library(options.data_dir, self._progress)
        link = Link((found and found["address"]) or "")
        try:
            device, closed = _device(options, lambda: any(one.get("GPU", 0) > 0 for _, _, one in link.nodes))
            own = "cuda" if device == "cuda" and _cuda_here() else "cpu"
            here = self._trainer(own, library)
            cluster = ClusterTrainer(link, here, device, library, self._shown, precision=options.precision)
        except BaseException:
            link.end()
            raise
        return device, closed, cluster


def _cuda_here() -> bool:
    from hw1bench.executors.local import cuda_here

    return cuda_here()


def _device(options: Options, cuda: Callable[[], bool]) -> tuple[str, str | None]:
    """Return the device, and the reason why nothing can be trained, if there is one."""
    if options.device != "auto":
        return options.device, None
    if options.tier == "quick":
        return "cpu", None
    if cuda():
        return "cuda", None
    return "cpu", "no CUDA device here: give --device cpu to run the full tier on the CPU"
