"""A request in one of the protocols, and the predictions in its answer."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipelines.sdk.errors import Finding, PipelineError, Unreachable, UsageError
from pipelines.sdk.serving.client import bodies
from pipelines.sdk.serving.client.bodies import Columns, Document
from pipelines.sdk.serving.client.connection import Connection, Refusal, send

Protocol = Literal["invocations", "v2", "v1"]
_Body = dict[str, Any] | Document
_JSON = "application/json"


@dataclass(frozen=True)
class Answered:
    """What was asked and answered.

    Args:
        columns: what was asked, by column; None where it was no table.
        predictions: one for each row.
    """

    columns: Columns | None
    predictions: list[Any]


def predict(
    url: str,
    body: dict[str, Any] | Path,
    *,
    protocol: Protocol = "invocations",
    model: str = "model",
    timeout: float = 30,
) -> list[Any]:
    """The predictions of a model server, one for each row.

    Args:
        url: base of the server, `http://127.0.0.1:8080`.
        body: as for `ask`, or the path of a JSON or CSV file.
        protocol: as for `ask`.
        model: name of the model in V2's and V1's paths.
        timeout: seconds for the answer.

    Raises:
        Unreachable: nothing answers there, or the server failed.
        UsageError: the file cannot be read, or the server refused the request; its reason is in the message.
    """
    given = bodies.document(body) if isinstance(body, Path) else body
    connection = Connection(url, timeout=timeout)
    return ask(connection, given, protocol=protocol, model=model).predictions


def ask(
    connection: Connection,
    body: _Body,
    *,
    protocol: Protocol = "invocations",
    model: str = "model",
) -> Answered:
    """Ask a server, and keep what was asked beside what it answered.

    Args:
        connection: to the server.
        body: any shape that `/invocations` takes (`{"columns": ["temp"], "data": [[12.8]]}`), or CSV. With
            another protocol tables become tensors or instances; a body in that protocol's own form, with
            `inputs` or `instances`, is sent as it is.
        protocol: `invocations` (MLflow's), `v2` (Open Inference Protocol) or `v1` (TensorFlow Serving's).
        model: its name in V2's and V1's paths.

    Raises:
        Unreachable: nothing answers there, or the server failed.
        UsageError: the body is no table, or the server refused the request; its reason is in the message.
    """
    content = body.content if isinstance(body, Document) else body
    try:
        if protocol == "v2":
            predictions = _v2(connection, body, content, model)
        elif protocol == "v1":
            predictions = _v1(connection, body, content, model)
        else:
            predictions = _invocations(connection, body, content)
    except Refusal as refusal:
        raise _explained(refusal, connection) from refusal
    columns = bodies.shown(content)
    same = columns is not None and all(len(values) == len(predictions) for values in columns.values())
    return Answered(columns if same else None, predictions)


def _invocations(connection: Connection, body: _Body, content: dict[str, Any]) -> list[Any]:
    if isinstance(body, Document) and body.is_csv:
        sent, media = body.text.encode(), "text/csv"
    else:
        sent, media = bodies.dumped(bodies.split(content)), _JSON
    answer = send(connection, "/invocations", sent, media)
    predictions = answer.get("predictions") if isinstance(answer, dict) else answer
    return predictions if isinstance(predictions, list) else [predictions]


def _v2(connection: Connection, body: _Body, content: dict[str, Any], model: str) -> list[Any]:
    path = _model_path(model)
    if "inputs" not in content:
        columns = bodies.needed_table(content, "V2 tensors")
        datatypes = _datatypes(connection, path)
        if isinstance(body, Document) and body.is_csv:
            columns = bodies.from_cells(columns, datatypes)
        content = {"inputs": bodies.tensors(columns, datatypes)}
    answer = send(connection, f"{path}/infer", bodies.dumped(content), _JSON)
    try:
        return _outputs(answer["outputs"])
    except (KeyError, TypeError, ValueError) as error:
        raise _stranger(connection) from error


def _v1(connection: Connection, body: _Body, content: dict[str, Any], model: str) -> list[Any]:
    if "instances" not in content and "inputs" not in content:
        columns = bodies.needed_table(content, "V1 instances")
        if isinstance(body, Document) and body.is_csv:
            columns = bodies.from_cells(columns, _known_datatypes(connection, model))
        content = {"instances": bodies.instances(columns)}
    path = f"/v1/models/{urllib.parse.quote(model, safe='')}:predict"
    answer = send(connection, path, bodies.dumped(content), _JSON)
    predictions = answer.get("predictions") if isinstance(answer, dict) else None
    if not isinstance(predictions, list):
        raise _stranger(connection)
    return predictions


def _model_path(model: str) -> str:
    return f"/v2/models/{urllib.parse.quote(model, safe='')}"


def _datatypes(connection: Connection, path: str) -> dict[str, str]:
    described = send(connection, path)
    try:
        return {tensor["name"]: tensor["datatype"] for tensor in described.get("inputs") or ()}
    except (AttributeError, KeyError, TypeError) as error:
        raise _stranger(connection) from error


def _known_datatypes(connection: Connection, model: str) -> dict[str, str]:
    """V1 has no metadata; a server that speaks V2 too can say what the cells of a CSV file stand for."""
    try:
        return _datatypes(connection, _model_path(model))
    except Refusal:
        return {}


def _outputs(outputs: list[Mapping[str, Any]]) -> list[Any]:
    values = [_shaped(output["data"], output["shape"]) for output in outputs]
    if len(values) == 1:
        return values[0]
    names = [output["name"] for output in outputs]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _shaped(data: list[Any], shape: list[int]) -> list[Any]:
    if data and isinstance(data[0], list):  # nested already, which V2 allows
        return data
    for size in reversed(shape[1:]):
        data = [data[i : i + size] for i in range(0, len(data), size)] if size else []
    return data


def _stranger(connection: Connection) -> Unreachable:
    what = "what answers there does not speak this protocol"
    return Unreachable(Finding(what, connection.url, "choose another --protocol"))


def _explained(refusal: Refusal, connection: Connection) -> PipelineError:
    said = f"({refusal.status}): {refusal.reason}"
    if refusal.status >= 500:
        busy = refusal.status in (503, 504)
        mend = "ask again in a moment; if that does not help, see its log" if busy else "see its log"
        return Unreachable(Finding(f"the server failed {said}", refusal.url, mend))
    mend = ""
    if refusal.status in (401, 403):
        mend = (
            "is the token right, and still valid?" if connection.token else "give a token with --token-file"
        )
    elif refusal.status == 404 and not connection.host:
        mend = "is this the base of the server? Behind a gateway its name is needed too: --host"
    elif refusal.status == 404:
        mend = "are --host and --model-name right?"
    return UsageError(Finding(f"the server refuses this request {said}", refusal.url, mend))
