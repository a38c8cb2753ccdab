"""The load generator against real sockets, with answers as good and as bad as servers give."""

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest

from tests.bench.serving import campaign, load
from tests.bench.serving.load import BadAnswer

GOOD = b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"


class Responder:
    """Answers each request, known by its length, with the same pieces, some milliseconds apart."""

    def __init__(self, request: bytes, pieces: tuple[bytes, ...], close: bool = False) -> None:
        self._request = request
        self._pieces = pieces
        self._close = close
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readexactly(len(self._request)))
                for piece in self._pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.002 if len(self._pieces) > 1 else 0)
                if self._close:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@contextmanager
def responding(responder):
    """Its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(responder.serve, "127.0.0.1", 0), loop
    ).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_rest())
        loop.close()


async def _rest():
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("connections", [1, 16])
def test_every_answer_is_counted_once_and_every_connection_is_kept(connections):
    request = load.post("/x", 80, b"{}" * 1000)
    responder = Responder(request, (GOOD,))
    with responding(responder) as port:
        measured = load.run(port, request, connections, 0.2)
    assert responder.connections == connections
    assert set(responder.requests) == {request}
    # What was under way at the end is answered, and not counted.
    assert 0 <= len(responder.requests) - len(measured.latencies) <= connections
    assert len(measured.latencies) >= connections
    assert list(measured.latencies) == sorted(measured.latencies)
    assert measured.last == (b"hello",) * connections
    assert measured.rate == len(measured.latencies) / measured.seconds


@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("cuts", [(10,), (20, 50), (len(GOOD) - 1,), (58, 60)])
def test_answers_that_come_in_pieces_are_put_together(connections, cuts):
    pieces = tuple(GOOD[a:b] for a, b in zip((0, *cuts), (*cuts, len(GOOD)), strict=True))
    request = load.post("/x", 80, b"{}")
    with responding(Responder(request, pieces)) as port:
        assert set(load.run(port, request, connections, 0.02).last) == {b"hello"}
        assert load.ask(port, request) == b"hello"


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (GOOD.replace(b"200 OK", b"500 Internal Server Error"), "no prediction: 'HTTP/1.1 500"),
        (GOOD.replace(b"200 OK", b"503 Service Unavailable"), "no prediction: 'HTTP/1.1 503"),
        (GOOD.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"), "no prediction"),
        (GOOD + b"more", "4 bytes more than the answer's length"),
    ],
)
def test_an_answer_that_is_no_prediction_ends_the_measurement(connections, answer, why):
    request = load.post("/x", 80, b"{}")
    with responding(Responder(request, (answer,))) as port, pytest.raises(BadAnswer, match=why):
        load.run(port, request, connections, 5)


@pytest.mark.parametrize("connections", [1, 4])
def test_a_connection_that_the_server_closes_ends_the_measurement(connections):
    request = load.post("/x", 80, b"{}")
    with (
        responding(Responder(request, (GOOD,), close=True)) as port,
        pytest.raises(BadAnswer, match=r"clos|broke"),
    ):
        load.run(port, request, connections, 5)


def test_a_server_that_answers_too_late_to_be_counted_is_not_measured():
    request = load.post("/x", 80, b"{}")
    with (
        responding(Responder(request, tuple(bytes([each]) for each in GOOD))) as port,
        pytest.raises(BadAnswer, match=r"not one answer within 0\.01 s"),
    ):
        load.run(port, request, 2, 0.01)


def test_a_latency_is_the_time_from_a_request_to_its_own_answer():
    request = load.post("/x", 80, b"{}")
    with responding(Responder(request, (GOOD[:9], GOOD[9:]))) as port:
        started = time.perf_counter()
        measured = load.run(port, request, 1, 0.05)
        took = time.perf_counter() - started
    # One after the other on one connection: none overlaps another, and little is between them.
    assert 0.002 * len(measured.latencies) <= sum(measured.latencies) <= took


def test_quantiles_are_latencies_that_were_measured():
    measured = load.Load(1.0, [float(n) for n in range(1, 201)], ())
    assert [measured.quantile(q) for q in (0.0, 0.5, 0.99, 1.0)] == [1.0, 100.0, 198.0, 200.0]
    assert load.Load(1.0, [7.0], ()).quantile(0.99) == 7.0


def test_a_request_says_how_long_it_is():
    assert load.post("/a", 81, b"{}").split(b"\r\n") == [
        b"POST /a HTTP/1.1",
        b"Host: 127.0.0.1:81",
        b"Content-Type: application/json",
        b"Content-Length: 2",
        b"",
        b"{}",
    ]


def test_the_generator_is_measured_beside_a_server_that_does_nothing():
    p50, rate = campaign.responder(0.2)
    assert p50 > 0
    assert rate > 0
