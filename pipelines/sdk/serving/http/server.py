"""An event loop that serves a socket until it is asked to end, and ends without losing a request."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Final

from pipelines.sdk.serving.http.connection import Connection
from pipelines.sdk.serving.http.limits import Shared

_TICK: Final = 0.25
# Accepted in one go; with other workers at the same socket one, so that each gets its share.
_AT_ONCE: Final = 64
# A client that connected, or got its answer, less than this ago may be about to ask.
_QUIET: Final = 1.0
_LOOK: Final = 0.05
_BACKLOG: Final = 2048


class Server:
    """Serves one listening socket.

    Args:
        listener: bound; it is not closed for other processes that have it.
        shared: by the connections.
        connect: makes a connection's protocol.
        drain: seconds for which a server that was asked to end still takes requests, closing each connection
            after its answer.
        grace: seconds for requests that are still under way after that.
        alone: whether no other process accepts from this socket.
    """

    def __init__(
        self,
        listener: socket.socket,
        shared: Shared,
        connect: Callable[[], Connection],
        *,
        drain: float,
        grace: float,
        alone: bool = True,
    ) -> None:
        self._listener = listener
        self._shared = shared
        self._connect = connect
        self._drain = drain
        self._grace = grace
        self._at_once = _AT_ONCE if alone else 1
        self._accepting: set[asyncio.Task[None]] = set()

    async def run(self, on_listening: Callable[[], None]) -> None:
        """Serve until SIGTERM or Ctrl-C; SIGTERM drains, Ctrl-C only finishes what is under way.

        Args:
            on_listening: called once connections are taken.
        """
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._asked = asyncio.Event()
        self._hurried = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, self.end)
        loop.add_signal_handler(signal.SIGINT, self._hurry)
        ticking = loop.create_task(self._tick())
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        loop.add_reader(self._listener, self._accept)
        self._shared.life.ready = True
        on_listening()
        await self._asked.wait()
        await self._end()
        ticking.cancel()

    def end(self) -> None:
        """Drain. Asked twice is asked once: two who end the same server should not cut its requests short."""
        self._shared.life.drain()
        self._asked.set()

    def _hurry(self) -> None:
        self.end()
        self._hurried.set()

    def _accept(self, at_once: int = 0) -> None:
        for _ in range(at_once or self._at_once):
            try:
                accepted, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # No more file descriptors: the client waits in the system's queue until others have gone.
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_TICK, self._accept_again)
                return
            accepted.setblocking(False)
            task = self._loop.create_task(self._take(accepted))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0 and not self._hurried.is_set():
            self._loop.add_reader(self._listener, self._accept)

    async def _take(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connect, accepted)
        except OSError:
            accepted.close()

    async def _tick(self) -> None:
        shared = self._shared
        while True:
            await asyncio.sleep(_TICK)
            shared.tick()
            for connection in [each for each in shared.connections if each.deadline < shared.now]:
                connection.expire()

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(self._drain):
                await self._hurried.wait()
        except TimeoutError:
            pass
        # What the system has taken for us is ours to answer, up to the last moment.
        self._accept(_BACKLOG)
        self._loop.remove_reader(self._listener)
        self._listener.close()
        if self._accepting:
            await asyncio.wait(self._accepting)
        try:
            async with asyncio.timeout(self._grace):
                while self._shared.connections:
                    await self._close_quiet()
        except TimeoutError:
            for connection in list(self._shared.connections):
                connection.abort()

    async def _close_quiet(self) -> None:
        await asyncio.sleep(_LOOK)
        # Whoever has asked since has not been heard yet: between two turns of the loop every socket is.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._shared.tick()
        quiet = 0.0 if self._hurried.is_set() else _QUIET
        for connection in [each for each in self._shared.connections if each.quiet(quiet)]:
            connection.close()
