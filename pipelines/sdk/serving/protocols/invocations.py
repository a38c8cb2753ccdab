"""MLflow's `/invocations` and the V1 protocol: their bodies to a model's input.

Bodies: `dataframe_split`, `dataframe_records`, `instances`, `inputs`, CSV, and MLflow 1's bare `columns` and
`data`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from pipelines.sdk.serving.protocols import jsontext, sheets, table, tensors
from pipelines.sdk.serving.protocols.jsontext import expect, named, shallow
from pipelines.sdk.serving.protocols.problems import Refused, quoted
from pipelines.sdk.serving.protocols.table import ModelInput, Query, Signature, model_input
from pipelines.sdk.serving.protocols.tensors import flatten

_SHAPES: Final = ("dataframe_split", "dataframe_records", "instances", "inputs", "columns")
_BESIDE: Final = {"columns": {"data", "index", "params"}}
V1_BESIDE: Final = {"signature_name", "params"}


def from_csv(body: bytes, signature: Signature) -> Query:
    """A query from CSV.

    Raises:
        Refused: the body is no CSV table, or does not fit the signature.
    """
    return Query(model_input(sheets.read(body, signature), signature))


def from_json(body: bytes, signature: Signature) -> Query:
    """A query from any of MLflow's JSON shapes.

    Raises:
        Refused: the body has no such shape, or does not fit the signature.
    """
    request = expect(jsontext.parse(body), dict, "the body")
    found = [shape for shape in _SHAPES if shape in request]
    if len(found) != 1:
        have = f"both {found[0]!r} and {found[1]!r}" if found else f"only {_keys(request)}"
        raise Refused(f"the body must have one of {', '.join(_SHAPES)}; it has {have}", kind="shape")
    shape = found[0]
    _no_more(request, {shape} | _BESIDE.get(shape, {"params"}))
    value = request if shape == "columns" else request[shape]
    return Query(_READERS[shape](value, signature), params(request.get("params"), signature))


def from_v1(body: bytes, signature: Signature) -> Query:
    """A query from the V1 protocol: `instances` row by row, or `inputs` column by column.

    Raises:
        Refused: the body has neither, or does not fit the signature.
    """
    request = expect(jsontext.parse(body), dict, "the body")
    found = [shape for shape in ("instances", "inputs") if shape in request]
    if len(found) != 1:
        raise Refused(f"the body must have 'instances' or 'inputs'; it has {_keys(request)}", kind="shape")
    _no_more(request, {found[0]} | V1_BESIDE)
    return Query(_READERS[found[0]](request[found[0]], signature), params(request.get("params"), signature))


def params(value: Any, signature: Signature) -> dict[str, Any] | None:
    """The values for the model's own parameters; null is the parameter's default.

    Raises:
        Refused: they are no object, or name a parameter that the model does not have.
    """
    if value is None:
        return None
    given: dict[str, Any] = expect(shallow(value), dict, "'params'")
    unknown = [name for name in given if name not in signature.params]
    if unknown:
        raise Refused(f"the model has no parameter {quoted(unknown[0])}", kind="params")
    return {name: each for name, each in given.items() if each is not None}


def _keys(request: Mapping[str, Any]) -> str:
    return ", ".join(quoted(key) for key in list(request)[:5]) or "no keys"


def _no_more(request: Mapping[str, Any], known: set[str]) -> None:
    unknown = [key for key in request if key not in known]
    if unknown:
        raise Refused(f"unknown key {quoted(unknown[0])} in the body", kind="shape")


def _split(value: Any, signature: Signature) -> ModelInput:
    split = expect(value, dict, "'dataframe_split'")
    for key in ("columns", "data"):
        if key not in split:
            raise Refused(f"{key!r} is missing", kind="shape")
    rows = expect(split["data"], list, "'data'")
    return model_input(table.from_rows(expect(split["columns"], list, "'columns'"), rows), signature)


def _records(value: Any, signature: Signature) -> ModelInput:
    return model_input(
        table.from_records(expect(value, list, "'dataframe_records'"), signature.kinds), signature
    )


def _inputs(value: Any, signature: Signature) -> ModelInput:
    if not isinstance(value, dict):
        return _instances(value, signature)
    if signature.tensors and signature.tensors[0].name:
        return tensors.named_tensors(value, signature.tensors)
    if value and not any(isinstance(item, (list, dict)) for item in value.values()):
        return model_input(table.from_records([value]), signature)
    return model_input(table.from_columns(value), signature)


def _instances(value: Any, signature: Signature) -> ModelInput:
    rows: list[Any] = expect(value, list, "the list of rows")
    if signature.raw:
        return list(shallow(rows))
    if rows and isinstance(rows[0], dict):
        return model_input(table.from_records(rows, signature.kinds), signature)
    if signature.columns:
        return model_input(table.from_rows(*_positional(rows, signature)), signature)
    if not signature.tensors:
        return _untyped(rows)
    if signature.tensors[0].name:
        raise Refused("each row must be an object with the names of the inputs", kind="shape")
    return tensors.nested(rows, signature.tensors[0])


def _positional(rows: Sequence[Any], signature: Signature) -> tuple[list[str], Sequence[Any]]:
    # Rows without names have all columns in the signature's order, or just the required ones.
    if rows and not isinstance(rows[0], list):
        rows = [[row] for row in rows]
    every = [column.name for column in signature.columns]
    required = [column.name for column in signature.columns if column.required]
    width = len(rows[0]) if rows else len(every)
    if width not in (len(every), len(required)):
        raise Refused(f"row 0 has {width} values; the model takes {', '.join(every)}", kind="shape")
    return every if width == len(every) else required, rows


def _untyped(rows: list[Any]) -> ModelInput:
    shape, flat, kinds = flatten("instances", rows)
    if dict in kinds:
        raise Refused(f"rows are of different kinds: {named(rows[0])} and an object", kind="shape")
    # Left to itself numpy would make texts of numbers that stand beside texts, and numbers of booleans.
    plain = kinds <= {int, float} or len(kinds) == 1
    return np.array(flat, dtype=None if plain else object).reshape(shape)


_READERS: Final[dict[str, Callable[[Any, Signature], ModelInput]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
    "columns": _split,
}
