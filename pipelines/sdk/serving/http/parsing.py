"""Bytes of a connection to requests, within the limits."""

from __future__ import annotations

from collections import deque
from typing import Final

import httptools

from pipelines.sdk.serving.http.limits import Shared
from pipelines.sdk.serving.http.messages import Request
from pipelines.sdk.serving.protocols.problems import Reason, Refused

# llhttp's own limits are none. Names and values of a header count, and so does each header for itself.
_HEADER_BYTES: Final = 32
_VERSIONS: Final = ("1.0", "1.1")
# Two of these are two opinions on where a request ends or whom it is for (RFC 9112, 3.2 and 6.3).
_ONCE: Final = frozenset((b"host", b"content-length", b"transfer-encoding"))
_HOST: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=%:[]"


class Parsing:
    """Reads one connection; whoever feeds it takes the requests from `requests`.

    Args:
        shared: limits, and the bytes that are held of all connections.

    Attributes:
        requests: read whole, not yet answered.
        begun: whether a request has begun whose end has not come yet.
        in_body: whether its head has been read.
        stage: a number that changes where a request begins, and where its body does.
        held: bytes of bodies that are held for this connection.
        expects: whether the client waits to be told to send its body.
        crowded: as in Request; of all requests of this connection.
    """

    def __init__(self, shared: Shared) -> None:
        self.requests: deque[Request] = deque()
        self.begun = False
        self.in_body = False
        self.stage = 0
        self.held = 0
        self.expects = False
        self.crowded = False
        self._shared = shared
        self._parser = httptools.HttpRequestParser(self)
        self._refused: Refused | None = None
        self._silent = 0
        self._start()

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            Refused: the client does not speak HTTP, or wants more than allowed; the connection has had it.
        """
        before = len(self.requests), self._size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[int(upgrade.args[0]) :])
            return
        except httptools.HttpParserError as error:
            if self.requests and not self.requests[-1].keep_alive:
                return  # nobody waits for anything after a client's last request
            raise self._refused or Refused(f"the request is not HTTP/1.1: {error}", kind="http") from None
        # The parser gives a header once it has all of it, and of what frames a chunk it gives nothing: the
        # bytes of which nothing comes have a limit here.
        self._silent = self._silent + len(data) if (len(self.requests), self._size) == before else 0
        if self._silent > self._shared.limits.head:
            raise self._too_long()

    def _decline(self, rest: bytes) -> None:
        """Read on after a request that offers another protocol, as Java's clients offer HTTP/2 with each.

        Nobody has to take the offer. The parser has left out the request's body, so it reads the head once
        more, without the offer.
        """
        if self.requests[-1].method == "CONNECT":
            return
        request = self.requests.pop()
        line = b"%b %b HTTP/%b" % (
            request.method.encode(),
            self._url,
            self._parser.get_http_version().encode(),
        )
        headers = [b"%b: %b" % item for item in self._headers.items() if item[0] != b"upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        self.feed(b"\r\n".join((line, *headers, b"", rest)))

    @property
    def path(self) -> str:
        """Of the request that is being read, or was read last; empty before the first."""
        path = self._url.partition(b"?")[0]
        if path[:1] != b"/" and b"://" in path:
            # The form for proxies, which a server has to understand too (RFC 9112, 3.2.2).
            path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
        return path.decode("latin-1")

    def answered(self, request: Request) -> None:
        """Let go of a request's body."""
        self._release(len(request.body))

    def drop(self) -> None:
        """Let go of everything that was read."""
        self.requests.clear()
        self._chunks.clear()
        self._release(self.held)

    def _release(self, size: int) -> None:
        self.held -= size
        self._shared.buffered -= size

    # What follows is called by the parser. It makes one error of all that is raised, so the reason is kept.

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._start()
        self.begun = True
        self.stage += 1

    def _start(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_size = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self.in_body = False

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, also one that follows a chunked body; that one changes nothing."""
        self._count(len(name) + len(value) + _HEADER_BYTES)
        if self.in_body:
            return
        key = name.lower()
        if key in _ONCE and key in self._headers:
            self._refuse(f"the request has two headers {key.decode()}", 400, "http")
        self._headers[key] = value

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self._shared.limits.head:
            self._refused = self._too_long()
            raise self._refused

    def _too_long(self) -> Refused:
        reason = f"the head is larger than {self._shared.limits.head} bytes"
        return Refused(reason, status=431, kind="too_large")

    def on_headers_complete(self) -> None:
        """The end of the head."""
        self.in_body = True
        self.stage += 1
        version = self._parser.get_http_version()
        if version not in _VERSIONS:
            self._refuse(f"HTTP/{version} is not spoken here", 400, "http")
        host = self._headers.get(b"host")
        if version == "1.1" and host is None:
            self._refuse("the request has no Host", 400, "http")
        if host and host.translate(None, _HOST):
            self._refuse("the request's Host is no name of a host", 400, "http")
        if self._headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            self._refuse("no Transfer-Encoding but chunked is understood", 400, "http")
        announced = self._headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._shared.limits.body:
            self._too_large()
        self.expects = self._headers.get(b"expect", b"").lower() == b"100-continue"

    def on_body(self, chunk: bytes) -> None:
        """A part of the body."""
        size = len(chunk)
        self._size += size
        self.held += size
        self._shared.buffered += size
        if self._size > self._shared.limits.body:
            self._too_large()
        if self._shared.buffered > self._shared.limits.buffered and self._size > self._shared.limits.head:
            self._refuse("too many large requests at once; come back in a second", 503, "busy")
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        """The end of the request."""
        method = self._parser.get_method().decode("latin-1")
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        # What follows a CONNECT is no HTTP.
        keep = self._parser.should_keep_alive() and method != "CONNECT"
        self.requests.append(Request(method, self.path, self._headers, body, keep, self.crowded))
        self._chunks = []
        self.begun = self.in_body = self.expects = False

    def _too_large(self) -> None:
        self._refuse(f"the body is larger than {self._shared.limits.body} bytes", 413, "too_large")

    def _refuse(self, reason: str, status: int, kind: Reason) -> None:
        self._refused = Refused(reason, status=status, kind=kind)
        raise self._refused
