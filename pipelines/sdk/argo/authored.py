"""Texts that the pipeline's author wrote, and the placeholders in them."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.launch import LaunchError
from pipelines.sdk.launch.references import Reference, split
from pipelines.sdk.values import Json


def references(value: Json) -> Iterator[Reference]:
    """Every placeholder in the texts of a JSON value, keys included.

    Raises:
        BadPipeline: something that starts like a placeholder is none.
    """
    if isinstance(value, str):
        try:
            yield from (part for part in split(value) if isinstance(part, Reference))
        except LaunchError as error:
            raise BadPipeline(Finding(error.what, error.where, error.mend)) from None
    elif isinstance(value, list):
        for element in value:
            yield from references(element)
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from references(key)
            yield from references(element)


def placeholders_in(value: Json) -> tuple[Reference, ...]:
    """Every placeholder in the texts of a JSON value, each once."""
    return tuple(dict.fromkeys(references(value)))


def names_in(value: Json) -> list[str] | None:
    """The input parameters that placeholders in a value name, each once; None where it has no placeholder."""
    found = list(references(value))
    if not found:
        return None
    wanted = (each.name for each in found if (each.side, each.kind) == ("inputs", "parameters"))
    return list(dict.fromkeys(wanted))
