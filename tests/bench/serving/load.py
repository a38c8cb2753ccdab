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

_LARGEST: Final = 1 << 20  # bytes of an answer
_SHOWN: Final = 300  # bytes of one that is no prediction
_PATIENCE: Final = 60  # seconds for one answer
_FIRST: Final = b"HTTP/1.1 200 "
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
    """One connection that is kept alive, with at most one request under way.

    What it does between an answer and the next request is added to every request of a quick server, so it is
    little: an answer as long as the one before, and with the same first line, is complete.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        # As time-outs of the system: with Python's own each call is two, one of them only to wait.
        patience = struct.pack("ll", _PATIENCE, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # One place for all answers: a new one of this size would be a new mapping of memory each time.
        self._buffer = bytearray(_LARGEST)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._length = 0
        self._read = self._socket.recv_into
        self.send = self._socket.sendall
        self.close = self._socket.close
        self.fileno = self._socket.fileno

    def receive(self) -> bool:
        """Wait for the next bytes; whether they complete the answer.

        Raises:
            BadAnswer: see there.
        """
        try:
            count = self._read(self._view[self._filled :] if self._filled else self._buffer)
        except BlockingIOError:
            raise BadAnswer(f"no answer within {_PATIENCE} s") from None
        if not count:
            raise BadAnswer(f"the server closed the connection{self._so_far()}")
        self._filled += count
        if self._filled != self._length or not self._buffer.startswith(_FIRST):
            return self._examined()
        self._filled = 0
        return True

    def _examined(self) -> bool:
        head = _HEAD.match(self._buffer, 0, self._filled)
        if head is None:
            if self._buffer.find(b"\r\n\r\n", 0, self._filled) >= 0:
                raise BadAnswer(f"an answer that is no prediction{self._so_far()}")
            return False
        length = head.end() + int(head[1])
        if length > _LARGEST:
            raise BadAnswer(f"an answer of {length} bytes")
        if self._filled < length:
            return False
        if self._filled > length:
            raise BadAnswer(f"{self._filled - length} bytes more than the answer's length{self._so_far()}")
        self._length, self._filled = length, 0
        return True

    def body(self) -> bytes:
        """The body of the last complete answer; empty where there was none."""
        head = _HEAD.match(self._buffer, 0, self._length)
        return bytes(self._view[head.end() : self._length]) if head else b""

    def _so_far(self) -> str:
        said = bytes(self._view[: min(self._filled, _SHOWN)])
        return f": {said.decode('utf-8', 'replace')!r}" if said else ""


def ask(port: int, request: bytes) -> bytes:
    """The body of the answer to one request, over a connection of its own.

    Raises:
        BadAnswer: see there.
        OSError: nothing listens.
    """
    connection = Connection(port)
    try:
        with _broken_is_bad():
            connection.send(request)
            while not connection.receive():
                pass
            return connection.body()
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
        with _broken_is_bad(), _undisturbed():
            measured = (_one if connections == 1 else _many)(opened, request, seconds)
    finally:
        for each in opened:
            each.close()
    if not measured.latencies:
        raise BadAnswer(f"not one answer within {seconds} s")
    return measured


@contextmanager
def _broken_is_bad() -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise BadAnswer(f"the server broke the connection: {error.strerror}") from None


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
    send, receive, clock = opened[0].send, opened[0].receive, time.perf_counter
    latencies: list[float] = []
    started = now = clock()
    until = started + seconds
    while now < until:
        before = now
        send(request)
        while not receive():
            pass
        now = clock()
        latencies.append(now - before)
    return Load(now - started, sorted(latencies), (opened[0].body(),))


def _many(opened: list[Connection], request: bytes, seconds: float) -> Load:
    clock, latencies = time.perf_counter, list[float]()
    by_number = {each.fileno(): each for each in opened}
    with select.epoll() as poll:
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        started = clock()
        until = started + seconds
        sent = dict.fromkeys(by_number, started)
        for connection in opened:
            connection.send(request)
        while sent:
            ready = poll.poll(_PATIENCE)
            if not ready:
                raise BadAnswer(f"no answer within {_PATIENCE} s")
            for number, _ in ready:
                connection = by_number[number]
                if not connection.receive():
                    continue
                now = clock()
                if now >= until:
                    del sent[number]
                    continue
                before, sent[number] = sent[number], now
                connection.send(request)
                latencies.append(now - before)
    return Load(seconds, sorted(latencies), tuple(each.body() for each in opened))
