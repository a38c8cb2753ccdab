"""What clients may ask of a server, and what its connections share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.sdk.serving.http.connection import Connection

# Connections beyond the limit that still get an answer to a question about health; any more are cut off.
SPARE: Final = 64


@dataclass(frozen=True)
class Limits:
    """What one request, one connection and all of them together may take.

    Args:
        body: bytes of a request's body.
        rows: of a request's table.
        head: bytes of a request's head.
        connections: at once.
        waiting: requests that wait for the model; more are asked to come back.
        buffered: bytes of bodies that are held at once, of all connections.
        idle_seconds: for a connection on which nothing is asked.
        head_seconds: from a request's first byte to the end of its head.
        body_seconds: from there to the end of its body, and for an answer that the client does not read.
    """

    body: int = 16 * 1024 * 1024
    rows: int = 100_000
    head: int = 16 * 1024
    connections: int = 1000
    waiting: int = 256
    buffered: int = 64 * 1024 * 1024
    idle_seconds: float = 120.0
    head_seconds: float = 10.0
    body_seconds: float = 60.0


class Life:
    """Where a server is in its life.

    Args:
        ready: whether new requests are welcome.
        draining: whether it was asked to end; it goes on answering, and asks clients to connect anew.
    """

    def __init__(self) -> None:
        self.ready = False
        self.draining = False

    def drain(self) -> None:
        """Not ready any more; kept connections are closed after their next answer."""
        self.ready = False
        self.draining = True


class Shared:
    """What all connections of one event loop share.

    Args:
        limits: for them.
        life: of the server.
    """

    def __init__(self, limits: Limits, life: Life) -> None:
        self.limits = limits
        self.life = life
        self.connections: set[Connection] = set()
        self.silent: dict[Connection, None] = {}  # those of which nothing came yet, the oldest first
        self.buffered = 0
        self.now = 0.0
        self.date = b""
        self.tick()

    def tick(self) -> None:
        """Look at the clock. A few times a second: no time-out needs it finer, and no request asks for it."""
        self.now = time.monotonic()
        self.date = formatdate(usegmt=True).encode()
