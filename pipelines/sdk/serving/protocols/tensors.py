"""Blocks of numbers or texts from a client: nested lists to numpy arrays of a given type and shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np

from pipelines.sdk.serving.protocols import numbers
from pipelines.sdk.serving.protocols.columns import Array, Values, listed
from pipelines.sdk.serving.protocols.jsontext import named
from pipelines.sdk.serving.protocols.problems import Refused, quoted

DType: TypeAlias = "np.dtype[Any]"
# numpy 1 stops at 32, numpy 2 at 64; no model has seen more.
MOST_DIMENSIONS: Final = 32


@dataclass(frozen=True)
class Tensor:
    """An array of a model's signature.

    Args:
        name: empty where the signature gives none.
        dtype: of its elements.
        shape: -1 where any length is fine.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether an array of that shape can stand for this one."""
        return len(shape) == len(self.shape) and all(
            mine in (-1, theirs) for mine, theirs in zip(self.shape, shape, strict=True)
        )


def flatten(name: str, value: list[Any]) -> tuple[tuple[int, ...], list[Any], set[type]]:
    """Shape, elements and their types of nested lists, the last index running fastest.

    Raises:
        Refused: the lists are ragged, or nested deeper than an array can be.
    """
    shape = [len(value)]
    types = set(map(type, value))
    while list in types:
        if len(shape) == MOST_DIMENSIONS:
            raise Refused(f"{quoted(name)}: its lists are nested too deeply", kind="shape")
        lengths = {len(item) if isinstance(item, list) else -1 for item in value}
        if len(lengths) > 1:
            raise Refused(f"{quoted(name)}: its lists are not all of one length", kind="shape")
        shape.append(lengths.pop())
        value = list(chain.from_iterable(value))
        types = set(map(type, value))
    return tuple(shape), value, types


def typed(name: str, values: Values, dtype: DType, types: set[type] | None = None) -> Array:
    """Flat values as an array of a numpy type; null is NaN among floats, else refused.

    Args:
        name: of the tensor.
        values: as JSON has them, or an array of numbers or booleans without null.
        dtype: which type.
        types: of the values, where they are known.

    Raises:
        Refused: a value is of another type, or out of range.
    """
    if isinstance(values, np.ndarray):
        array = numbers.recast(values, dtype)
        return typed(name, listed(values), dtype) if array is None else array
    types = set(map(type, values)) if types is None else types
    if type(None) in types:
        if dtype.kind != "f":
            raise Refused(f"{quoted(name)}: null at position {list(values).index(None)}", kind="null")
        types = types - {type(None)}
    if dtype.kind == "f":
        return numbers.floats(name, values, types, dtype.type)
    if dtype.kind in "iu":
        return numbers.integral(name, values, types, dtype)
    if dtype.kind == "b":
        numbers.only(name, values, types, (bool,), "true or false")
        return np.array(values, dtype=dtype)
    if dtype.kind in "UO":
        numbers.only(name, values, types, (str,), "a text")
        return np.array(values, dtype=dtype if dtype.kind == "O" else np.str_)
    raise Refused(f"{quoted(name)}: elements of type {dtype} cannot be sent in JSON", kind="schema")


def block(spec: Tensor, shape: Sequence[int], values: Values, types: set[type] | None = None) -> Array:
    """The values, of types that may be known, as the array that the signature asks for.

    Raises:
        Refused: shape or elements do not fit.
    """
    name = spec.name or "input"
    if not spec.fits(shape):
        raise Refused(f"{quoted(name)}: shape {list(shape)} does not fit {list(spec.shape)}", kind="shape")
    return typed(name, values, spec.dtype, types).reshape(shape)


def of_columns(columns: Mapping[str, Values], tensors: Sequence[Tensor]) -> Array | dict[str, Array]:
    """A table as the arrays of the signature, one a column where they have names.

    Raises:
        Refused: it does not fit.
    """
    if tensors[0].name:
        return named_tensors({name: listed(values) for name, values in columns.items()}, tensors)
    spec = tensors[0]
    if len(columns) == 1:
        values = listed(next(iter(columns.values())))
        shape, flat, types = flatten("input", values)
        # One column of plain values is what a model of shape [-1, 1] was trained on.
        return block(spec, (*shape, 1) if len(shape) == 1 and len(spec.shape) == 2 else shape, flat, types)
    rows = [list(row) for row in zip(*map(listed, columns.values()), strict=True)]
    return nested(rows, spec) if rows else block(spec, (0, len(columns)), [])


def nested(value: list[Any], spec: Tensor) -> Array:
    """Nested lists as the array of the signature.

    Raises:
        Refused: they do not fit.
    """
    return block(spec, *flatten(spec.name or "input", value))


def named_tensors(values: Mapping[str, Any], tensors: Sequence[Tensor]) -> dict[str, Array]:
    """Nested lists by name as the arrays of the signature.

    Raises:
        Refused: one is missing or does not fit.
    """
    arrays = {}
    for spec in tensors:
        if spec.name not in values:
            raise Refused(f"missing input {quoted(spec.name)}", kind="missing")
        if not isinstance(values[spec.name], list):
            raise Refused(
                f"input {quoted(spec.name)} must be a list, not {named(values[spec.name])}", kind="shape"
            )
        arrays[spec.name] = nested(values[spec.name], spec)
    return arrays
