"""Protobuf's values as JSON. It knows doubles alone, so declared types say which numbers are whole."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format

from pipelines.sdk.values import Json, ParameterType

EXACT = 2**53  # beyond it, a double no longer says which whole number was meant


def json_value(value: Any) -> Any:
    """A protobuf Value or Struct as JSON, whole numbers as ints."""
    if "kind" in value.DESCRIPTOR.oneofs_by_name and value.WhichOneof("kind") is None:
        return None
    return _whole(json_format.MessageToDict(value))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        # A protobuf map has another order in every process.
        return {key: _whole(each) for key, each in sorted(value.items())}
    return value


def typed(value: Json, kind: ParameterType) -> Json:
    """A number as its declared type has it (in IR, 1 and 1.0 are the same)."""
    if isinstance(value, bool):
        return value
    if kind is ParameterType.DOUBLE and isinstance(value, int):
        return float(value)
    if kind is ParameterType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
