"""One column of a request: JSON values to the numpy type of the model's signature, or a reason why not."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from pipelines.sdk.serving.protocols.jsontext import named, shallow
from pipelines.sdk.serving.protocols.problems import Refused, quoted

Array: TypeAlias = "np.ndarray[Any, Any]"
Values: TypeAlias = "Sequence[Any] | Array"
_Types: TypeAlias = "set[type]"


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


# A float that is whole stands for that integer as long as floats tell all integers apart.
EXACT: Final = 2**53
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?", re.ASCII)
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
        array = None if dtype is None else recast(values, dtype)
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


def recast(array: Array, dtype: np.dtype[Any]) -> Array | None:
    """The array as another type of numbers, None where a value does not fit.

    Floats take the nearest value that they can hold; integers only what is exactly theirs.
    """
    have = array.dtype
    if have == dtype:
        return array
    if have.kind not in "iuf" or dtype.kind not in "iuf":
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            near = array.astype(np.float64).astype(dtype)
        return None if np.isinf(near).any() else near
    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    if have.kind == "f":
        if not (np.trunc(array) == array).all():
            return None
        low, high = max(low, -EXACT), min(high, EXACT)
    fits = not array.size or (low <= array.min() and array.max() <= high)
    return array.astype(dtype) if fits else None


def only(name: str, values: Sequence[Any], types: _Types, allowed: tuple[type, ...], what: str) -> None:
    """Make sure that the values are of the allowed types (exactly: true is no number), or null.

    Raises:
        Refused: naming the first that is not.
    """
    if types.issubset(allowed):
        return
    row = next(i for i, v in enumerate(values) if type(v) not in allowed and v is not None)
    raise wrong(name, row, f"must be {what}, not {named(values[row])}")


def wrong(name: str, row: int, reason: str) -> Refused:
    """The refusal of one value."""
    return Refused(f"column {quoted(name)}, row {row}: {reason}", kind="value")


def integers(name: str, values: Sequence[Any], types: _Types, low: int, high: int) -> list[Any]:
    """The values as ints within a range; 3.0 is 3, and 3.5 is refused.

    Raises:
        Refused: a value is no whole number, or too large.
    """
    only(name, values, types, (int, float), "a whole number")
    whole: Sequence[Any] = values
    if float in types:
        whole = [_whole(name, row, value) for row, value in enumerate(values)]
    present = whole if type(None) not in set(map(type, whole)) else [v for v in whole if v is not None]
    if present and (min(present) < low or max(present) > high):
        row = next(i for i, v in enumerate(whole) if v is not None and not low <= v <= high)
        raise wrong(name, row, f"{quoted(values[row])} is not between {low} and {high}")
    return list(whole)


def _whole(name: str, row: int, value: Any) -> Any:
    if not isinstance(value, float):
        return value
    if not value.is_integer():
        raise wrong(name, row, f"must be a whole number, not {value!r}")
    if abs(value) > EXACT:
        raise wrong(name, row, f"{value!r} is too large for a whole number that is exact")
    return int(value)


def floats(name: str, values: Sequence[Any], types: _Types, dtype: type[np.floating[Any]]) -> Array:
    """The values as floats of a width; null is NaN.

    Raises:
        Refused: a value is no number, or too large for the width.
    """
    only(name, values, types, (int, float), "a number")
    try:
        array = np.array(values, dtype=np.float64)
    except OverflowError:
        raise Refused(f"column {quoted(name)} has a number that is too large", kind="value") from None
    if dtype is not np.float64:
        with np.errstate(over="ignore"):
            array = array.astype(dtype)
    endless = np.isinf(array)
    if endless.any():
        row = int(endless.argmax())
        raise wrong(name, row, f"{quoted(values[row])} is too large")
    return array


def integral(name: str, values: Sequence[Any], types: _Types, dtype: np.dtype[Any]) -> Array:
    """The values as integers of a width.

    Raises:
        Refused: a value is no whole number, too large, or null.
    """
    if types == {int}:
        with contextlib.suppress(OverflowError, TypeError):
            array = recast(np.array(values, dtype=np.int64), dtype)
            if array is not None:
                return array
    limits = np.iinfo(dtype)
    whole = integers(name, values, types, int(limits.min), int(limits.max))
    if None in whole:
        # MLflow's own rule: its integer columns cannot hold a missing value.
        raise wrong(name, whole.index(None), "an integer column cannot have null in some rows only")
    return np.array(whole, dtype=dtype)


def _booleans(name: str, values: Sequence[Any], types: _Types) -> Array:
    only(name, values, types, (bool,), "true or false")
    return np.array(values, dtype=object if None in values else np.bool_)


def _objects(values: Sequence[Any]) -> Array:
    # np.array would make a block out of lists of one length.
    return np.fromiter(values, dtype=object, count=len(values))


def _texts(name: str, values: Sequence[Any], types: _Types) -> Array:
    only(name, values, types, (str,), "a text")
    return _objects(values)


def _bytes(name: str, values: Sequence[Any], types: _Types) -> Array:
    only(name, values, types, (str,), "bytes as base64 text")
    return _objects([None if v is None else _decoded(name, row, v) for row, v in enumerate(values)])


def _decoded(name: str, row: int, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise wrong(name, row, f"{quoted(text)} is not base64") from None


def _moments(name: str, values: Sequence[Any], types: _Types) -> Array:
    only(name, values, types, (str,), "a date or time as text (2024-05-31, 2024-05-31T18:00:00)")
    for row, text in enumerate(values):
        if text is not None and not _MOMENT.fullmatch(text):
            zone = (
                "has a time zone; send it without"
                if _ZONE.search(text) and "T" in text
                else "is not an ISO date"
            )
            raise wrong(name, row, f"{quoted(text)} {zone}")
    # An explicit unit: to_datetime would otherwise choose one by the data.
    found = pd.to_datetime(pd.Series(values, dtype=object), format="ISO8601", errors="coerce")
    moments: Array = found.astype("datetime64[ns]").to_numpy()
    for row in np.flatnonzero(np.isnat(moments)).tolist():
        if values[row] is not None:
            raise wrong(name, row, f"{quoted(values[row])} is no date, or none from 1678 to 2261")
    return moments


_DTYPES: Final = {
    Kind.BOOLEAN: np.dtype(np.bool_),
    Kind.INTEGER: np.dtype(np.int32),
    Kind.LONG: np.dtype(np.int64),
    Kind.FLOAT: np.dtype(np.float32),
    Kind.DOUBLE: np.dtype(np.float64),
}
_CONVERTERS: Final[dict[Kind, Callable[[str, Sequence[Any], _Types], Array]]] = {
    Kind.BOOLEAN: _booleans,
    Kind.INTEGER: lambda name, values, types: integral(name, values, types, np.dtype(np.int32)),
    Kind.LONG: lambda name, values, types: integral(name, values, types, np.dtype(np.int64)),
    Kind.FLOAT: lambda name, values, types: floats(name, values, types, np.float32),
    Kind.DOUBLE: lambda name, values, types: floats(name, values, types, np.float64),
    Kind.STRING: _texts,
    Kind.BINARY: _bytes,
    Kind.DATETIME: _moments,
    Kind.OTHER: lambda name, values, types: _objects(shallow(list(values))),
}
