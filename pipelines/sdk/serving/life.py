"""Where a server is in its life, and what every answer says about it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Life:
    """Mutable state of one server.

    Args:
        ready: whether new requests are welcome.
        draining: whether it was asked to end; it goes on answering, and asks clients to connect anew.
    """

    def __init__(self) -> None:
        self.ready = False
        self.draining = False

    def drain(self) -> None:
        """Not ready any more; kept-alive connections are closed after their next answer."""
        self.ready = False
        self.draining = True


class Closing:
    """Adds `Connection: close` to answers of a draining server: clients move before the socket goes.

    Args:
        app: what answers.
        life: of the server.
    """

    def __init__(self, app: ASGIApp, life: Life) -> None:
        self._app = app
        self._life = life

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def closing(message: MutableMapping[str, Any] | Message) -> None:
            if self._life.draining and message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, closing)
