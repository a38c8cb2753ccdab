"""Requests to begin with, one a protocol, from the model's own example or from its signature."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import numpy as np
import pandas as pd

from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.protocols import invocations, predictions, v2
from pipelines.sdk.serving.protocols.columns import Kind
from pipelines.sdk.serving.protocols.problems import Refused
from pipelines.sdk.serving.protocols.table import Signature
from pipelines.sdk.serving.protocols.tensors import Tensor

Content: TypeAlias = "list[Any] | dict[str, Any]"
"""Rows (objects where they have names), or arrays by name."""

_ROWS: Final = 2
_LONGEST: Final = 100_000  # characters: a small picture, and already more than anyone edits
_WIDTH: Final = 76
_VALUES: Final = {
    Kind.BOOLEAN: True, Kind.INTEGER: 1, Kind.LONG: 1, Kind.FLOAT: 0.5, Kind.DOUBLE: 0.5, Kind.STRING: "text",
    Kind.BINARY: "Ynl0ZXM=", Kind.DATETIME: "2026-01-31T12:00:00", Kind.OTHER: [],
}  # fmt: skip
_ELEMENTS: Final = {"b": True, "i": 1, "u": 1, "f": 0.5}
_OWN: Final = "The model's own example, to be changed."
_MADE: Final = "Made up from the model's signature, to be changed."
_UNKNOWN: Final = "The model has no signature and no example: what it takes, only its authors know."
_LONG: Final = "A row of this model is too long to be shown here."


@dataclass(frozen=True)
class Example:
    """A request to begin with.

    Args:
        protocol: `invocations`, `v2` or `v1`.
        title: for people.
        path: on the server.
        body: JSON, laid out to be edited.
    """

    protocol: str
    title: str
    path: str
    body: str


def examples(model: ServedModel, example: Any = None) -> tuple[str, list[Example]]:
    """Where the requests come from, in a sentence; and one in each protocol that can carry it.

    Args:
        model: that will be asked.
        example: the model's own input example, as MLflow loads it; None where it has none.
    """
    hint, content = _content(model.signature, example)
    name = quote(model.name, safe="")
    infer, predict = f"/v2/models/{name}/infer", f"/v1/models/{name}:predict"
    first = Example("invocations", "MLflow", "/invocations", laid_out(_invocations(content)))
    others: list[tuple[Example, Callable[[bytes, Signature], object]]] = [
        (Example("v2", "Open Inference V2", infer, laid_out(_v2(content, model))), v2.decode),
        (Example("v1", "V1", predict, laid_out(_v1(content))), invocations.from_v1),
    ]
    return hint, [first, *(made for made, decode in others if _works(made, decode, model.signature))]


def _works(example: Example, decode: Callable[[bytes, Signature], object], signature: Signature) -> bool:
    """Whether the server would take it: V2 has no way to send an object, for example."""
    if signature.raw and example.protocol == "v2":  # rows of the model's own types, which tensors are not
        return False
    try:
        decode(example.body.encode(), signature)
    except Refused:
        return False
    return True


def _content(signature: Signature, example: Any) -> tuple[str, Content]:
    for rows in (_ROWS, 1):
        content = _own(example, rows)
        hint = _OWN if content else _MADE
        content = content or _made(signature)
        if len(predictions.dumps(content)) <= _LONGEST:
            return (hint, content) if content else (_UNKNOWN, [{"column": 0}])
    return _LONG, []


def _own(example: Any, rows: int) -> Content:
    """The first rows of an input example; empty where it is nothing of which there are rows."""
    try:
        content: Content = json.loads(predictions.dumps(predictions.plain(_first(example, rows))))
    except Refused:  # objects of the model's own classes
        return []
    return content


def _first(example: Any, rows: int) -> Any:
    if isinstance(example, pd.DataFrame):
        records = example.head(rows).to_dict(orient="records")
        return [{str(k): v for k, v in record.items() if not _missing(v)} for record in records]
    if isinstance(example, list) or (isinstance(example, np.ndarray) and example.ndim):
        return example[:rows]
    if not isinstance(example, dict):
        return []
    if all(isinstance(value, np.ndarray) and value.ndim for value in example.values()):
        return {name: value[:rows] for name, value in example.items()}
    return [example]


def _missing(value: Any) -> bool:
    return (
        value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    )


def _made(signature: Signature) -> Content:
    if signature.columns:
        return [{column.name: _VALUES[column.kind] for column in signature.columns}]
    if signature.tensors and signature.tensors[0].name:
        return {tensor.name: _filled(tensor) for tensor in signature.tensors}
    filled: list[Any] = _filled(signature.tensors[0]) if signature.tensors else []
    return filled


def _filled(tensor: Tensor) -> Any:
    shape = [1 if size == -1 else size for size in tensor.shape]
    if math.prod(shape) > _LONGEST:
        shape = [_LONGEST]  # it will not be shown, so it need not be made either
    return np.full(shape, _ELEMENTS.get(tensor.dtype.kind, "text"), dtype=object).tolist()


def _invocations(content: Content) -> dict[str, Any]:
    return {"dataframe_records" if _named(content) else "inputs": content}


def _v1(content: Content) -> dict[str, Any]:
    return {"inputs" if isinstance(content, dict) else "instances": content}


def _named(content: Content) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(row, dict) for row in content)


def _v2(content: Content, model: ServedModel) -> dict[str, Any]:
    datatypes = {tensor["name"]: tensor["datatype"] for tensor in model.metadata["inputs"]}
    if isinstance(content, dict):
        columns = content
    elif _named(content):
        names = dict.fromkeys(name for row in content for name in row)
        columns = {name: [row.get(name) for row in content] for name in names}
    else:
        columns = {next(iter(datatypes), "input"): content}
    return {"inputs": [_tensor(name, values, datatypes.get(name)) for name, values in columns.items()]}


def _tensor(name: str, values: Any, datatype: str | None) -> dict[str, Any]:
    array = np.array(values, dtype=object)  # of ragged lists one of lists, which `_works` finds to be none
    flat = array.reshape(-1).tolist()
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype or _datatype(flat),
        "data": flat,
    }


def _datatype(values: list[Any]) -> str:
    """The datatype of JSON values that no signature describes."""
    kinds = {type(value) for value in values if value is not None}
    known = {bool: "BOOL", int: "INT64", str: "BYTES"}
    return known.get(kinds.pop(), "FP64") if len(kinds) == 1 else "FP64"


def laid_out(value: Any, indent: int = 0) -> str:
    """JSON in lines that are not too long, each with as much as fits."""
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + indent <= _WIDTH or not isinstance(value, (dict, list)):
        return short
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {laid_out(item, indent + 2)}"
            for key, item in value.items()
        ]
    else:
        parts = [laid_out(item, indent + 2) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(parts) + f"\n{' ' * indent}{closing}"
