"""Which fields of a dataclass identify its objects, in digests of specifications and in identities of effects."""

import dataclasses
from typing import Any

NOT_IDENTIFYING = {"identifies": False}
"""The metadata of a field that is left out, because others identify what it holds, or because it says nothing of it."""


def identifying(value: Any) -> list["dataclasses.Field[Any]"]:
    """Return the fields of the dataclass ``value`` that identify it. Each with its default says nothing, so that a new field
    changes no digest."""
    return [field for field in dataclasses.fields(value) if field.metadata.get("identifies", True)]
