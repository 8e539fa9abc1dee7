"""Import of torchvision even if its operators do not load.

PyPI's torchvision is linked against CUDA torch. With a CPU-only torch its operator library does not load, and
``import torchvision`` raises ``RuntimeError: operator torchvision::nms does not exist``, because it registers Python kernels of
undefined operators. Defining their schemas first is enough: data sets and transforms call neither operator.
If torchvision imports without help, nothing is defined.
"""

import sys
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from hw1bench.support.refusals import Unavailable

if TYPE_CHECKING:
    from torch.library import Library

_LOCK = Lock()
_MISSING = "does not exist"  # part of torch's error for an operator without a schema


@lru_cache(maxsize=1)
def _defined() -> "Library":
    """Define the schemas of the operators for which torchvision registers kernels; they vanish with the library object."""
    from torch.library import Library

    library = Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def _imported() -> Any:
    """Import ``torchvision.datasets``; a failed import is removed from ``sys.modules``, so that it can be repeated."""
    try:
        import torchvision.datasets
    except BaseException:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        raise
    return torchvision.datasets


def datasets() -> Any:
    """Return the module ``torchvision.datasets``. Raises ``Unavailable`` if torchvision cannot be imported."""
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
                f"torchvision cannot be imported ({reason}): install the version that goes with this torch"
            ) from error
