"""Answers in JSON, and refusals in the error shape of the protocol that was spoken."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipelines.sdk.serving.protocols import predictions
from pipelines.sdk.serving.protocols.media import JSON
from pipelines.sdk.serving.protocols.problems import Refused, body_of, quoted


def json_response(value: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(predictions.dumps(value), status, media_type=JSON)


def refusal(request: Request, error: Exception) -> Response:
    """The answer to a request that gets no prediction."""
    refused = _as_refused(request, error)
    response = json_response(body_of(refused, request.url.path), refused.status)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    if refused.status == 413:
        # What is left of the body is not worth reading.
        response.headers["connection"] = "close"
    return response


def _as_refused(request: Request, error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, HTTPException):
        said = {404: f"nothing at {quoted(request.url.path)}", 405: f"{request.method} is not for this path"}
        return Refused(said.get(error.status_code, error.detail), status=error.status_code, kind="url")
    return Refused("the server failed; its log says why", status=500, kind="server")
