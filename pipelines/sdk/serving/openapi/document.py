"""The OpenAPI document: every path of the server, what it takes and what it answers."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from pipelines.sdk.serving.http.limits import Limits
from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.openapi import requests
from pipelines.sdk.serving.openapi.requests import Schema
from pipelines.sdk.serving.page.examples import examples
from pipelines.sdk.serving.protocols import binary
from pipelines.sdk.serving.protocols.media import CSV, JSON
from pipelines.sdk.serving.protocols.problems import LONGEST_REASON
from pipelines.sdk.serving.protocols.v2 import DATATYPES

_TEXT: Final = "text/plain"
_HTML: Final = "text/html"
_REASON: Final[Schema] = {"type": "string", "maxLength": LONGEST_REASON}
_TENSOR: Final[Schema] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": list(DATATYPES)},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": -1}},
    },
    "required": ["name", "datatype", "shape"],
}


def _closed(**properties: Schema) -> Schema:
    """An object with these keys and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_SCHEMAS: Final[Schema] = {
    "Error": _closed(error=_REASON),
    "MLflowError": _closed(error_code={"type": "string"}, message=_REASON),
    "Tensor": _TENSOR,
    "V2Answer": {
        "type": "object",
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {
                "type": "array",
                "items": {
                    **_TENSOR,
                    "properties": {**_TENSOR["properties"], "data": {"type": "array"}},
                    "required": [*_TENSOR["required"], "data"],
                },
            },
        },
        "required": ["model_name", "outputs"],
        "additionalProperties": False,
    },
    "Predictions": _closed(predictions={}),
    "Live": _closed(live={"const": True}),
    "Ready": _closed(ready={"type": "boolean"}),
    "ModelReady": _closed(name={"type": "string"}, ready={"type": "boolean"}),
    "Models": _closed(models={"type": "array", "items": {"type": "string"}}),
    "Server": _closed(
        name={"type": "string"},
        version={"type": "string"},
        extensions={"type": "array", "items": {"type": "string"}},
    ),
    "Model": _closed(
        name={"type": "string"},
        versions={"type": "array", "items": {"type": "string"}},
        platform={"type": "string"},
        inputs={"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}},
        outputs={"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}},
        parameters={"type": "object"},
    ),
}
_CSV: Final[Schema] = {
    CSV: {
        "schema": {"type": "string", "description": "A header, then one line a row; an empty cell is null."}
    }
}
_RAW: Final[Schema] = {
    binary.MEDIA: {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": f"JSON as long as {binary.LENGTH} says, then the raw data of its binary tensors.",
        }
    }
}
_LENGTH: Final[Schema] = {
    "name": binary.LENGTH,
    "in": "header",
    "description": "How many bytes of the body are JSON; without it all are.",
    "schema": {"type": "integer", "minimum": 0},
}
# What any path answers to a broken, slow or large head or body, or to one connection too many.
_NO_REQUEST: Final = (400, 408, 413, 431, 503)
_PREDICTION: Final = (*_NO_REQUEST, 415, 500)


def document(model: ServedModel, limits: Limits) -> dict[str, Any]:
    """The document, OpenAPI 3.1.

    Args:
        model: that is served; its name and version are in the paths, its columns in the schemas.
        limits: of requests, which the description tells.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": model.name,
            "version": model.version or model.model_id or "0",
            "description": f"A request has at most {limits.body} bytes and {limits.rows} rows.",
        },
        "paths": {path: {"get": each} for path, each in _gets(model).items()}
        | {path: {"post": each} for path, each in _posts(model).items()},
        "components": {"schemas": _SCHEMAS},
    }


def _bases(model: ServedModel) -> list[str]:
    base = f"/v2/models/{quote(model.name, safe='')}"
    return [base, f"{base}/versions/{quote(model.version, safe='')}"] if model.version else [base]


def _gets(model: ServedModel) -> dict[str, Schema]:
    ready = [f"/v1/models/{quote(model.name, safe='')}", *(f"{base}/ready" for base in _bases(model))]
    table: list[tuple[list[str], str, str, Schema]] = [
        (["/"], "The page for people", _HTML, {}),
        (["/openapi.json"], "This document", JSON, {"type": "object"}),
        (["/ping", "/health"], "MLflow's health check: an empty line", JSON, {}),
        (["/version"], "The version of MLflow", _TEXT, {}),
        (["/metrics"], "Counters for Prometheus", _TEXT, {}),
        (["/v2", "/v2/"], "The server", JSON, _ref("Server")),
        (["/v2/health/live"], "Whether the process works", JSON, _ref("Live")),
        (["/v2/health/ready"], "Whether requests are welcome", JSON, _ref("Ready")),
        (["/v1/models"], "The models", JSON, _ref("Models")),
        (ready, "Whether the model is ready", JSON, _ref("ModelReady")),
        (_bases(model), "The model", JSON, _ref("Model")),
    ]
    return {
        path: {"summary": summary, "responses": _responses(path, {media: _media(schema)}, _NO_REQUEST)}
        for paths, summary, media, schema in table
        for path in paths
    }


def _posts(model: ServedModel) -> dict[str, Schema]:
    signature = model.signature
    bodies = {each.protocol: json.loads(each.body) for each in examples(model, model.example)[1]}

    def post(path: str, protocol: str, schema: Schema, answer: str, also: Schema) -> Schema:
        content = {JSON: _media(schema, bodies.get(protocol)), **also}
        raw = {binary.MEDIA: content[binary.MEDIA]} if binary.MEDIA in also else {}
        return {
            "summary": "Predictions",
            "requestBody": {"required": True, "content": content},
            "responses": _responses(path, {JSON: _media(_ref(answer)), **raw}, _PREDICTION),
        }

    v1 = f"/v1/models/{quote(model.name, safe='')}:predict"
    flat = post("/invocations", "invocations", requests.invocations(signature), "Predictions", _CSV)
    tensors = post("/v2", "v2", requests.v2(signature), "V2Answer", _RAW) | {"parameters": [_LENGTH]}
    return {
        "/invocations": flat,
        v1: post(v1, "v1", requests.v1(signature), "Predictions", {}),
        **{f"{base}/infer": tensors for base in _bases(model)},
    }


def _responses(path: str, content: Schema, refusals: tuple[int, ...]) -> Schema:
    error = _media(_ref("Error" if path.startswith(("/v1", "/v2")) else "MLflowError"))
    responses = {"200": {"description": "OK", "content": content}}
    for status in sorted(refusals):
        refused = _not_ready(content, error) if status == 503 else error
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": {JSON: refused}}
    return responses


def _not_ready(content: Schema, error: Schema) -> Schema:
    """Who is asked for its health says in the same words that it is not well."""
    if JSON not in content:
        return error
    own = content[JSON].get("schema")
    return _media({"anyOf": [error["schema"], own]} if own else {})


def _media(schema: Schema, example: Any = None) -> Schema:
    return ({"schema": schema} if schema else {}) | ({} if example is None else {"example": example})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
