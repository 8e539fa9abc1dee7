"""Where a session trains: on this machine, or on a Ray cluster."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from hw1bench.data import Library
from hw1bench.executors.local import LocalTrainer, cuda_here
from hw1bench.session.settings import ON_RAY, Options
from hw1bench.support.progress import Progress

if TYPE_CHECKING:
    from hw1bench.executors.cluster import ClusterTrainer


class Executor(NamedTuple):
    """What trains, the ``device`` on which it does, and why it is ``closed``, if it is."""

    trainer: "LocalTrainer | ClusterTrainer"
    device: str
    closed: str | None


def executor(options: Options, library: Library, shown: Progress) -> Executor:
    """Return what trains in a session with ``options``; its progress is ``shown``.

    Raises ValueError, in one line, for a device that there is not, and for a cluster that cannot be joined.
    """
    if options.executor == "local":
        device, closed = _device(options, cuda=cuda_here())
        return Executor(LocalTrainer(device, shown, library, precision=options.precision), device, closed)
    for module in ("ray", "cloudpickle"):
        if find_spec(module) is None:
            raise ValueError(f"--executor {options.executor} needs {module}: pip install 'hw1bench[cluster]'")
    from hw1bench.executors.cluster import ClusterTrainer
    from hw1bench.executors.link import Link

    found = ON_RAY.fullmatch(options.executor)
    link = Link((found and found["address"]) or "")
    try:
        device, closed = _device(options, cuda=any(one.get("GPU", 0) > 0 for _, _, one in link.nodes))
        here = LocalTrainer(
            "cuda" if device == "cuda" and cuda_here() else "cpu", shown, library, precision=options.precision
        )
        trainer = ClusterTrainer(link, here, device, library, shown, precision=options.precision)
    except BaseException:
        link.end()
        raise
    return Executor(trainer, device, closed)


def _device(options: Options, *, cuda: bool) -> tuple[str, str | None]:
    """Return the device, and the reason why nothing can be trained, if there is one."""
    if options.device != "auto":
        return options.device, None
    if options.tier == "quick":
        return "cpu", None
    return ("cuda", None) if cuda else ("cpu", "no CUDA device here: give --device cpu to run the full tier on the CPU")
