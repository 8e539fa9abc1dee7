"""Mistakes of a user in a file that Python runs, such as a file of claims: each told in one line, with its file and line.

A mistake is what our checks refuse, a syntax error, and a name or an argument that there is not. Everything else, a fault of ours
above all, keeps its traceback. What goes wrong while a claim is judged has a traceback too, of the user's steps.
"""

import builtins
import difflib
import dis
import inspect
import pkgutil
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import hw1bench
from hw1bench import effects

_OURS = Path(hw1bench.__file__).parent
_INSTALLED = {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")}


def told(error: BaseException, folder: Path) -> str | None:
    """The line that tells ``error``, with the file and line of the user's code as seen from ``folder``; None if it is no mistake
    of a user."""
    for cause in _causes(error):
        if isinstance(cause, SyntaxError):
            place, said = _place(cause.filename or "", cause.lineno or 1, folder), f"{cause.msg}: correct the syntax"
            return f"{place}: {said}" if _is_theirs(cause.filename or "") else None
        steps = [step for step in _steps(cause.__traceback__) if not _file(step).startswith("<")]
        theirs = [step for step in steps if _is_theirs(_file(step))]
        words = _words(cause, steps[-1], theirs[-1]) if theirs else None
        if words is not None:
            return f"{_place(_file(theirs[-1]), theirs[-1].tb_lineno, folder)}: {' '.join(words.split())}"
    return None


def shortened(error: BaseException) -> TracebackType | None:
    """The traceback of ``error`` without the court: from the first step in the user's code on; nothing if a check of ours raised
    it, which says it all; and the whole of a fault of ours."""
    steps = list(_steps(error.__traceback__))
    theirs = [step for step in steps if _is_theirs(_file(step))]
    if theirs:
        return theirs[0]
    told = steps and isinstance(error, ValueError) and _OURS in Path(_file(steps[-1])).parents and _is_raised(steps[-1])
    return None if told else error.__traceback__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error``, and what it was raised from, down to the first cause: pytest puts errors of files into its own."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _steps(step: TracebackType | None) -> Iterator[TracebackType]:
    while step is not None:
        yield step
        step = step.tb_next


def _file(step: TracebackType) -> str:
    return step.tb_frame.f_code.co_filename


def _place(file: str, line: int, folder: Path) -> str:
    path = Path(file)
    return f"{path.relative_to(folder) if path.is_relative_to(folder) else path}:{line}"


def _is_theirs(file: str) -> bool:
    return not file.startswith("<") and _INSTALLED.isdisjoint(Path(file).parents) and _OURS not in Path(file).parents


def _words(error: BaseException, last: TracebackType, theirs: TracebackType) -> str | None:
    """What is said of ``error``, which was raised at ``last``, the innermost step; ``theirs`` is the innermost of the user's."""
    if _OURS in Path(_file(last)).parents:
        if isinstance(error, ValueError) and _is_raised(last):
            return str(error)
        return _of_arguments(error) if isinstance(error, TypeError) and _is_raised(last) else None
    if last is not theirs:
        return None
    match error:
        case TypeError():
            return _of_arguments(error)
        case ImportError():
            return _of_import(error)
        case AttributeError() if _is_of_ours(error.obj):
            owner = error.obj.__name__ if isinstance(error.obj, ModuleType) else type(error.obj).__name__
            return f"{owner} has no {error.name!r}: {_instead(error.name, _public(error.obj))}"
        case NameError():
            return _of_name(error, theirs)
    return None


def _is_raised(step: TracebackType) -> bool:
    """Whether ``step`` is a raise statement, which only a check of ours is; an operation that failed is a fault."""
    code = step.tb_frame.f_code.co_code
    return dis.opname[code[step.tb_lasti]] == "RAISE_VARARGS"


def _is_of_ours(thing: Any) -> bool:
    name = thing.__name__ if isinstance(thing, ModuleType) else type(thing).__module__
    return name.partition(".")[0] == hw1bench.__name__


def _public(thing: Any) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


def _instead(name: str | None, known: Iterable[str], otherwise: str = "correct the name") -> str:
    near = difflib.get_close_matches(name or "", list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise


def _of_arguments(error: TypeError) -> str | None:
    """What is said of a call of one of our constructors with other arguments than it takes; None for any other TypeError."""
    call = re.match(r"(\w+)(\.__init__)?\(\) (got|missing|takes|too many) .*?(?=\. Did you mean|$)", str(error))
    constructor = getattr(hw1bench, call[1], None) or getattr(effects, call[1], None) if call else None
    if call is None or constructor is None:
        return None
    said = call[0].replace(".__init__", "")
    if call[3] == "missing":
        return f"{said}: give {'them' if ' and ' in said else 'it'}"
    known = list(inspect.signature(constructor).parameters)
    given = re.search(r"unexpected keyword argument '(\w+)'", said)
    return f"{said}: {_instead(given and given[1], known, 'its arguments are ' + ', '.join(known))}"


def _of_import(error: ImportError) -> str | None:
    """What is said of a module that there is not, or of a name that one of ours lacks; None for any other ImportError."""
    module = error.name or ""
    if isinstance(error, ModuleNotFoundError):
        if module.partition(".")[0] != hw1bench.__name__:
            return f"no module named {module!r}: install it, or correct the name"
        known = (found.name for found in pkgutil.walk_packages([str(_OURS)], "hw1bench.", lambda name: None))
        return f"no module named {module!r}: {_instead(module, known)}"
    missing = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
    if missing is None or missing[2].partition(".")[0] != hw1bench.__name__:
        return None
    ours, said = _exported(), f"{missing[2]} has no {missing[1]!r}"
    if missing[1] in ours:
        return f"{said}: import it from {ours[missing[1]]}"
    return f"{said}: {_instead(missing[1], [*ours, *_public(sys.modules[missing[2]])])}"


def _of_name(error: NameError, theirs: TracebackType) -> str:
    ours, said = _exported(), f"name {error.name!r} is not defined"
    if error.name in ours:
        return f"{said}: import it from {ours[error.name]}"
    known = [*theirs.tb_frame.f_locals, *theirs.tb_frame.f_globals, *vars(builtins), *ours]
    return f"{said}: {_instead(error.name, known, 'define it, or import it')}"


def _exported() -> dict[str, str]:
    """The public names, and the module that has each."""
    return dict.fromkeys(effects.__all__, effects.__name__) | dict.fromkeys(hw1bench.__all__, hw1bench.__name__)
