"""Answers in JSON, and refusals in the error shape of the protocol that was spoken."""

from __future__ import annotations

from typing import Any

from pipelines.sdk.serving.http.messages import Response
from pipelines.sdk.serving.protocols import predictions
from pipelines.sdk.serving.protocols.problems import Refused, body_of


def json_response(value: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(predictions.dumps(value), status)


def refusal(path: str, refused: Refused, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """The answer to a request that gets no prediction.

    Args:
        path: that was asked.
        refused: why.
        headers: of the answer, beside those that go with its status.
    """
    if refused.status == 503:
        # RFC 9110, 15.6.4: when it is worth another try.
        headers = (*headers, ("retry-after", "1"))
    return Response(predictions.dumps(body_of(refused, path)), refused.status, headers=headers)
