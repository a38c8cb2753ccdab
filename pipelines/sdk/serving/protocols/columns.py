"""One column of a request: JSON values to the numpy type of the model's signature, or a reason why not."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from pipelines.sdk.serving.protocols import numbers
from pipelines.sdk.serving.protocols.jsontext import shallow
from pipelines.sdk.serving.protocols.numbers import Types
from pipelines.sdk.serving.protocols.problems import Refused, quoted

Array: TypeAlias = numbers.Array
Values: TypeAlias = "Sequence[Any] | Array"


class Kind(StrEnum):
    """The types of MLflow's column signatures; `OTHER`: lists, objects, maps and `any`."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    BINARY = "binary"
    DATETIME = "datetime"
    OTHER = "other"


@dataclass(frozen=True)
class Column:
    """A column of a model's signature.

    Args:
        name: as in the table.
        kind: its type.
        required: whether a request must have it, with a value in every row.
    """

    name: str
    kind: Kind
    required: bool = True


MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?", re.ASCII)
_ZONE: Final = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


def convert(column: Column, values: Values) -> Array:
    """The values as an array of the column's type, none of them changed.

    Null is NaN, NaT or None in a column that is not required.

    Args:
        column: of the signature.
        values: as JSON has them, or an array of numbers or booleans without null.

    Raises:
        Refused: a value is of another type, out of range, or missing; the reason names column and row.
    """
    if isinstance(values, np.ndarray):
        dtype = _DTYPES.get(column.kind)
        array = None if dtype is None else numbers.recast(values, dtype)
        return convert(column, listed(values)) if array is None else array
    types = set(map(type, values))
    if type(None) in types:
        if column.required:
            row = next(i for i, v in enumerate(values) if v is None)
            raise Refused(
                f"column {quoted(column.name)} is required but has no value in row {row}", kind="null"
            )
        types.discard(type(None))
    return _CONVERTERS[column.kind](column.name, values, types)


def listed(values: Values) -> list[Any]:
    """The values as JSON has them."""
    if isinstance(values, np.ndarray):
        plain: list[Any] = values.tolist()
        return plain
    return list(values)


def _booleans(name: str, values: Sequence[Any], types: Types) -> Array:
    numbers.only(name, values, types, (bool,), "true or false")
    return np.array(values, dtype=object if None in values else np.bool_)


def _objects(values: Sequence[Any]) -> Array:
    # np.array would make a block out of lists of one length.
    return np.fromiter(values, dtype=object, count=len(values))


def _texts(name: str, values: Sequence[Any], types: Types) -> Array:
    numbers.only(name, values, types, (str,), "a text")
    return _objects(values)


def _bytes(name: str, values: Sequence[Any], types: Types) -> Array:
    numbers.only(name, values, types, (str,), "bytes as base64 text")
    return _objects([None if v is None else _decoded(name, row, v) for row, v in enumerate(values)])


def _decoded(name: str, row: int, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise numbers.wrong(name, row, f"{quoted(text)} is not base64") from None


def _moments(name: str, values: Sequence[Any], types: Types) -> Array:
    numbers.only(name, values, types, (str,), "a date or time as text (2024-05-31, 2024-05-31T18:00:00)")
    for row, text in enumerate(values):
        if text is not None and not MOMENT.fullmatch(text):
            zone = (
                "has a time zone; send it without"
                if _ZONE.search(text) and "T" in text
                else "is not an ISO date"
            )
            raise numbers.wrong(name, row, f"{quoted(text)} {zone}")
    # An explicit unit: to_datetime would otherwise choose one by the data.
    found = pd.to_datetime(pd.Series(values, dtype=object), format="ISO8601", errors="coerce")
    moments: Array = found.astype("datetime64[ns]").to_numpy()
    for row in np.flatnonzero(np.isnat(moments)).tolist():
        if values[row] is not None:
            raise numbers.wrong(name, row, f"{quoted(values[row])} is no date, or none from 1678 to 2261")
    return moments


_DTYPES: Final = {
    Kind.BOOLEAN: np.dtype(np.bool_),
    Kind.INTEGER: np.dtype(np.int32),
    Kind.LONG: np.dtype(np.int64),
    Kind.FLOAT: np.dtype(np.float32),
    Kind.DOUBLE: np.dtype(np.float64),
}
_CONVERTERS: Final[dict[Kind, Callable[[str, Sequence[Any], Types], Array]]] = {
    Kind.BOOLEAN: _booleans,
    Kind.INTEGER: lambda name, values, types: numbers.integral(name, values, types, np.dtype(np.int32)),
    Kind.LONG: lambda name, values, types: numbers.integral(name, values, types, np.dtype(np.int64)),
    Kind.FLOAT: lambda name, values, types: numbers.floats(name, values, types, np.float32),
    Kind.DOUBLE: lambda name, values, types: numbers.floats(name, values, types, np.float64),
    Kind.STRING: _texts,
    Kind.BINARY: _bytes,
    Kind.DATETIME: _moments,
    Kind.OTHER: lambda name, values, types: _objects(shallow(list(values))),
}
