"""The identity of an effect, which binds rulings to it: a digest of its statement, with every number in full.

An effect that a constructor of this package makes is identified by the constructor's name and its arguments. An effect made by
hand is identified by its name, unit, arms and functions: a function by its parsed source (layout, comments and annotations do
not matter), its defaults, its closure, and what it reads from its author's modules: plain values, and functions, identified in
the same way. The digest is the same on any machine and in any version of Python.
"""

import ast
import dataclasses
import functools
import hashlib
import inspect
import json
import math
import sys
import sysconfig
import tokenize
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, ParamSpec, TypeVar

import numpy as np

from hw1bench.support.identifying import identifying

P = ParamSpec("P")
E = TypeVar("E")

_Trail = tuple[int, ...]  # ids of the objects around a value, to stop at a value that contains itself
_DATA = (str, bytes, Real, Decimal, tuple, list, AbstractSet, Mapping, np.ndarray)


def identified(constructor: Callable[P, E]) -> Callable[P, E]:
    """Wrap ``constructor`` so that each of its effects is identified by its name and arguments, defaults included."""
    signature = inspect.signature(constructor)

    @functools.wraps(constructor)
    def make(*args: P.args, **kwargs: P.kwargs) -> E:
        effect = constructor(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: _plain(value) for name, value in bound.arguments.items()}
        object.__setattr__(effect, "statement", {"is": constructor.__name__, **arguments})
        return effect

    return make


def identity(effect: object) -> str:
    """Return 32 hexadecimal digits that identify an effect or an exact count, whatever the types of its numbers."""
    return hashlib.sha256(_text(_plain(effect)).encode()).hexdigest()[:32]


def _text(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _plain(value: Any, trail: _Trail = ()) -> Any:
    """Return ``value`` as plain JSON types; of an object that is neither data nor a function, only the name of its type."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Real | Decimal):
        return _number(value)
    if isinstance(value, bytes | complex):
        return {"is": type(value).__name__, "value": repr(value)}
    if id(value) in trail:
        return {"is": "itself"}
    trail = (*trail, id(value))
    if hasattr(value, "tolist") and hasattr(value, "shape"):  # an array, or a tensor
        return _plain(value.tolist(), trail)
    if isinstance(value, Mapping):
        pairs = [[_plain(key, trail), _plain(item, trail)] for key, item in value.items()]
        return {"is": "mapping", "items": sorted(pairs, key=_text)}
    if isinstance(value, AbstractSet):
        return {"is": "set", "items": sorted((_plain(item, trail) for item in value), key=_text)}
    if isinstance(value, list | tuple | range):
        return [_plain(item, trail) for item in value]
    if isinstance(value, functools.partial):
        return {"is": "partial", "of": [_plain(part, trail) for part in (value.func, value.args, value.keywords)]}
    if isinstance(value, MethodType):
        return {"is": "method", "of": [_plain(part, trail) for part in (value.__func__, value.__self__)]}
    if isinstance(value, staticmethod | classmethod):
        return _plain(value.__func__, trail)
    if isinstance(value, property):
        return _plain(value.fget, trail)
    inner = getattr(value, "__wrapped__", None)
    if isinstance(inner, FunctionType) and not isinstance(value, FunctionType):  # by functools.lru_cache, say
        return _function(inner, trail)
    if isinstance(value, FunctionType):
        return _function(value, trail)
    if isinstance(value, type) and _is_of_authors(value):
        return _class(value, trail)
    return _object(value, trail)


def _number(value: Real | Decimal) -> Any:
    """Return one form for equal numbers of any type, such as 1, 1.0 and ``np.float64(1)``."""
    try:
        number = float(value)
    except (ValueError, TypeError, ArithmeticError):  # no effect returns it: beyond any float, or a time span
        return {"is": type(value).__name__}
    if not math.isfinite(number):
        return {"is": repr(number)}
    return int(value) if isinstance(value, Integral) else int(number) if number.is_integer() else number


def _object(value: Any, trail: _Trail) -> Any:
    statement = getattr(value, "statement", None)
    if isinstance(statement, dict):
        return statement
    kind = type(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        those = identifying(value)
        fields = {field.name: _plain(getattr(value, field.name), trail) for field in those}
        defaults = {field.name: _plain(field.default, trail) for field in those}
        return {"is": kind.__name__, **{name: found for name, found in fields.items() if found != defaults[name]}}
    if _is_of_authors(kind) or isinstance(value, SimpleNamespace):
        slots = {name: getattr(value, name) for part in kind.__mro__ for name in _slots(part) if hasattr(value, name)}
        state = {**slots, **getattr(value, "__dict__", {})}
        return {
            "is": kind.__name__,
            "of": [_plain(kind, trail) if _is_of_authors(kind) else None, _plain(state, trail)],
        }
    call = inspect.getattr_static(kind, "__call__", None)
    if isinstance(call, FunctionType):
        return {"is": kind.__name__, "of": [_plain(call, trail), _plain(getattr(value, "__dict__", None), trail)]}
    return {"is": str(getattr(value, "__qualname__", kind.__qualname__))}


def _is_of_authors(kind: type) -> bool:
    return is_authors(getattr(sys.modules.get(kind.__module__), "__file__", None))


def _slots(kind: type) -> tuple[str, ...]:
    named = vars(kind).get("__slots__", ())
    return (named,) if isinstance(named, str) else tuple(named)


def _class(kind: type, trail: _Trail) -> Any:
    """Return a class of the author as plain JSON types: its attributes and methods, and its bases."""
    special = ("__init__", "__call__", "__new__", "__post_init__")
    parts = {name: part for name, part in vars(kind).items() if not name.startswith("__") or name in special}
    made = {
        name: part for name, part in parts.items() if not inspect.isdatadescriptor(part) or isinstance(part, property)
    }
    bases = [base for base in kind.__bases__ if _is_of_authors(base)]
    return {"is": "class", "name": kind.__name__, "of": [_plain(made, trail), [_plain(base, trail) for base in bases]]}


def _function(function: FunctionType, trail: _Trail) -> Any:
    node = _node(function.__code__)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    return {
        "is": "function",
        "source": _constants(function.__code__) if node is None else _tree([node.args, _body(node)]),
        "closed over": {name: _plain(cell.cell_contents, trail) for name, cell in cells.items() if _filled(cell)},
        "defaults": _plain([function.__defaults__, function.__kwdefaults__], trail),
        "module": {name: _plain(value, trail) for name, value in _read(function, node)},
    }


def _constants(code: CodeType) -> Any:
    """Return what identifies code without a source, from ``exec``: its numbers, texts and names, in any version of Python."""
    inner = [_constants(part) for part in code.co_consts if isinstance(part, CodeType)]
    plain = [_plain(part) for part in code.co_consts if not isinstance(part, CodeType)]
    return {"constants": plain, "names": list(code.co_names), "inner": inner}


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # the name is not bound yet
        return False


def _read(function: FunctionType, node: ast.AST | None) -> Iterable[tuple[str, Any]]:
    """Yield what ``function`` reads, by name: data of its own module, and functions and data of its author's other modules."""
    if node is None:
        return
    local = {*function.__code__.co_varnames, *function.__code__.co_freevars}
    found = {}
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute):
            found[ast.unparse(part)] = _named(part, function.__globals__, local)
    for name in sorted(found):
        value = found[name]
        if _is_read(value):
            yield name, value


