"""Numbers of a request: JSON values to arrays of a type, each value exact or refused."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from pipelines.sdk.serving.protocols.jsontext import named
from pipelines.sdk.serving.protocols.problems import Refused, quoted

Array: TypeAlias = "np.ndarray[Any, Any]"
Types: TypeAlias = "set[type]"

# A float that is whole stands for that integer as long as floats tell all integers apart.
EXACT: Final = 2**53


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


def doubles(values: Sequence[Any]) -> Array:
    """Python's numbers, and null as NaN, as doubles.

    Raises:
        OverflowError: an integer is too large.
    """
    try:
        return _packed(values, np.dtype(np.float64))
    except struct.error:  # null
        return np.array(values, dtype=np.float64)


def _packed(values: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    # In less than half of numpy's own time; a bytearray, as who gets the array may write to it.
    code = "q" if dtype.kind == "i" else "d"
    return np.frombuffer(bytearray(struct.pack(f"{len(values)}{code}", *values)), dtype)


def only(name: str, values: Sequence[Any], types: Types, allowed: tuple[type, ...], what: str) -> None:
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


def integers(name: str, values: Sequence[Any], types: Types, low: int, high: int) -> list[Any]:
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


def floats(name: str, values: Sequence[Any], types: Types, dtype: type[np.floating[Any]]) -> Array:
    """The values as floats of a width; null is NaN.

    Raises:
        Refused: a value is no number, or too large for the width.
    """
    only(name, values, types, (int, float), "a number")
    try:
        array = doubles(values)
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


def integral(name: str, values: Sequence[Any], types: Types, dtype: np.dtype[Any]) -> Array:
    """The values as integers of a width.

    Raises:
        Refused: a value is no whole number, too large, or null.
    """
    if types == {int}:
        with contextlib.suppress(struct.error):  # one is too large
            array = recast(_packed(values, np.dtype(np.int64)), dtype)
            if array is not None:
                return array
    limits = np.iinfo(dtype)
    whole = integers(name, values, types, int(limits.min), int(limits.max))
    if None in whole:
        # MLflow's own rule: its integer columns cannot hold a missing value.
        raise wrong(name, whole.index(None), "an integer column cannot have null in some rows only")
    return np.array(whole, dtype=dtype)
