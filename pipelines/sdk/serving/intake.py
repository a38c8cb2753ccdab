"""Reading a request's body without ever holding more of it than allowed."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from pipelines.sdk.serving.protocols.problems import Refused

# A client that still sends when the connection closes sees a reset and never reads the answer, so what is too
# much is read and dropped, up to a point.
_DROPPED_BYTES: Final = 256 * 1024 * 1024
_DROPPED_SECONDS: Final = 10.0


async def read(request: Request, limit: int) -> bytes:
    """The body.

    Args:
        request: whose.
        limit: bytes.

    Raises:
        Refused: with 413: the body is larger, whether it says so in its head or only turns out to be.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        # A client that asked first (Expect: 100-continue) has not sent anything yet, and need not.
        if request.headers.get("expect", "").lower() != "100-continue":
            await _drop(request)
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                chunks.clear()
                await _drop(request)
                raise _too_large(limit)
            chunks.append(chunk)
    except ClientDisconnect:
        raise Refused("the client went away", kind="disconnect") from None
    return b"".join(chunks)


async def _drop(request: Request) -> None:
    dropped = 0
    try:
        async with asyncio.timeout(_DROPPED_SECONDS):
            while dropped < _DROPPED_BYTES:
                message = await request.receive()
                dropped += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _too_large(limit: int) -> Refused:
    return Refused(f"the body is larger than {limit} bytes", status=413, kind="too_large")
