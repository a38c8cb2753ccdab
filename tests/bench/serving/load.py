"""The load generator: prepared requests over plain sockets, kept alive; one thread; every latency kept.

No tool to install, and no client library: those take longer than the servers that they would measure.
"""

from __future__ import annotations

import gc
import math
import re
import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_CHUNK: Final = 1 << 18
_PATIENCE: Final = 60  # seconds for one answer
_HEAD: Final = re.compile(rb"HTTP/1\.1 200 .*?\r\ncontent-length: *(\d+)\r\n(?:.*?\r\n)?\r\n", re.I | re.S)


class BadAnswer(Exception):
    """The server answered with something else than 200 and a body of a stated length, or did not answer."""


@dataclass(frozen=True)
class Load:
    """What one measurement gave.

    Args:
        seconds: from the first request to the end.
        latencies: of the requests answered in that time, in seconds, ascending.
        last: bodies of the last answers, one a connection.
    """

    seconds: float
    latencies: Sequence[float]
    last: tuple[bytes, ...]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, q: float) -> float:
        """The latency that this share of the requests did not exceed, in seconds."""
        return self.latencies[max(0, math.ceil(q * len(self.latencies)) - 1)]


def post(path: str, port: int, body: bytes) -> bytes:
    """The bytes of a request for JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


class Connection:
    """One connection that is kept alive, with at most one request under way."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        # As time-outs of the system: with Python's own each call is two, one of them only to wait.
        patience = struct.pack("ll", _PATIENCE, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""
        self.send = self._socket.sendall
        self.close = self._socket.close
        self.fileno = self._socket.fileno

    def receive(self) -> bytes | None:
        """The body of the answer; None while some of it is still to come. Waits for the next bytes.

        Raises:
            BadAnswer: see there.
        """
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            raise BadAnswer(f"no answer within {_PATIENCE} s") from None
        except ConnectionError as error:
            raise BadAnswer(f"the server broke the connection: {error.strerror}") from None
        if not data:
            raise BadAnswer(f"the server closed the connection{_so_far(self._got)}")
        if self._got:
            data = self._got + data
        head = _HEAD.match(data)
        if head is None:
            if b"\r\n\r\n" in data:
                raise BadAnswer(f"an answer that is no prediction{_so_far(data)}")
            self._got = data
            return None
        missing = head.end() + int(head[1]) - len(data)
        if missing > 0:
            self._got = data
            return None
        if missing < 0:
            raise BadAnswer(f"{-missing} bytes more than the answer's length{_so_far(data)}")
        self._got = b""
        return data[head.end() :]

    def ask(self, request: bytes) -> bytes:
        """The body of the answer to a request.

        Raises:
            BadAnswer: see there.
        """
        try:
            self.send(request)
        except ConnectionError as error:
            raise BadAnswer(f"the server broke the connection: {error.strerror}") from None
        while (body := self.receive()) is None:
            pass
        return body


def _so_far(data: bytes) -> str:
    return f": {data[:300].decode('utf-8', 'replace')!r}" if data else ""


def ask(port: int, request: bytes) -> bytes:
    """The body of the answer to one request, over a connection of its own.

    Raises:
        BadAnswer: see there.
        OSError: nothing listens.
    """
    connection = Connection(port)
    try:
        return connection.ask(request)
    finally:
        connection.close()


def run(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Ask over and over: each connection sends its next request as soon as it has its answer.

    Args:
        port: of the server, on this machine.
        request: the bytes of each.
        connections: at once.
        seconds: to go on for; requests under way then are waited for, and not counted.

    Raises:
        BadAnswer: see there; one is enough, as a server that answers errors fast is no server.
    """
    opened: list[Connection] = []
    try:
        opened += [Connection(port) for _ in range(connections)]
        with _undisturbed():
            measured = (_one if connections == 1 else _many)(opened, request, seconds)
    finally:
        for each in opened:
            each.close()
    if not measured.latencies:
        raise BadAnswer(f"not one answer within {seconds} s")
    return measured


@contextmanager
def _undisturbed() -> Iterator[None]:
    # Nothing here makes cycles, and a collection would be somebody's latency.
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _one(opened: list[Connection], request: bytes, seconds: float) -> Load:
    ask, clock, latencies = opened[0].ask, time.perf_counter, list[float]()
    body = b""
    started = now = clock()
    until = started + seconds
    while now < until:
        before = now
        body = ask(request)
        now = clock()
        latencies.append(now - before)
    return Load(now - started, sorted(latencies), (body,))


def _many(opened: list[Connection], request: bytes, seconds: float) -> Load:
    clock, latencies = time.perf_counter, list[float]()
    by_number = {each.fileno(): each for each in opened}
    last: dict[int, bytes] = {}
    with select.epoll() as poll:
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        started = clock()
        until = started + seconds
        sent = {}
        for number, connection in by_number.items():
            sent[number] = clock()
            connection.send(request)
        while sent:
            ready = poll.poll(_PATIENCE)
            if not ready:
                raise BadAnswer(f"no answer within {_PATIENCE} s")
            for number, _ in ready:
                connection = by_number[number]
                body = connection.receive()
                if body is None:
                    continue
                now = clock()
                last[number] = body
                if now >= until:
                    del sent[number]
                    continue
                latencies.append(now - sent[number])
                sent[number] = now
                connection.send(request)
    return Load(seconds, sorted(latencies), tuple(last.values()))
