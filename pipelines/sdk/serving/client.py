"""Ask a model server for predictions."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pipelines.sdk.errors import Finding, Unreachable, UsageError

Protocol = Literal["invocations", "v2"]


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
        body: what to send: any shape that `/invocations` takes (`{"columns": ["temp"], "data": [[12.8]]}`),
            or the path of a JSON or CSV file. With `protocol="v2"` tables become tensors; a body that
            has `inputs` in V2's form is sent as it is.
        protocol: `invocations` (MLflow's) or `v2` (Open Inference Protocol).
        model: name of the model in V2's path.
        timeout: seconds for the answer.

    Raises:
        Unreachable: nothing answers there, or the server failed.
        UsageError: the file cannot be read, or the server refused the request; its reason is in the message.
    """
    base = url.rstrip("/")
    if protocol == "v2":
        path = f"{base}/v2/models/{urllib.parse.quote(model)}"
        wanted = _content(body)
        if "inputs" not in wanted:
            wanted = {"inputs": _tensors(wanted, _datatypes(path, timeout))}
        return _outputs(_ask(f"{path}/infer", _dumped(wanted), "application/json", timeout))
    if isinstance(body, Path) and body.suffix == ".csv":
        sent, media = _bytes_of(body), "text/csv"
    else:
        sent, media = _dumped(_content(body)), "application/json"
    answer = _ask(f"{base}/invocations", sent, media, timeout)
    predictions = answer.get("predictions") if isinstance(answer, dict) else answer
    return predictions if isinstance(predictions, list) else [predictions]


def _dumped(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        raise UsageError(
            Finding(f"cannot be sent as JSON: {error}", "body", "write a missing value as null")
        ) from error


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            Finding(f"cannot be read: {error.strerror}", str(path), "give a JSON or CSV file")
        ) from error


def _content(body: dict[str, Any] | Path) -> dict[str, Any]:
    if not isinstance(body, Path):
        return body
    try:
        text = _bytes_of(body).decode("utf-8-sig")
        if body.suffix == ".csv":
            lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
            return {"columns": lines[0], "data": [[cell or None for cell in line] for line in lines[1:]]}
        content = json.loads(text)
    except (ValueError, csv.Error, IndexError) as error:
        raise UsageError(Finding(f"is neither JSON nor CSV: {error}", str(body), "mend the file")) from error
    if not isinstance(content, dict):
        raise UsageError(
            Finding("must hold an object", str(body), 'for example {"columns": [...], "data": [[...]]}')
        )
    return content


def _ask(url: str, body: bytes | None, media: str, timeout: float) -> Any:
    if not url.startswith(("http://", "https://")):
        raise UsageError(Finding("is not an http or https address", url, "for example http://127.0.0.1:8080"))
    headers = {"Content-Type": media, "Accept": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - the scheme is checked above
    try:
        with _opener(url).open(request, timeout=timeout) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        reason = _reason(error)
        if error.code < 500:
            raise UsageError(
                Finding(f"the server refuses this request ({error.code}): {reason}", url)
            ) from error
        raise Unreachable(
            Finding(f"the server failed ({error.code}): {reason}", url, "see its log")
        ) from error
    except ValueError as error:
        finding = Finding("what answers there is no model server", url, "check the address")
        raise Unreachable(finding) from error
    except OSError as error:
        cause = getattr(error, "reason", error)
        finding = Finding(f"no answer: {cause}", url, "start the server: python pipelines/train.py serve")
        raise Unreachable(finding) from error


def _opener(url: str) -> urllib.request.OpenerDirector:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        near = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = False
    # Whatever proxy the environment names, it is not the way to a server on this machine.
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if near else []))


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        answer = json.load(error)
        return str(answer.get("error") or answer["message"])
    except (ValueError, KeyError, AttributeError, OSError):
        return error.reason


def _datatypes(path: str, timeout: float) -> dict[str, str]:
    described = _ask(path, None, "application/json", timeout)
    return {tensor["name"]: tensor["datatype"] for tensor in described.get("inputs", ())}


def _tensors(body: Mapping[str, Any], datatypes: Mapping[str, str]) -> list[dict[str, Any]]:
    columns = _columns(body)
    return [
        {"name": name, "shape": [len(values)], **_typed(values, datatypes.get(name))}
        for name, values in columns.items()
        if any(value is not None for value in values) or not values
    ]


def _columns(body: Mapping[str, Any]) -> dict[str, list[Any]]:
    split = body.get("dataframe_split", body)
    if "columns" in split and "data" in split:
        for row in split["data"]:
            if len(row) != len(split["columns"]):
                raise UsageError(
                    Finding(f"a row has {len(row)} values for {len(split['columns'])} columns", "body")
                )
        return {name: [row[i] for row in split["data"]] for i, name in enumerate(split["columns"])}
    records = body.get("dataframe_records", body.get("instances"))
    if isinstance(records, list) and records and all(isinstance(record, dict) for record in records):
        names = dict.fromkeys(name for record in records for name in record)
        return {name: [record.get(name) for record in records] for name in names}
    raise UsageError(
        Finding("has no table that can be sent as V2 tensors", "body", 'give "columns" and "data"')
    )


def _typed(values: list[Any], datatype: str | None) -> dict[str, Any]:
    present = [value for value in values if value is not None]
    if datatype is None:
        kinds = set(map(type, present))
        names = {frozenset({bool}): "BOOL", frozenset({int}): "INT64", frozenset({str}): "BYTES"}
        datatype = names.get(frozenset(kinds), "FP64")
    if datatype == "BYTES" or not any(isinstance(value, str) for value in present):
        return {"datatype": datatype, "data": values}
    return {"datatype": datatype, "data": [_from_text(value, datatype) for value in values]}


def _from_text(value: Any, datatype: str) -> Any:
    # A cell of a CSV file. What does not read as its type goes as it is; the server says what is wrong.
    if not isinstance(value, str):
        return value
    if datatype == "BOOL":
        return {"true": True, "false": False}.get(value.lower(), value)
    try:
        return json.loads(value)
    except ValueError:
        return value


def _outputs(answer: Any) -> list[Any]:
    outputs = [_shaped(output["data"], output["shape"]) for output in answer["outputs"]]
    if len(outputs) == 1:
        return outputs[0]
    names = [output["name"] for output in answer["outputs"]]
    return [dict(zip(names, row, strict=True)) for row in zip(*outputs, strict=True)]


def _shaped(data: list[Any], shape: list[int]) -> list[Any]:
    for size in reversed(shape[1:]):
        data = [data[i : i + size] for i in range(0, len(data), size)] if size else []
    return data
