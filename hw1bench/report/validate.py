"""JSON schema from typed dictionaries, and what in a value breaks it, in one line.

Only as much of JSON schema as ``hw1bench.report.schema`` needs. Objects may have keys that no schema lists: they are ignored, so
that a document of a later version can be read.
"""

import math
import re
from collections.abc import Iterator, Mapping
from reprlib import Repr
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

Schema = Mapping[str, Any]

_TYPES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_NAMES = {"string": "a string", "boolean": "true or false", "null": "null", "object": "an object"}
_SHOWN = Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 50


def bounds(**keywords: Any) -> tuple[tuple[str, Any], ...]:
    """Keywords of JSON schema for a type in ``Annotated``, in a form that can be hashed, as it demands."""
    return tuple(keywords.items())


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a type: a TypedDict, or a type of its keys. ``Annotated`` may add a text that describes the type, and
    its ``bounds``. Raises TypeError for any other type."""
    if is_typeddict(kind):
        keys = get_type_hints(kind, include_extras=True)
        head: dict[str, Any] = {"description": kind.__doc__} if kind.__doc__ else {}
        properties = {key: schema_of(part) for key, part in keys.items()}
        required = [key for key in keys if key in kind.__required_keys__]
        return {**head, "type": "object", "properties": properties, "required": required}
    if kind in _TYPES:
        return {"type": _TYPES[kind]}
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        found = schema_of(parts[0])
        for more in kind.__metadata__:
            found |= {"description": more} if isinstance(more, str) else dict(more)
        return found
    if origin is NotRequired:
        return schema_of(parts[0])
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (Union, UnionType):
        return {"anyOf": [schema_of(part) for part in parts]}
    if origin is list:
        return {"type": "array", "items": schema_of(parts[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(parts[1])}
    raise TypeError(f"no JSON schema of {kind!r}: use a TypedDict, Literal, list, dict or scalar")


def fault(value: Any, schema: Schema, where: str = "") -> str | None:
    """The first fault of ``value`` by ``schema``: where it is, what stands there, and what to write; None if there is none."""
    return next(_faults(value, schema, where), None)


def shown(value: object) -> str:
    """``value``, however large, in a few words."""
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else _SHOWN.repr(value)


def _faults(value: Any, schema: Schema, where: str) -> Iterator[str]:
    chosen = next((one for one in schema.get("anyOf", [schema]) if _fits(value, one)), None)
    if chosen is None or not _within(value, chosen):
        yield f"{where or 'the document'} is {shown(value)}: write {_wanted(schema)}"
    elif isinstance(value, dict):
        yield from _faults_of_object(value, chosen, where)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _faults(part, chosen["items"], f"{where}[{index}]")


def _faults_of_object(value: Mapping[str, Any], schema: Schema, where: str) -> Iterator[str]:
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{where or 'the document'} has no {key!r}: write {_wanted(schema['properties'][key])}"
    others = schema.get("additionalProperties")
    for key, part in value.items():
        known = schema.get("properties", {}).get(key, others)
        if known is not None:
            inside = f"[{_SHOWN.repr(key)}]" if others else key
            yield from _faults(part, known, f"{where}{'.' if where and not others else ''}{inside}")


def _fits(value: Any, schema: Schema) -> bool:
    """Whether ``value`` has the type in ``schema``. A bool is not a number, and neither is an int that no float can hold."""
    if "enum" in schema:
        return any(type(value) is type(one) and value == one for one in schema["enum"])
    kind = schema["type"]
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    types: dict[str, type] = {"string": str, "boolean": bool, "null": NoneType, "array": list, "object": dict}
    return isinstance(value, types[str(kind)])


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _within(value: Any, schema: Schema) -> bool:
    """Whether ``value``, of the right type, is within the bounds of ``schema``."""
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return bool(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(
            schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
            and schema.get("exclusiveMinimum", -math.inf) < value < schema.get("exclusiveMaximum", math.inf)
        )
    return True


def _wanted(schema: Schema) -> str:
    """The values that ``schema`` accepts, in words."""
    if "anyOf" in schema:
        return " or ".join(_wanted(one) for one in schema["anyOf"])
    if "enum" in schema:
        return f"{'one of ' if len(schema['enum']) > 1 else ''}{', '.join(map(str, schema['enum']))}"
    kind = schema["type"]
    if kind == "array":
        exact = f" of {schema['minItems']}" if "minItems" in schema else ""
        return f"a list{exact}"
    if kind == "string" and "pattern" in schema:
        return f"a string like {schema['examples'][0]}" if "examples" in schema else "a string that is not blank"
    return _NAMES.get(kind) or f"{'an integer' if kind == 'integer' else 'a finite number'}{_range(schema)}"


def _range(schema: Schema) -> str:
    if "exclusiveMinimum" in schema:
        return f" between {schema['exclusiveMinimum']} and {schema['exclusiveMaximum']}"
    if "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    return f" of at least {schema['minimum']}" if "minimum" in schema else ""
