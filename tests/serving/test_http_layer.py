"""What arrives on a socket, byte by byte: wrong, slow, endless or too much of it, and the server lives on."""

import contextlib
import http.client
import json
import resource
import socket
import time
from pathlib import Path

import pytest

from tests.serving.conftest import start, wait

BODY = b'{"columns": ["temp"], "data": [[12.8]]}'
SIZE = b"%x" % len(BODY)
LIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def post(extra=b"", *, body=BODY, host=b"Host: x\r\n", length=None, target=b"/invocations", version=b"1.1"):
    """A request for a prediction."""
    length = b"Content-Length: %d\r\n" % len(body) if length is None else length
    head = b"POST %b HTTP/%b\r\n%bContent-Type: application/json\r\n%b%b\r\n"
    return head % (target, version, host, length, extra) + body


def get(target=b"/v2/health/live", extra=b"", method=b"GET"):
    return b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (method, target, extra)


def chunked(body, coding=b"chunked"):
    return post(b"Transfer-Encoding: %b\r\n" % coding, body=body, length=b"")


WHOLE = SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
LONG = b"a" * 20_000
# bytes, status, a part of the reason; the connection is closed after each
REFUSED = {
    "length and chunks": (post(b"Transfer-Encoding: chunked\r\n", body=WHOLE), 400, "Transfer-Encoding"),
    "chunks and length": (
        post(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", length=b""),
        400,
        "Content-Length",
    ),
    "two lengths": (post(b"Content-Length: 3\r\n"), 400, "Content-Length"),
    "one length twice": (post(b"Content-Length: %d\r\n" % len(BODY)), 400, "Content-Length"),
    "a list of lengths": (post(length=b"Content-Length: 39, 39\r\n"), 400, "Content-Length"),
    "length with a sign": (post(length=b"Content-Length: +39\r\n"), 400, "Content-Length"),
    "negative length": (post(length=b"Content-Length: -1\r\n"), 400, "Content-Length"),
    "hexadecimal length": (post(length=b"Content-Length: 0x27\r\n"), 400, "Content-Length"),
    "empty length": (post(length=b"Content-Length:\r\n"), 400, "Content-Length"),
    "length beyond 64 bits": (post(length=b"Content-Length: 18446744073709551655\r\n"), 400, "overflow"),
    "length in other digits": (post(length="Content-Length: ３９\r\n".encode()), 400, "Content-Length"),
    "space before the colon": (post(length=b"Content-Length : 39\r\n"), 400, "header"),
    "xchunked": (chunked(WHOLE, b"xchunked"), 400, "Transfer-Encoding"),
    "identity": (chunked(WHOLE, b"identity"), 400, "Transfer-Encoding"),
    "chunked, identity": (chunked(WHOLE, b"chunked, identity"), 400, "Transfer-Encoding"),
    "gzip, chunked": (chunked(WHOLE, b"gzip, chunked"), 400, "Transfer-Encoding"),
    "chunked twice": (chunked(WHOLE, b"chunked, chunked"), 400, "Transfer-Encoding"),
    "chunked, then identity": (
        chunked(WHOLE, b"chunked\r\nTransfer-Encoding: identity"),
        400,
        "Transfer-Encoding",
    ),
    "identity, then chunked": (
        chunked(WHOLE, b"identity\r\nTransfer-Encoding: chunked"),
        400,
        "transfer-encoding",
    ),
    "a tab of another kind before chunked": (chunked(WHOLE, b"\x0bchunked"), 400, "header"),
    "chunk of 0x": (chunked(b"0x" + WHOLE), 400, "chunk size"),
    "chunk with a sign": (chunked(b"+" + WHOLE), 400, "chunk size"),
    "negative chunk": (chunked(b"-1\r\n" + BODY), 400, "chunk size"),
    "chunk beyond 64 bits": (chunked(b"f" * 17 + b"\r\n"), 400, "overflow"),
    "chunk of too many digits": (chunked(b"0" * 20_000), 431, "larger than 16384"),
    "chunk without CR": (chunked(WHOLE.replace(b"\r\n", b"\n", 1)), 400, "CR after chunk size"),
    "chunk shorter than it says": (chunked(b"26\r\n" + BODY + b"\r\n0\r\n\r\n"), 400, "chunk"),
    "line feed in a chunk's extension": (chunked(SIZE + b";a\nb\r\n" + BODY), 400, "chunk extension"),
    "endless extension of a chunk": (chunked(SIZE + b";" + LONG * 5), 431, "larger than 16384"),
    "endless trailer": (chunked(WHOLE[:-2] + b"X: " + LONG * 50), 431, "larger than 16384"),
    "too many trailers": (chunked(WHOLE[:-2] + b"X: 1\r\n" * 3000), 431, "larger than 16384"),
    "folded header": (post(b"X-A: b\r\n c\r\n"), 400, "header"),
    "NUL in a header": (post(b"X-A: b\0c\r\n"), 400, "header"),
    "NUL in a header's name": (post(b"X\0A: b\r\n"), 400, "header"),
    "CR in a header": (post(b"X-A: b\rc\r\n"), 400, "LF"),
    "LF alone": (post().replace(b"\r\n", b"\n"), 400, "CRLF"),
    "LF alone in one header": (post(b"X-A: b\nX-B: c\r\n"), 400, "CR after header"),
    "header without colon": (post(b"XA\r\n"), 400, "header"),
    "header without name": (post(b": b\r\n"), 400, "header"),
    "header with a space in its name": (post(b"X A: b\r\n"), 400, "header"),
    "head of 100 kB": (post(b"X: %b\r\n" % (b"a" * 1000) * 100), 431, "larger than 16384"),
    "thousands of headers": (post(b"X: 1\r\n" * 2000), 431, "larger than 16384"),
    "header of 20 kB": (post(b"X: %b\r\n" % LONG), 431, "larger than 16384"),
    "header of 20 kB without an end": (get()[:-2] + b"X: " + LONG, 431, "larger than 16384"),
    "header's name without an end": (get()[:-2] + LONG, 431, "larger than 16384"),
    "URL of 50 kB": (get(b"/" + b"a" * 50_000), 431, "larger than 16384"),
    "no Host": (post(host=b""), 400, "no Host"),
    "two Hosts": (post(host=b"Host: x\r\nhost: y\r\n"), 400, "two headers host"),
    "Host with a space": (post(host=b"Host: x y\r\n"), 400, "Host"),
    "Host with a path": (post(host=b"Host: x/y\r\n"), 400, "Host"),
    "HTTP/1.2": (post(version=b"1.2"), 400, "HTTP version"),
    "HTTP/1.10": (post(version=b"1.10"), 400, "HTTP/1.1"),
    "HTTP/2.0": (post(version=b"2.0"), 400, "HTTP/2.0 is not spoken"),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "HTTP/1.1"),
    "HTTP/0.9 with headers": (b"GET /ping\r\nHost: x\r\n\r\n", 400, "HTTP/0.9 is not spoken"),
    "TLS": (bytes.fromhex("16030100f4010000f00303") + bytes(range(200)), 400, "HTTP/1.1"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", 400, "HTTP/1.1"),
    "unknown method": (get(method=b"BREW"), 400, "method"),
    "method in lower case": (get(method=b"get"), 400, "method"),
    "target without a slash": (get(b"ping"), 400, "HTTP/1.1"),
    "target that is not ASCII": (get(b"/\xff"), 400, "HTTP/1.1"),
    "body announced as too large": (post(length=b"Content-Length: 100000000\r\n", body=b""), 413, "larger"),
    "too large, and asks first": (
        post(b"Expect: 100-continue\r\n", length=b"Content-Length: 100000000\r\n", body=b""),
        413,
        "larger than 1000000 bytes",
    ),
    "tunnel": (get(b"x:443", method=b"CONNECT"), 404, "nothing at"),
}
# bytes, the statuses of the answers; the connection is kept
ANSWERED = {
    "chunks": (chunked(WHOLE), [200]),
    "chunks with an extension": (chunked(SIZE + b";a=b\r\n" + BODY + b"\r\n0\r\n\r\n"), [200]),
    "Chunked": (chunked(WHOLE, b"Chunked"), [200]),
    "one byte a chunk": (chunked(b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"), [200]),
    "a trailer changes no header": (chunked(WHOLE[:-2] + b"Content-Type: text/csv\r\n\r\n"), [200]),
    "empty lines before a request": (b"\r\n\r\n" + post(), [200]),
    "bytes that are no text in a header": (post(b"X-A: \xff\xfe\r\n"), [200]),
    "empty Host": (post(host=b"Host:\r\n"), [200]),
    "Host with a port": (post(host=b"Host: [::1]:8080\r\n"), [200]),
    "HTTP/1.0 that wants to be kept": (post(b"Connection: keep-alive\r\n", version=b"1.0", host=b""), [200]),
    "absolute target": (post(target=b"http://x:80/invocations"), [200]),
    "absolute target with a query": (get(b"http://x/v2/health/live?a=b"), [200]),
    "absolute target without a path": (get(b"http://x?a=b"), [200]),
    "target with percent signs": (get(b"/%76%32/health%2Flive"), [200]),
    "percent signs that mean nothing": (get(b"/%ff%zz"), [404]),
    "line end in percent signs": (get(b"/%0d%0aX:%20y"), [404]),
    "target with dots": (get(b"/v2/../v2/health/live"), [404]),
    "two slashes": (get(b"//v2/health/live"), [404]),
    "target of 5,000 bytes": (get(b"/" + b"a" * 5000), [404]),
    "query of 5,000 bytes": (get(b"/ping?" + b"a" * 5000), [200]),
    "asterisk": (get(b"*", method=b"OPTIONS"), [404]),
    "OPTIONS": (get(b"/invocations", method=b"OPTIONS"), [405]),
    "TRACE": (get(method=b"TRACE"), [405]),
    "PROPFIND": (get(method=b"PROPFIND"), [405]),
    "a GET with a body": (get(b"/ping", b"Content-Length: 5\r\n") + b"hello" + LIVE, [200, 200]),
    "HTTP/2 is offered": (
        post(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n") + LIVE,
        [200, 200],
    ),
    "HTTP/2 is offered with chunks": (
        chunked(WHOLE, b"chunked\r\nConnection: Upgrade\r\nUpgrade: h2c"),
        [200],
    ),
    "HTTP/2 is offered without a body": (
        get(extra=b"Connection: Upgrade\r\nUpgrade: h2c\r\n") + LIVE,
        [200, 200],
    ),
    "a socket for the web is offered": (
        get(extra=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        [200],
    ),
    "three in one packet": (post() + get(b"/nothing") + post(body=b"{}"), [200, 404, 400]),
    "a hundred in one packet": (LIVE * 100, [200] * 100),
}


class Client:
    """A connection that reads answers one by one."""

    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        # A server that has answered may close while the rest of a huge request is on its way.
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def answer(self, method="POST"):
        response = http.client.HTTPResponse(_Unclosed(self.socket), method=method)
        response.begin()
        return response.status, response.headers, response.read()

    def closed(self):
        """Whether the server has nothing more to say."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


class _Unclosed:
    """A socket for HTTPResponse, read without a buffer: what follows the answer stays for the next."""

    def __init__(self, inner):
        self._inner = inner

    def makefile(self, mode):
        return self._inner.makefile(mode, buffering=0)


def check_reason(status, body, reason):
    said = json.loads(body)
    said = said.get("error") or said["message"]
    assert reason in said
    assert len(body) < 300
    assert 400 <= status < 500


@pytest.fixture(scope="module")
def strict(models, tmp_path_factory):
    """A server with no patience, for 50 connections."""
    folder = tmp_path_factory.mktemp("strict")
    options = ["--head-timeout", "1", "--body-timeout", "1", "--idle-timeout", "1", "--max-connections", "50"]
    started = start(models / "echo", folder, "--name", "echo", *options)
    try:
        yield wait(*started, models / "echo")
    finally:
        started[0].kill()
        started[0].wait()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_refused_with_a_reason_and_the_connection_closed(station, name):
    data, status, reason = REFUSED[name]
    with Client(station.port) as client:
        client.send(data)
        got, headers, body = client.answer()
        assert got == status
        check_reason(status, body, reason)
        assert headers["connection"] == "close"
        assert client.closed()
    with Client(station.port) as client:
        client.send(post())
        assert client.answer()[0] == 200


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_a_request_is_answered_in_order_and_the_connection_kept(station, name):
    data, statuses = ANSWERED[name]
    method = data.split(b" ", 1)[0].decode()
    with Client(station.port) as client:
        client.send(data)
        assert [client.answer(method)[0] for _ in statuses] == statuses
        client.send(post())
        assert client.answer()[0] == 200


@pytest.mark.parametrize("name", ["chunks", "HTTP/2 is offered", "three in one packet", "absolute target"])
def test_a_request_that_comes_byte_by_byte_is_the_same_request(station, name):
    data, statuses = ANSWERED[name]
    with Client(station.port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            client.send(bytes((byte,)))
        assert [client.answer()[0] for _ in statuses] == statuses


@pytest.mark.parametrize("method", ["HEAD"])
@pytest.mark.parametrize(
    ("path", "status"), [("/v2/health/live", 200), ("/invocations", 405), ("/nothing", 404)]
)
def test_head_is_get_without_the_body(station, method, path, status):
    with Client(station.port) as client:
        client.send(get(path.encode(), method=b"HEAD") + LIVE)
        got, headers, body = client.answer("HEAD")
        assert (got, body) == (status, b"")
        assert int(headers["content-length"]) > 0
        assert client.answer("GET")[0] == 200


def test_a_request_before_one_that_is_none_gets_its_answer_first(station):
    with Client(station.port) as client:
        client.send(post() + post() + b"garbage\r\n\r\n" + post())
        assert [client.answer()[0] for _ in range(3)] == [200, 200, 400]
        assert client.closed()


def test_an_answer_that_takes_its_time_comes_before_the_refusal_of_what_follows(echo):
    slow = {"columns": ["temp"], "data": [[1]], "params": {"do": "sleep /dev/null", "seconds": 0.3}}
    with Client(echo.port) as client:
        client.send(post(body=json.dumps(slow).encode()))
        time.sleep(0.1)
        client.send(b"garbage\r\n\r\n")
        assert client.answer()[0] == 200
        assert client.answer()[0] == 400
        assert client.closed()


def test_what_follows_a_request_that_closes_is_ignored(station):
    with Client(station.port) as client:
        client.send(post(b"Connection: close\r\n") + b"\r\n" + post())
        status, headers, _ = client.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert client.closed()


def test_http_1_0_is_answered_and_closed(station):
    with Client(station.port) as client:
        client.send(post(version=b"1.0", host=b""))
        assert client.answer()[0] == 200
        assert client.closed()


@pytest.mark.parametrize("path", [b"/v2/models/x/infer", b"/invocations"])
def test_a_broken_head_is_told_in_the_shape_of_its_path(station, path):
    with Client(station.port) as client:
        client.send(post(b"X A: b\r\n", target=path))
        assert ("error" in json.loads(client.answer()[2])) == path.startswith(b"/v2")


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(station):
    request = post(b"Expect: 100-continue\r\n")
    with Client(station.port) as client:
        client.send(request.removesuffix(BODY))
        assert client.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(BODY)
        assert client.answer()[0] == 200


@pytest.mark.parametrize("data", [post(), LIVE + post(), chunked(WHOLE)])
def test_a_client_that_says_that_it_sends_no_more_still_gets_its_answers(station, data):
    with Client(station.port) as client:
        client.send(data)
        client.socket.shutdown(socket.SHUT_WR)
        for _ in range(data.count(b" HTTP/1.1\r\n")):
            assert client.answer()[0] == 200
        assert client.closed()


@pytest.mark.parametrize(
    "data", [post()[:-3], b"POST /inv", chunked(WHOLE[:-5]), post()[:40], b"GET /ping\r\n"]
)
def test_a_client_that_stops_in_the_middle_is_told_so(station, data):
    with Client(station.port) as client:
        client.send(data)
        client.socket.shutdown(socket.SHUT_WR)
        status, _, body = client.answer()
        assert status == 400
        check_reason(status, body, "ends in its middle")
        assert client.closed()


@pytest.mark.parametrize(
    "data", [b"POST /inv", get()[:-2], b"GET /ping\r\n", post()[:-3], chunked(b"5\r\nab")]
)
def test_a_request_that_does_not_go_on_is_408(strict, data):
    with Client(strict.port) as client:
        client.send(data)
        status, _, body = client.answer()
        assert status == 408
        check_reason(status, body, "did not come in time")
        assert client.closed()


@pytest.mark.parametrize(
    ("data", "drop"),
    [
        (get()[:-2], b"X: 1\r\n"),
        (post(length=b"Content-Length: 900000\r\n"), b" "),
        (chunked(b""), b"1\r\n \r\n"),
    ],
)
def test_what_drips_in_earns_no_more_time(strict, data, drop):
    with Client(strict.port, timeout=0.1) as client:
        client.send(data)
        answer = b""
        for _ in range(200):
            client.send(drop)
            with contextlib.suppress(TimeoutError):
                answer = client.socket.recv(4096)
                break
        assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("data", [b"", LIVE, LIVE * 2])
def test_a_connection_on_which_nothing_is_asked_is_closed_without_a_word(strict, data):
    with Client(strict.port) as client:
        client.send(data)
        for _ in range(data.count(LIVE)):
            client.answer()
        assert client.closed()


def test_a_client_that_does_not_read_its_answers_is_cut_off(strict):
    ask = get(b"/metrics") * 100
    with Client(strict.port) as client, pytest.raises(ConnectionError):
        while True:
            client.socket.sendall(ask)
    assert strict.ask("/ping").status == 200


def resident(server):
    """The memory of a server's process, MB."""
    return (
        int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    )


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (post(length=b"Content-Length: 100000000\r\n", body=b""), b" " * 1_000_000),
        (chunked(b""), b"f4240\r\n" + b" " * 1_000_000 + b"\r\n"),
    ],
)
def test_a_hundred_megabytes_are_413_also_to_a_client_that_sends_them_all_first(station, head, piece):
    before = resident(station)
    with Client(station.port) as client:
        client.socket.sendall(head)
        for _ in range(100):
            client.socket.sendall(piece)
        status, _, body = client.answer()
        assert status == 413
        check_reason(status, body, "larger than 1000000 bytes")
    assert resident(station) < before + 50
    with Client(station.port) as client:
        client.send(post())
        assert client.answer()[0] == 200


def test_a_body_without_an_end_is_cut_off(station):
    before = resident(station)
    with Client(station.port) as client, pytest.raises(ConnectionError):
        client.socket.sendall(chunked(b""))
        while True:
            client.socket.sendall(b"f4240\r\n" + b" " * 1_000_000 + b"\r\n")
    assert resident(station) < before + 50
    with Client(station.port) as client:
        client.send(post())
        assert client.answer()[0] == 200


def test_two_thousand_connections_that_say_nothing_do_not_keep_out_who_asks(strict):
    with contextlib.ExitStack() as open_until_then:
        for _ in range(2000):
            open_until_then.enter_context(Client(strict.port))
        for _ in range(20):
            with Client(strict.port) as client:
                client.send(post())
                status, headers, _ = client.answer()
                assert status == 200 or (status == 503 and headers["retry-after"])
        assert strict.ask("/v2/health/live").status == 200
    assert strict.process.poll() is None


def test_who_is_too_much_is_asked_to_come_back(strict):
    with contextlib.ExitStack() as open_until_then:
        for _ in range(50):
            busy = open_until_then.enter_context(Client(strict.port))
            busy.send(LIVE)
            busy.answer("GET")
        with Client(strict.port) as client:
            client.send(post())
            status, headers, body = client.answer()
            assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
            assert b"too many connections" in body


def test_none_of_this_writes_a_trace_into_the_log(station, strict):
    for server in (station, strict):
        assert "Traceback" not in server.log.read_text()