def _is_read(value: Any) -> bool:
    """Whether ``value`` is data, or a function, class or object of the author, not of Python or a library."""
    if isinstance(value, type):
        return _is_of_authors(value)
    function = getattr(value, "__wrapped__", value)
    if isinstance(function, FunctionType):
        return is_authors(function.__code__.co_filename)
    if isinstance(value, (*_DATA, SimpleNamespace, functools.partial, MethodType)) or dataclasses.is_dataclass(value):
        return True
    return _is_of_authors(type(value))


def _named(node: ast.AST, names: Mapping[str, Any], local: AbstractSet[str]) -> Any:
    """Return the value of a name, or of an attribute of one of the author's modules; None for any other expression."""
    if isinstance(node, ast.Name):
        return None if node.id in local else names.get(node.id)
    if isinstance(node, ast.Attribute):
        module = _named(node.value, names, local)
        if isinstance(module, ModuleType) and is_authors(getattr(module, "__file__", None)):
            return getattr(module, node.attr, None)
    return None


@functools.cache
def is_authors(file: str | None) -> bool:
    """Whether a source file belongs to the author of the claims, not to Python, an installed package or this package."""
    if file is None:
        return False
    return _others().isdisjoint(Path(file).resolve().parents)


@functools.cache
def _others() -> frozenset[Path]:
    """The folders of Python, of installed packages and of this package. A session asks about thousands of files."""
    paths = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return frozenset({Path(path).resolve() for path in paths} | {Path(__file__).parent.parent.resolve()})


_Node = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef


def _body(node: _Node) -> list[Any]:
    """Return the statements of a function without its docstring, or the one expression of a lambda."""
    if isinstance(node, ast.Lambda):
        return [node.body]
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def _tree(node: Any) -> Any:
    """Return a parsed piece of source as plain JSON types."""
    if isinstance(node, list):
        return [_tree(part) for part in node]
    if not isinstance(node, ast.AST):
        return _plain(node)
    skipped = ("ctx", "kind", "type_comment", "annotation", "returns", "type_params")
    fields = {name: part for name, part in ast.iter_fields(node) if name not in skipped}
    if isinstance(node, _Node):
        fields["body"] = _body(node)
    return {"is": type(node).__name__, **{name: _tree(part) for name, part in fields.items() if part not in (None, [])}}


@functools.lru_cache(maxsize=8)
def _functions(source: str) -> tuple[_Node, ...]:
    try:
        return tuple(node for node in ast.walk(ast.parse(source)) if isinstance(node, _Node))
    except (SyntaxError, ValueError):
        return ()


def _node(code: CodeType) -> _Node | None:
    """Return the node of the source that defines ``code``; None if there is no source."""
    try:
        with tokenize.open(code.co_filename) as file:
            nodes = _functions(file.read())
    except (OSError, SyntaxError, ValueError):
        return None
    nodes = tuple(node for node in nodes if _first_line(node) == code.co_firstlineno)
    if len(nodes) > 1:  # lambdas on one line: the smallest whose body holds all instructions
        nodes = tuple(node for node in nodes if _holds(node, code))
    return min(nodes, key=_size, default=None)


def _first_line(node: _Node) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min(part.lineno for part in (node, *decorators))


def _span(node: _Node) -> tuple[tuple[int, int], tuple[int, int]]:
    first, last = (node.body, node.body) if isinstance(node, ast.Lambda) else (node.body[0], node.body[-1])
    return (first.lineno, first.col_offset), (last.end_lineno or 0, last.end_col_offset or 0)


def _size(node: _Node) -> tuple[int, int]:
    (line, column), (end_line, end_column) = _span(node)
    return end_line - line, end_column - column


def _holds(node: _Node, code: CodeType) -> bool:
    start, end = _span(node)
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue
        if (line, column) != (end_line, end_column) and not start <= (line, column) <= (end_line, end_column) <= end:
            return False
    return True
