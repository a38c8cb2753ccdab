"""Open Inference Protocol V2 over HTTP: request bodies to a model's input, predictions to answers, metadata.

Each input tensor is one column of the table, of shape [n] or [n, 1]. BYTES elements are texts: dates in
ISO 8601, a binary column in base64. Models with tensor signatures take tensors of their own shapes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipelines.sdk.serving.protocols import binary, invocations, jsontext, predictions, table
from pipelines.sdk.serving.protocols.binary import Tail
from pipelines.sdk.serving.protocols.columns import Array, Kind, listed
from pipelines.sdk.serving.protocols.jsontext import expect
from pipelines.sdk.serving.protocols.predictions import datatype
from pipelines.sdk.serving.protocols.problems import Refused, quoted
from pipelines.sdk.serving.protocols.table import ModelInput, Query, Signature, model_input
from pipelines.sdk.serving.protocols.tensors import MOST_DIMENSIONS, block, flatten, typed

DATATYPES: Final = {
    name: np.dtype(code)
    for name, code in (
        ("BOOL", "?"), ("UINT8", "u1"), ("UINT16", "u2"), ("UINT32", "u4"), ("UINT64", "u8"), ("INT8", "i1"),
        ("INT16", "i2"), ("INT32", "i4"), ("INT64", "i8"), ("FP16", "f2"), ("FP32", "f4"), ("FP64", "f8"),
        ("BYTES", "O"),
    )
}  # fmt: skip
COLUMN_DATATYPES: Final = {
    Kind.BOOLEAN: "BOOL", Kind.INTEGER: "INT32", Kind.LONG: "INT64", Kind.FLOAT: "FP32", Kind.DOUBLE: "FP64",
}  # fmt: skip


_MOST_EMPTY: Final = 1_000_000


@dataclass(frozen=True)
class InferRequest:
    """A V2 request.

    Args:
        id: to be echoed; None where the client gave none.
        query: what the model is asked.
        outputs: names of the outputs that are wanted; empty for all.
        binary: which outputs are wanted as raw data: all, or these.
    """

    id: str | None
    query: Query
    outputs: tuple[str, ...] = ()
    binary: bool | frozenset[str] = False


@dataclass(frozen=True)
class _Received:
    shape: tuple[int, ...]
    values: list[Any] | Array


def decode(body: bytes, signature: Signature, json_length: int | None = None) -> InferRequest:
    """The request in a body.

    Args:
        body: JSON, then the raw data of binary tensors.
        signature: of the model.
        json_length: bytes of the JSON; None where there is nothing else.

    Raises:
        Refused: it is not V2, a tensor contradicts itself, or they do not fit the signature.
    """
    request = expect(jsontext.parse(body[:json_length]), dict, "the body")
    tail = Tail(None if json_length is None else body[json_length:])
    identity = request.get("id")
    if identity is not None:
        expect(identity, str, "'id'")
    if "inputs" not in request:
        raise Refused("'inputs' is missing", kind="shape")
    received: dict[str, _Received] = {}
    for index, item in enumerate(expect(request["inputs"], list, "'inputs'")):
        name, tensor = _tensor(expect(item, dict, f"input {index}"), index, tail)
        if name in received:
            raise Refused(f"input {quoted(name)} is there twice", kind="shape")
        received[name] = tensor
    tail.end()
    if not received:
        raise Refused("'inputs' is empty", kind="shape")
    given = request.get("parameters")
    given = {} if given is None else expect(given, dict, "'parameters'")
    params = invocations.params({k: v for k, v in given.items() if k in signature.params} or None, signature)
    outputs, raw = _wanted(request.get("outputs"), given.get("binary_data_output") is True)
    return InferRequest(identity, Query(_data(received, signature), params), outputs, raw)


def _wanted(value: Any, all_binary: bool) -> tuple[tuple[str, ...], bool | frozenset[str]]:
    if value is None:
        return (), all_binary
    wanted = [expect(item, dict, "an output") for item in expect(value, list, "'outputs'")]
    names = [expect(item.get("name"), str, "the name of an output") for item in wanted]
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise Refused(f"output {quoted(twice)} is asked for twice", kind="outputs")
    asked = [expect(item.get("parameters") or {}, dict, "the parameters of an output") for item in wanted]
    raw = {n for n, each in zip(names, asked, strict=True) if each.get("binary_data", all_binary) is True}
    return tuple(names), frozenset(raw) if names else all_binary


def _tensor(item: Mapping[str, Any], index: int, tail: Tail) -> tuple[str, _Received]:
    raw = tail.take(item, f"input {index}")
    for key in ("name", "shape", "datatype") if raw is not None else ("name", "shape", "datatype", "data"):
        if key not in item:
            raise Refused(f"input {index} has no {key!r}", kind="shape")
    name = expect(item["name"], str, f"the name of input {index}")
    where = f"input {name!r}" if len(name) < 40 else f"input {quoted(name)}"
    kind = expect(item["datatype"], str, f"the datatype of {where}")
    if kind not in DATATYPES:
        raise Refused(f"{where}: unknown datatype {quoted(kind)}", kind="datatype")
    shape = expect(item["shape"], list, f"the shape of {where}")
    if not 0 < len(shape) <= MOST_DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
        raise Refused(f"{where}: shape must be a list of sizes, not {quoted(shape)}", kind="shape")
    if raw is not None:
        values = binary.values(where, DATATYPES[kind], raw)
        _fits(where, shape, len(values))
        return name, _Received(tuple(shape), values)
    found, flat, types = flatten(name, expect(item["data"], list, f"the data of {where}"))
    _fits(where, shape, len(flat))
    # Data can be flat or nested; nested data must have the shape that it claims.
    if len(found) > 1 and list(found) != shape:
        raise Refused(f"{where}: shape {quoted(shape)} does not fit its nested data", kind="shape")
    return name, _Received(tuple(shape), _declared(name, kind, flat, types))


def _fits(where: str, shape: list[int], count: int) -> None:
    # Nothing is as large as [2**50, 0] says, and lists of empty lists would be made of it.
    empty = not count and math.prod(max(size, 1) for size in shape) > _MOST_EMPTY
    if math.prod(shape) != count or empty:
        raise Refused(f"{where}: shape {quoted(shape)} does not fit {count} values", kind="shape")


def _declared(name: str, kind: str, flat: list[Any], types: set[type]) -> list[Any] | Array:
    # The values as the declared datatype holds them: FP32 rounds, INT8 has a range. Null stays null.
    dtype = DATATYPES[kind]
    if type(None) not in types:
        exact = typed(name, flat, dtype, types)
        return flat if dtype.kind == "O" else exact
    present = iter(typed(name, [value for value in flat if value is not None], dtype).tolist())
    return [None if value is None else next(present) for value in flat]


def _data(received: Mapping[str, _Received], signature: Signature) -> ModelInput:
    tensors = signature.tensors
    if tensors and not tensors[0].name and len(received) == 1:
        only = next(iter(received.values()))
        return block(tensors[0], only.shape, only.values)
    if tensors and tensors[0].name:
        missing = [spec.name for spec in tensors if spec.name not in received]
        if missing:
            raise Refused(f"missing input {quoted(missing[0])}", kind="missing")
        return {
            spec.name: block(spec, received[spec.name].shape, received[spec.name].values) for spec in tensors
        }
    columns = {name: _column(name, tensor, signature.kinds.get(name)) for name, tensor in received.items()}
    return model_input(table.from_columns(columns), signature)


def _column(name: str, tensor: _Received, kind: Kind | None) -> list[Any] | Array:
    shape = tensor.shape
    if len(shape) == 1 or shape[1:] == (1,):
        return tensor.values
    if kind not in (None, Kind.OTHER):
        raise Refused(
            f"input {quoted(name)}: a column has shape [n] or [n, 1], not {quoted(list(shape))}", kind="shape"
        )
    cells = np.fromiter(listed(tensor.values), dtype=object, count=len(tensor.values))
    nested: list[Any] = cells.reshape(shape).tolist()
    return nested


def encode(
    request: InferRequest, value: Any, model: str, version: str, names: list[str]
) -> tuple[bytes, bytes]:
    """The answer: its JSON, and the raw data behind it.

    Args:
        request: it answers.
        value: what `predict` returned.
        model: name of the model.
        version: of the model; left out where empty.
        names: of the outputs, by the signature.

    Raises:
        Refused: an output that was asked for is not there.
    """
    outputs = predictions.arrays(value, names)
    unknown = [name for name in request.outputs if name not in outputs]
    if unknown:
        raise Refused(
            f"the model has no output {quoted(unknown[0])}; it has {', '.join(outputs)}", kind="outputs"
        )
    answer: dict[str, Any] = {"model_name": model}
    if version:
        answer["model_version"] = version
    if request.id is not None:
        answer["id"] = request.id
    tail: list[bytes] = []
    wanted = request.binary
    answer["outputs"] = [
        _output(name, outputs[name], tail if wanted is True or (wanted and name in wanted) else None)
        for name in request.outputs or outputs
    ]
    return predictions.dumps(answer, tensors=True), b"".join(tail)


def _output(name: str, array: Array, tail: list[bytes] | None) -> dict[str, Any]:
    elements = predictions.elements(array)
    output = {"name": name, "shape": list(array.shape), "datatype": datatype(array.dtype)}
    if tail is None:
        return {**output, "data": elements}
    tail.append(binary.packed(array, elements))
    return {**output, "parameters": {binary.SIZE: len(tail[-1])}}


def inputs_metadata(signature: Signature) -> list[dict[str, Any]]:
    """The inputs in a model's metadata, with `parameters` that say which can be left out."""
    described = [
        {
            "name": column.name,
            "datatype": COLUMN_DATATYPES.get(column.kind, "BYTES"),
            "shape": [-1],
            "parameters": {"type": str(column.kind), "required": column.required},
        }
        for column in signature.columns
    ]
    return described + tensors_metadata([(t.name or "input", t.dtype, t.shape) for t in signature.tensors])


def tensors_metadata(tensors: Sequence[tuple[str, np.dtype[Any], Sequence[int]]]) -> list[dict[str, Any]]:
    """Tensors in a model's metadata."""
    return [
        {"name": name, "datatype": datatype(dtype), "shape": list(shape)} for name, dtype, shape in tensors
    ]
