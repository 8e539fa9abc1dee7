"""JSON schema from typed dictionaries, and what in a value breaks it, in one line.

Only as much of JSON schema as ``hw1bench.report.schema`` needs. Objects may have keys that no schema lists: they are ignored, so
that a document of a later version can be read.
"""

import math
import re
from collections.abc import Callable, Mapping
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


Fault = tuple[str, str]
"""Where a fault is below a value, such as ".effect.values[3]", and what stands there and what to write."""
Check = Callable[[Any], Fault | None]


def check_of(schema: Schema) -> Check:
    """A function that finds the first fault of a value by ``schema``, or None: a document has tens of thousands of values, and is
    checked wherever it is read and rendered."""
    options = [(_fitting(one), _bounded(one), _inside(one)) for one in schema.get("anyOf", [schema])]

    def check(value: Any) -> Fault | None:
        for fits, within, inside in options:
            if fits(value):
                if within is None or within(value):
                    return inside(value) if inside is not None else None
                break
        return "", f"is {shown(value)}: write {_wanted(schema)}"

    return check


def fault(value: Any, check: Check, where: str = "") -> str | None:
    """The first fault of ``value`` by ``check``: where it is, what stands there, and what to write; None if there is none."""
    found = check(value)
    if found is None:
        return None
    below, said = found
    return f"{(where + below if where else below.removeprefix('.')) or 'the document'} {said}"


def shown(value: object) -> str:
    """``value``, however large, in a few words."""
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else _SHOWN.repr(value)


def _inside(schema: Schema) -> Check | None:
    """The check of the parts of a list or an object; None for what has none."""
    match schema.get("type"):
        case "array":
            return _of_items(check_of(schema["items"]))
        case "object":
            return _of_keys(schema)
    return None


def _of_items(check: Check) -> Check:
    def inside(value: list[Any]) -> Fault | None:
        for index, part in enumerate(value):
            found = check(part)
            if found is not None:
                return f"[{index}]{found[0]}", found[1]
        return None

    return inside


def _of_keys(schema: Schema) -> Check:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    checks = {key: check_of(part) for key, part in properties.items()}
    others = check_of(schema["additionalProperties"]) if schema.get("additionalProperties") else None

    def inside(value: dict[str, Any]) -> Fault | None:
        for key in required:
            if key not in value:
                return "", f"has no {key!r}: write {_wanted(properties[key])}"
        for key, part in value.items():
            check = checks.get(key, others)
            found = check(part) if check is not None else None
            if found is not None:
                step = f"[{_SHOWN.repr(key)}]" if others is not None else f".{key}"
                return f"{step}{found[0]}", found[1]
        return None

    return inside


def _fitting(schema: Schema) -> Callable[[Any], bool]:
    """Whether a value has the type in ``schema``. A bool is not a number, and neither is an int that no float can hold."""
    if "enum" in schema:
        allowed = {(type(one), one) for one in schema["enum"]}
        kinds = {kind for kind, _ in allowed}
        return lambda value: type(value) in kinds and (type(value), value) in allowed
    kind = schema["type"]
    if kind == "number":
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
    if kind == "integer":
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    types: dict[str, type] = {"string": str, "boolean": bool, "null": NoneType, "array": list, "object": dict}
    of = types[str(kind)]
    return lambda value: isinstance(value, of)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _bounded(schema: Schema) -> Callable[[Any], bool] | None:
    """Whether a value, of the right type, is within the bounds of ``schema``; None if it has none."""
    if "pattern" in schema:
        search = re.compile(schema["pattern"]).search
        return lambda value: search(value) is not None
    if schema.keys() & {"minItems", "maxItems"}:
        fewest, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        return lambda value: bool(fewest <= len(value) <= most)
    if schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}:
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
        return lambda value: bool(low <= value <= high and above < value < below)
    return None


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
