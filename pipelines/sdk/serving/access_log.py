"""One JSON line for each request, for those who want them: off unless asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TextIO

from pipelines.sdk.serving.http.messages import REQUEST_ID, Answer, Handler, Refuse, Request, Response
from pipelines.sdk.serving.protocols.problems import Refused


class AccessLog:
    """Stands before what answers, and writes down what it answered.

    Args:
        handler: answers requests.
        refuse: answers what is no request.
        out: where the lines go.
    """

    def __init__(self, handler: Handler, refuse: Refuse, out: TextIO) -> None:
        self._handler = handler
        self._refuse = refuse
        self._out = out

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        started = time.perf_counter()
        answer = self._handler(request)
        if isinstance(answer, Response):
            return self._noted(request, answer, started)
        return self._later(request, answer, started)

    async def _later(self, request: Request, answer: Awaitable[Response], started: float) -> Response:
        return self._noted(request, await answer, started)

    def _noted(self, request: Request, response: Response, started: float) -> Response:
        asked = {"method": request.method, "path": request.path, "received": len(request.body)}
        if REQUEST_ID in request.headers:
            asked["request_id"] = request.header(REQUEST_ID)
        self._write(asked, response, time.perf_counter() - started)
        return response

    def refuse(self, path: str, refused: Refused) -> Response:
        """Answer what is no request."""
        response = self._refuse(path, refused)
        self._write({"path": path}, response, 0.0)
        return response

    def _write(self, asked: dict[str, object], response: Response, seconds: float) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        answered = {"status": response.status, "sent": len(response.body), "ms": round(seconds * 1000, 3)}
        # One write a line: workers share the stream.
        self._out.write(json.dumps({"ts": now, **asked, **answered}) + "\n")
        self._out.flush()
