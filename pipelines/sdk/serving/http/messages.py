"""A request that was read whole, and the answer to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias

from pipelines.sdk.serving.protocols.media import JSON
from pipelines.sdk.serving.protocols.problems import Refused


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Args:
        method: `GET`, `POST`, ...
        path: as it was sent: percent-encoded, without the query.
        headers: by name in lower case; of two with one name the last.
        body: all of it.
        keep_alive: whether the client wants the connection kept.
        crowded: whether there are more connections than are served; only who asks about health is answered.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = True
    crowded: bool = False

    def header(self, name: bytes) -> str | None:
        """A header's text; None where there is none of that name."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    Args:
        body: of it.
        status: of it.
        media: `Content-Type`.
        headers: further ones.
    """

    body: bytes
    status: int = 200
    media: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


Answer: TypeAlias = "Response | Awaitable[Response]"
Handler: TypeAlias = "Callable[[Request], Answer]"
# From the path that was asked and the reason why there is nothing.
Refuse: TypeAlias = "Callable[[str, Refused], Response]"

REQUEST_ID: Final = b"x-request-id"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def head(response: Response, date: bytes, connection: bytes) -> bytes:
    """The bytes before an answer's body.

    Args:
        response: the answer.
        date: now, as HTTP writes it.
        connection: `close` or `keep-alive`; empty to say neither.
    """
    text = b"%bcontent-type: %b\r\ncontent-length: %d\r\ndate: %b\r\n" % (
        _LINES[response.status],
        response.media.encode("latin-1"),
        len(response.body),
        date,
    )
    for name, value in response.headers:
        text += f"{name}: {value}\r\n".encode("latin-1", "replace")
    if connection:
        text += b"connection: %b\r\n" % connection
    return text + b"\r\n"
