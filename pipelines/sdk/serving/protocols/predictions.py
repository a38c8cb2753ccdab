"""What a model returned, as JSON values or as V2 tensors. NaN and infinities become null."""

from __future__ import annotations

import base64
import datetime
import decimal
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pandas as pd

from pipelines.sdk.serving.protocols.columns import Array
from pipelines.sdk.serving.protocols.problems import Refused


def plain(value: Any) -> Any:
    """A prediction as JSON-like values, in the form MLflow gives: a table is one object a row.

    Args:
        value: what `predict` returned.
    """
    if isinstance(value, pd.DataFrame):
        return value.to_dict(orient="records")
    if isinstance(value, (pd.Series, pd.Index)):
        return value.tolist()
    if hasattr(value, "toarray"):  # scipy's sparse matrices
        return value.toarray().tolist()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def dumps(value: Any, *, tensors: bool = False) -> bytes:
    """JSON text.

    Args:
        value: JSON-like values.
        tensors: whether arrays made by `elements` are among them.

    Raises:
        Refused: with 500: the model returned something that JSON cannot hold.
    """
    option = orjson.OPT_SERIALIZE_NUMPY if tensors else orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, default=_scalar, option=option)
    except (TypeError, RecursionError) as error:
        raise Refused(f"the model's answer cannot be JSON: {error}", status=500, kind="answer") from None


def _scalar(value: Any) -> Any:
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else pd.Timestamp(value).isoformat()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (datetime.timedelta, complex)):
        return str(value)
    if isinstance(value, int):  # beyond 64 bits: the nearest float is what a JSON reader would make of it
        return float(value)
    if isinstance(value, (np.ndarray, pd.Series, pd.DataFrame, Mapping, tuple, set)):
        return plain(list(value) if isinstance(value, set) else value)
    raise TypeError


_DATATYPES = {
    "b1": "BOOL", "u1": "UINT8", "u2": "UINT16", "u4": "UINT32", "u8": "UINT64",
    "i1": "INT8", "i2": "INT16", "i4": "INT32", "i8": "INT64", "f2": "FP16", "f4": "FP32", "f8": "FP64",
}  # fmt: skip


def datatype(dtype: np.dtype[Any]) -> str:
    """V2's name of a numpy type; text, times and everything else are BYTES."""
    return _DATATYPES.get(f"{dtype.kind}{dtype.itemsize}", "BYTES")


def arrays(value: Any, names: list[str]) -> dict[str, Array]:
    """A prediction as named arrays.

    Args:
        value: what `predict` returned.
        names: of the outputs, by the signature; empty where it says none.
    """
    if isinstance(value, pd.DataFrame):
        return {str(name): column.to_numpy() for name, column in value.items()}
    if isinstance(value, Mapping):
        return {str(name): _array(item) for name, item in value.items()}
    return {names[0] if len(names) == 1 else "predictions": _array(value)}


def _array(value: Any) -> Array:
    if hasattr(value, "toarray"):
        value = value.toarray()
    if isinstance(value, (pd.Series, pd.Index)):
        value = value.to_numpy()
    if isinstance(value, (list, tuple)) and any(isinstance(item, (dict, str, bytes)) for item in value):
        return np.fromiter(value, dtype=object, count=len(value))
    try:
        return np.atleast_1d(np.asarray(value))
    except ValueError:  # ragged
        return np.fromiter(value, dtype=object, count=len(value))


def elements(array: Array) -> list[Any] | Array:
    """The elements of a tensor, flat; what is no number, boolean, text or missing is written as JSON text."""
    flat = array.reshape(-1)
    if datatype(array.dtype) != "BYTES":
        # orjson writes a narrow float so short that only a reader of that width gets it back.
        wide = np.float64 if array.dtype.kind == "f" else array.dtype.newbyteorder("=")
        return np.ascontiguousarray(flat, dtype=wide)
    return [item if isinstance(item, str) or item is None else _text(item) for item in flat]


def _text(item: Any) -> str | None:
    written = dumps(plain(item))
    value = orjson.loads(written)
    return value if isinstance(value, str) or value is None else written.decode()
