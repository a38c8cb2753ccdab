"""JSON Schemas of what clients send.

Whatever contradicts a schema the server refuses. The reverse does not hold: that all rows are of one length,
or that a shape fits its data, no schema can say.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from pipelines.sdk.serving.protocols.columns import MOMENT, Column, Kind
from pipelines.sdk.serving.protocols.invocations import V1_BESIDE
from pipelines.sdk.serving.protocols.table import Signature
from pipelines.sdk.serving.protocols.v2 import DATATYPES

Schema: TypeAlias = dict[str, Any]

_VALUES: Final[dict[Kind, Schema]] = {
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.INTEGER: {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    Kind.LONG: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    Kind.FLOAT: {"type": "number"},
    Kind.DOUBLE: {"type": "number"},
    Kind.STRING: {"type": "string"},
    Kind.BINARY: {"type": "string", "contentEncoding": "base64"},
    Kind.DATETIME: {"type": "string", "pattern": f"^{MOMENT.pattern}$"},
    Kind.OTHER: {},
}
_LIST: Final[Schema] = {"type": "array"}
_NO_LIST: Final[Schema] = {"type": ["string", "number", "boolean", "null"]}


def _shape(required: Schema, optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def invocations(signature: Signature) -> Schema:
    """A body of MLflow's `/invocations`, in any of its JSON shapes.

    Args:
        signature: of the model.
    """
    params: Schema = {"params": _params(signature)}
    beside: Schema = params | {"index": {}}
    split = {"columns": _names(signature), "data": _list_of(_LIST)}
    return {
        "anyOf": [
            _shape(
                {"dataframe_split": {"type": "object", "properties": split, "required": list(split)}}, params
            ),
            _shape({"dataframe_records": _records(signature)}, params),
            _shape({"instances": _instances(signature)}, params),
            _shape({"inputs": _inputs(signature)}, params),
            _shape(split, beside),
        ]
    }


def v1(signature: Signature) -> Schema:
    """A body of the V1 protocol.

    Args:
        signature: of the model.
    """
    beside: Schema = {key: {} for key in sorted(V1_BESIDE)} | {"params": _params(signature)}
    return {
        "anyOf": [
            _shape({"instances": _instances(signature)}, beside),
            _shape({"inputs": _inputs(signature)}, beside),
        ]
    }


def v2(signature: Signature) -> Schema:
    """A body of the Open Inference Protocol, as far as JSON goes.

    Args:
        signature: of the model.
    """
    tensor = {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        "datatype": {"enum": list(DATATYPES)},
        "data": _LIST,
    }
    needed = [column.name for column in signature.columns if column.required and signature.named]
    needed += [spec.name for spec in signature.tensors if spec.name]
    inputs: Schema = {
        "type": "array",
        "minItems": 1,
        "items": {"type": "object", "properties": tensor, "required": list(tensor)},
    }
    if needed:
        inputs["allOf"] = [_has({"properties": {"name": {"const": name}}}) for name in needed]
    output = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    return {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "null"]},
            "parameters": {"type": ["object", "null"]},
            "inputs": inputs,
            "outputs": {"type": ["array", "null"], "items": output},
        },
        "required": ["inputs"],
    }


def _has(item: Schema) -> Schema:
    return {"contains": item}


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _params(signature: Signature) -> Schema:
    known: Schema = {name: {} for name in sorted(signature.params)}
    return {"type": ["object", "null"], "properties": known, "additionalProperties": False}


def _names(signature: Signature) -> Schema:
    names: Schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    required = [column.name for column in signature.columns if column.required and signature.named]
    return names | ({"allOf": [_has({"const": name}) for name in required]} if required else {})


def _value(column: Column) -> Schema:
    schema = _VALUES[column.kind]
    if column.required or not schema:
        return schema
    return {**schema, "type": [schema["type"], "null"]}


def _row(signature: Signature) -> Schema:
    row: Schema = {"type": "object"}
    if not signature.named or not signature.columns:
        return row
    required = [column.name for column in signature.columns if column.required]
    row["properties"] = {column.name: _value(column) for column in signature.columns}
    return row | ({"required": required} if required else {})


def _records(signature: Signature) -> Schema:
    row = _row(signature)
    return {"type": "array", "items": row} | ({"minItems": 1} if "required" in row else {})


def _tuples(columns: list[Column]) -> Schema:
    values = [_value(column) for column in columns]
    width = len(values)
    return _list_of({"type": "array", "prefixItems": values, "minItems": width, "maxItems": width})


def _instances(signature: Signature) -> Schema:
    """Rows: objects, or lists of all columns or of the required ones alone."""
    if not signature.columns:
        return _LIST
    every = list(signature.columns)
    required = [column for column in every if column.required]
    shapes = [_records(signature), _tuples(every)]
    shapes += [_tuples(required)] if 0 < len(required) < len(every) else []
    shapes += [_list_of(_value(each[0])) for each in (every, required) if len(each) == 1]
    return {"anyOf": shapes}


def _inputs(signature: Signature) -> Schema:
    """What `instances` are, or an object: of columns, or one row."""
    rows = _instances(signature)
    if signature.tensors and signature.tensors[0].name:
        named: Schema = {spec.name: _LIST for spec in signature.tensors}
        return {"anyOf": [rows, {"type": "object", "properties": named, "required": list(named)}]}
    if not signature.columns or not signature.named:
        return {"anyOf": [rows, {"type": "object"}]}
    required = [column.name for column in signature.columns if column.required]
    columns = {column.name: _list_of(_value(column)) for column in signature.columns}
    lists = {"type": "object", "properties": columns, "required": required, "additionalProperties": _LIST}
    row = {**_row(signature), "additionalProperties": _NO_LIST}
    return {"anyOf": [rows, lists, row]}
