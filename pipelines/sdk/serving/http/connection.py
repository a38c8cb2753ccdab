"""One connection: requests answered one after the other, and a time for whatever a client can delay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final, cast

from pipelines.sdk.serving.http.limits import SPARE, Shared
from pipelines.sdk.serving.http.messages import CONTINUE, Answer, Handler, Refuse, Request, Response, head
from pipelines.sdk.serving.http.parsing import Parsing
from pipelines.sdk.serving.protocols.problems import Refused

_log = logging.getLogger(__name__)
_NEVER: Final = float("inf")

# A client that still sends when a connection is closed sees a reset, and may never read its answer. So an
# ending connection is shut for writing only, and what comes is dropped, up to a point.
_LINGER_SECONDS: Final = 10.0
_LINGER_BYTES: Final = 256 * 1024 * 1024
_PATIENCE_SECONDS: Final = 1.0


class Connection(asyncio.Protocol):
    """What a client and the server say to each other.

    Args:
        shared: by all connections.
        handler: answers requests; must not raise.
        refuse: makes the answer to what is no request.

    Attributes:
        deadline: on the clock of `shared`; then `expire` is called.
    """

    def __init__(self, shared: Shared, handler: Handler, refuse: Refuse) -> None:
        self._shared = shared
        self._handler = handler
        self._refuse = refuse
        self._parsing = Parsing(shared)
        self._task: asyncio.Task[None] | None = None
        self._unread = False  # the client does not take its answers
        self._paused = False  # it is not read from
        self._half_closed = False  # it has said that it sends nothing more
        self._ending = False  # it has had its last answer
        self._refused: Refused | None = None  # why what follows the requests read so far is none
        self._dropped = 0
        self._since = shared.now
        self.deadline = _NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)
        if not self._make_room():
            self._transport.abort()
            return
        self._shared.connections.add(self)
        self._shared.silent[self] = None
        self._await_client()

    def _make_room(self) -> bool:
        """Whether this connection can stay: one that has never asked anything gives way to it."""
        shared = self._shared
        most, there = shared.limits.connections, len(shared.connections)
        oldest = next(iter(shared.silent), None) if there >= most else None
        # A moment ago is too early to say that a client asks nothing, unless one of them has to go anyway.
        patient = oldest and oldest.deadline > shared.now + shared.limits.idle_seconds - _PATIENCE_SECONDS
        if oldest and (there >= most + SPARE or not patient):
            oldest.abort()
            there -= 1
        self._parsing.crowded = there >= most
        return there < most + SPARE

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone, or we are."""
        self._forget()
        self._parsing.drop()
        if self._task:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """The client sent something."""
        if self._ending or self._refused:
            self._dropped += len(data)
            if self._dropped > _LINGER_BYTES:
                self._transport.abort()
            return
        stage = self._parsing.stage
        if not stage:
            self._shared.silent.pop(self, None)
        try:
            self._parsing.feed(data)
        except Refused as refused:
            self._refused = refused
        if self._parsing.requests or self._refused:
            self._serve()
        if self._parsing.stage != stage and not (self._task or self._ending or self._unread):
            self._await_client()

    def _await_client(self) -> None:
        """It is the client's turn."""
        limits, parsing = self._shared.limits, self._parsing
        self._since = self._shared.now
        seconds = limits.idle_seconds
        if parsing.begun:
            # Set where the head or the body begins: what drips in does not earn more time.
            seconds = limits.body_seconds if parsing.in_body else limits.head_seconds
        self.deadline = self._shared.now + seconds
        if parsing.expects:
            parsing.expects = False
            self._transport.write(CONTINUE)

    def eof_received(self) -> bool:
        """The client sends nothing more; whether it still gets an answer."""
        self._half_closed = True
        if self._parsing.begun and not self._ending and not self._refused:
            self._refused = Refused("the request ends in its middle", kind="disconnect")
            self._serve()
        return self._task is not None or bool(self._parsing.requests)

    def pause_writing(self) -> None:
        """The client does not read its answers as fast as it asks."""
        self._unread = True
        self.deadline = self._shared.now + self._shared.limits.body_seconds

    def resume_writing(self) -> None:
        """It does again."""
        self._unread = False
        if not self._ending:
            self._await_client()
            self._serve()

    def _serve(self) -> None:
        """Answer what is there, until a model has to be waited for."""
        requests = self._parsing.requests
        while requests and not self._task and not self._unread and not self._ending:
            request = requests.popleft()
            answer = self._answer(request)
            if isinstance(answer, Response):
                self._write(request, answer)
            else:
                self.deadline = _NEVER
                self._task = asyncio.get_running_loop().create_task(self._wait(request, answer))
        if self._refused and not requests and not self._task and not self._unread and not self._ending:
            self._end(self._refuse(self._parsing.path, self._refused))
        self._read_on(not requests)

    def _answer(self, request: Request) -> Answer:
        try:
            return self._handler(request)
        except Exception:  # noqa: BLE001 - a mistake of ours: the client gets an answer, the log the trace
            return self._failed(request)

    def _failed(self, request: Request) -> Response:
        _log.exception("the server failed")
        return self._refuse(request.path, Refused("the server failed; its log says why", status=500))

    def _read_on(self, wanted: bool) -> None:
        # What a client sends faster than it is answered waits in its own system, not in our memory.
        if wanted == self._paused and not self._transport.is_closing():
            self._paused = not wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    async def _wait(self, request: Request, answer: Awaitable[Response]) -> None:
        try:
            response = await answer
        except Exception:  # noqa: BLE001 - as in _answer
            response = self._failed(request)
        self._task = None
        self._write(request, response)
        self._serve()

    def _write(self, request: Request, response: Response) -> None:
        self._parsing.answered(request)
        body = b"" if request.method == "HEAD" else response.body
        leaving = self._half_closed or self._parsing.crowded or self._shared.life.draining
        if not request.keep_alive or (leaving and not self._parsing.requests):
            self._end(response, body)
            return
        # HTTP/1.0 closes unless told otherwise, and who kept the connection asked for it by this word.
        word = request.headers.get(b"connection", b"")
        said = b"keep-alive" if word.lower() == b"keep-alive" else b""
        self._transport.write(head(response, self._shared.date, said) + body)
        if not self._unread:
            self._await_client()

    def _end(self, response: Response, body: bytes | None = None) -> None:
        """Give the last answer."""
        self._ending = True
        self.deadline = self._shared.now + _LINGER_SECONDS
        self._parsing.drop()
        sent = response.body if body is None else body
        self._transport.write(head(response, self._shared.date, b"close") + sent)
        self._read_on(True)
        if self._half_closed:
            self._transport.close()
        else:
            self._transport.write_eof()

    def quiet(self, seconds: float = 0.0) -> bool:
        """Whether nothing is under way that an end would interrupt.

        Args:
            seconds: for how long at least.
        """
        if self._task or self._parsing.begun or self._parsing.requests or self._unread:
            return False
        return self._shared.now - self._since >= seconds

    def close(self) -> None:
        """Close a quiet connection."""
        self._transport.close()

    def expire(self) -> None:
        """The deadline has passed."""
        self.deadline = _NEVER
        if self._parsing.begun and not self._ending and not self._unread:
            late = Refused("the request did not come in time", status=408, kind="timeout")
            self._end(self._refuse(self._parsing.path, late))
        elif self.quiet() and not self._ending:
            self._transport.close()
        else:
            self._transport.abort()

    def abort(self) -> None:
        """Cut the connection off."""
        self._forget()
        self._transport.abort()

    def _forget(self) -> None:
        self._shared.connections.discard(self)
        self._shared.silent.pop(self, None)
