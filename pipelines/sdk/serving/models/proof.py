"""Whether two ways to ask a model give the same, to the last bit."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from pipelines.sdk.serving.protocols.columns import Array, Column, Kind
from pipelines.sdk.serving.protocols.problems import Refused
from pipelines.sdk.serving.protocols.table import Frame, ModelInput, Signature, from_columns, model_input

Predict: TypeAlias = Callable[[ModelInput, "dict[str, Any] | None"], Any]

# A sum over a few rows and one over many are computed by different code.
_ROWS: Final = (1, 2, 37)
_SEED: Final = 20_240_229
_EXTREMES: Final = (0.0, -0.0, 5e-324, -2.2e-308, 1e-30, 3.4e38, -1.7e308)
_WORDS: Final = ("a", "", "2024-02-29", "é")
# What else a prediction may hold is never taken for equal: it could not be compared, or not without harm.
_SCALARS: Final = (str, bytes, bool, int, float, np.generic, datetime.date, datetime.timedelta)
_FLOATS: Final = {Kind.DOUBLE: np.float64, Kind.FLOAT: np.float32}
_INTEGERS: Final = {Kind.LONG: np.int64, Kind.INTEGER: np.int32}


def outcomes(predict: Predict, frames: Iterable[Frame]) -> list[Any]:
    """What a model answers to each table, or the error that it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # The tables are extreme on purpose: nobody wants to read of it whenever a server starts.
        warnings.simplefilter("ignore")
        return [_outcome(predict, frame) for frame in frames]


def _outcome(predict: Predict, frame: Frame) -> Any:
    try:
        return predict(frame, None)
    except Exception as error:  # noqa: BLE001 - a model's own code raises anything; how it fails is compared
        return error


def same(one: Any, other: Any) -> bool:
    """Whether two predictions, or errors, are of one type and equal to the last bit, NaN equal to NaN."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, Exception):
        return str(one) == str(other)
    if isinstance(one, np.ndarray):
        return _same_arrays(one, other)
    if isinstance(one, pd.DataFrame):
        labels = one.index.equals(other.index) and list(one.columns) == list(other.columns)
        return labels and all(same(one.iloc[:, i], other.iloc[:, i]) for i in range(one.shape[1]))
    if isinstance(one, pd.Series):
        alike = one.index.equals(other.index) and one.dtype == other.dtype
        return alike and _same_arrays(one.to_numpy(), other.to_numpy())
    if hasattr(one, "toarray"):  # scipy's sparse matrices
        return _same_arrays(one.toarray(), other.toarray())
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, _SCALARS) and bool(one == other or (one != one and other != other))


def _same_arrays(one: Array, other: Array) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind == "O":
        return all(map(same, one.ravel().tolist(), other.ravel().tolist()))
    return one.tobytes() == other.tobytes()


def samples(signature: Signature, example: Any) -> Iterator[Frame]:
    """Tables of the signature's types: few rows and many, none, gaps, extremes, and the model's own example.

    Args:
        signature: of columns.
        example: the model's own; of use where it is a table.
    """
    random = np.random.default_rng(_SEED)
    known = _example(signature, example)
    if known is not None:
        yield known
    words = {name: values for name, values in known.columns.items() if len(values)} if known else {}

    def table(columns: tuple[Column, ...], rows: int) -> Frame:
        named = ((c.name if signature.named else i, c) for i, c in enumerate(columns))
        return Frame({name: _values(c, rows, random, words.get(name, _WORDS)) for name, c in named}, rows)

    for rows in (*_ROWS, 0):
        yield table(signature.columns, rows)
    if signature.named:
        yield table(tuple(c for c in signature.columns if c.required), _ROWS[1])
    whole = table(signature.columns, len(_EXTREMES))
    optional = {c.name for c in signature.columns if not c.required}
    yield Frame({name: _gap(v) if name in optional else v for name, v in whole.columns.items()}, whole.rows)
    yield Frame({name: _extreme(v) for name, v in whole.columns.items()}, whole.rows)


def _example(signature: Signature, example: Any) -> Frame | None:
    if not isinstance(example, pd.DataFrame):
        return None
    try:
        table = from_columns({str(name): _jsonlike(column) for name, column in example.items()})
        frame = model_input(table, signature)
    except Refused:  # it is of other types than the signature, as MLflow allows for some
        return None
    return frame if isinstance(frame, Frame) else None


def _jsonlike(column: pd.Series[Any]) -> list[Any]:
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def _values(column: Column, rows: int, random: np.random.Generator, words: Any) -> Array:
    if column.kind in _FLOATS:
        return random.normal(0, 10, rows).astype(_FLOATS[column.kind])
    if column.kind in _INTEGERS:
        return random.integers(0, 100, rows).astype(_INTEGERS[column.kind])
    if column.kind is Kind.BOOLEAN:
        return random.random(rows) < 0.5
    if column.kind is Kind.DATETIME:
        days = random.integers(0, 1000, rows).astype("timedelta64[D]")
        return (np.datetime64("2024-02-29") + days).astype("datetime64[ns]")
    chosen = (words[i % len(words)] for i in range(rows))
    if column.kind is Kind.BINARY:
        chosen = (word.encode() if isinstance(word, str) else word for word in chosen)
    return np.fromiter(chosen, dtype=object, count=rows)


def _gap(values: Array) -> Array:
    gap = values.copy() if values.dtype.kind in "fM" else values.astype(object)
    if values.dtype.kind in "iu":
        return values
    gap[0] = (
        np.nan if values.dtype.kind == "f" else np.datetime64("NaT") if values.dtype.kind == "M" else None
    )
    return gap


def _extreme(values: Array) -> Array:
    with np.errstate(over="ignore"):
        near = np.array(_EXTREMES).astype(values.dtype) if values.dtype.kind == "f" else values
    return np.nan_to_num(near)
