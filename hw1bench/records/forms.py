"""What a record must hold, so that an undamaged record of another form is made again instead of failing for ever."""

from collections.abc import Mapping
from typing import Any

from hw1bench.records.runs import FOR_MEASURES, Block, Measured, Record
from hw1bench.specs.experiment import BLOCK

ExpectedShapes = Mapping[str, tuple[int, ...] | None]
"""The arrays that must be there, and the shape of each array's part for one run; None if any shape will do."""

_NUMBERS = "biuf"  # numpy's kinds of numeric types
_FACTS: dict[str, type | tuple[type, ...]] = {"dataset": str, "fingerprint": str, "stand_in": bool}


def unfit(
    record: Record,
    of: Block | Measured,
    shapes: ExpectedShapes | None = None,
    facts: Mapping[str, Any] | None = None,
    *,
    runs: int = BLOCK,
) -> str:
    """Why ``record`` cannot be the record of a block, or of so many of its ``runs``, or of a measurement of blocks; '' if it can.

    Besides ``shapes`` and ``facts``, if the caller knows them, it checks what every record has. Numbers may be NaN: a history is
    NaN at epochs that its arm does not evaluate, and a loss is where training diverged.
    """
    block = of if isinstance(of, Block) else of.blocks[0]
    for name, array in record.arrays.items():
        if array.dtype.kind not in _NUMBERS or array.shape[:1] != (runs,):
            return f"its {name} is {array.dtype} of shape {array.shape}, not numbers of {runs} {'run' if runs == 1 else 'runs'}"
    own: ExpectedShapes = {"train_loss": (block.arm.epochs + 1,)} if isinstance(of, Block) else {}
    spared = FOR_MEASURES if isinstance(of, Block) and not of.weights else ()
    for name, shape in {**own, **(shapes or {})}.items():
        if name not in record.arrays:
            if name in spared:
                continue
            return f"it lacks {name}"
        found = record.arrays[name].shape
        if shape is not None and found != (runs, *shape):
            return f"its {name} has the shape {found}, not {(runs, *shape)}"
    if not record.arrays:
        return "it holds no arrays"
    more = {"target_variance": (float, int)} if block.arm.data.regression else {"classes": int}
    for name, kind in (_FACTS | more).items():
        if not isinstance(record.facts.get(name), kind):
            return f"its {name} is {record.facts.get(name)!r}"
    for name, value in Record({}, facts or {}, 0.0).facts.items():
        if record.facts.get(name) != value:
            return f"its {name} is not the {name} of the data"
    return ""
