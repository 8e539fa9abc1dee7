"""torchvision, where its operators do not load.

PyPI's torchvision is linked against CUDA torch. Beside a CPU-only torch its library of operators does not load, and
``import torchvision`` raises ``RuntimeError: operator torchvision::nms does not exist``, for it registers Python kernels of
operators that nobody defined. Defining their schemas first is enough: data sets and transforms call neither.
Where torchvision imports without help nothing is defined.
"""

import sys
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from hw1bench.support.refusals import Unavailable

if TYPE_CHECKING:
    from torch.library import Library

_LOCK = Lock()
_MISSING = "does not exist"  # of torch's error for an operator without a schema


@lru_cache(maxsize=1)
def _defined() -> "Library":
    """The schemas of the operators that torchvision registers kernels for; they vanish with the library object."""
    from torch.library import Library

    library = Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def _imported() -> Any:
    """``torchvision.datasets``. What a failed import leaves behind is forgotten, so that it can be repeated."""
    try:
        import torchvision.datasets
    except BaseException:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        raise
    return torchvision.datasets


def datasets() -> Any:
    """The module ``torchvision.datasets``. Raises `Unavailable` where torchvision cannot be imported."""
    with _LOCK:
        try:
            try:
                return _imported()
            except RuntimeError as error:
                if _MISSING not in str(error):
                    raise
            _defined()
            return _imported()
        except (ImportError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise Unavailable(
                f"torchvision cannot be imported ({reason}): install the one that goes with this torch"
            ) from error
