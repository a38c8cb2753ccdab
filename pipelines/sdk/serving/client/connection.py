"""One HTTP request to a model server: its name and address apart, TLS, token, proxies, and plain words."""

from __future__ import annotations

import ipaddress
import json
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProxyError, SSLError, TimeoutError

from pipelines.sdk.errors import Finding, Unreachable, UsageError

_EXAMPLE: Final = "for example http://127.0.0.1:8080"


@dataclass(frozen=True)
class Connection:
    """How a server is reached.

    Args:
        url: base of the server: the address that is connected to.
        host: the server's name where that is another, as behind a gateway that serves many: the Host header,
            and with https the name that is asked for (SNI) and that the certificate must have. Empty for the
            one in `url`. A whole `status.url` of KServe is as good.
        ca_file: certificates of the authorities that are trusted, PEM; None for the system's.
        token: sent as `Authorization: Bearer`; empty for none.
        timeout: seconds to connect, and seconds to wait for the answer.
    """

    url: str
    host: str = ""
    ca_file: Path | None = None
    token: str = ""
    timeout: float = 30.0


class Refusal(Exception):
    """An answer that is no prediction.

    Args:
        status: of HTTP.
        reason: that the server gave, or HTTP's own words.
        url: that was asked.
    """

    def __init__(self, status: int, reason: str, url: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.url = url


def is_near(url: str) -> bool:
    """Whether an address is this machine's own."""
    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def send(connection: Connection, path: str, body: bytes | None = None, media: str = "") -> Any:
    """The JSON of an answer. Nothing is tried twice, and no redirect is followed: it could lead a token away.

    Args:
        connection: see there.
        path: on the server.
        body: None for a GET, else what is posted.
        media: type of the body.

    Raises:
        Refusal: the server answered with another status than 2xx.
        Unreachable: nothing answers there, or no model server does.
        UsageError: the address, name, token or CA file is none.
    """
    parts = _address(connection.url)
    url = f"{connection.url.rstrip('/')}{path}"
    try:
        with _pool(connection, parts) as pool:
            answer = pool.request(
                "GET" if body is None else "POST",
                url,
                body=body,
                headers=_headers(connection, media),
                timeout=connection.timeout,
                retries=False,
                redirect=False,
            )
    except SSLError as error:
        raise _untrusted(url, error) from error
    except (HTTPError, OSError) as error:
        raise _silent(connection, url, error) from error
    return _content(answer, url)


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise UsageError(Finding(f"is no address: {error}", url, _EXAMPLE)) from error
    if not known:
        raise UsageError(Finding("is not an http or https address", url or "the address", _EXAMPLE))
    if "@" in parts.netloc:
        finding = Finding("has a user or password in it", parts.scheme + "://...", "give a token instead")
        raise UsageError(finding)
    if parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise UsageError(Finding("is not the base of a server", url, _EXAMPLE))
    return parts


def _name(connection: Connection) -> str:
    """The server's own name, perhaps with a port; empty where its address says it."""
    given = connection.host.strip()
    name = urlsplit(given).netloc if "://" in given else given.rstrip("/")
    allowed = name.isascii() and name.isprintable() and not set(name) & set(" /@?#\\\"'")
    if not allowed or (given and not name):
        mend = "give the name in the URL that `kubectl get inferenceservice` shows"
        raise UsageError(Finding("is no name of a host", given, mend))
    return name


def _headers(connection: Connection, media: str) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": "kfp-on-argo-predict"}
    if media:
        headers["Content-Type"] = media
    if name := _name(connection):
        headers["Host"] = name
    if connection.token:
        if not connection.token.isascii() or not connection.token.isprintable() or " " in connection.token:
            raise UsageError(
                Finding("has characters that no token has", "the token", "is it the right file?")
            )
        headers["Authorization"] = f"Bearer {connection.token}"
    return headers


def _pool(connection: Connection, parts: SplitResult) -> urllib3.PoolManager:
    options: dict[str, Any] = {}
    if parts.scheme == "https":
        options["ssl_context"] = _trust(connection.ca_file)
        if name := _name(connection):
            options["server_hostname"] = urlsplit(f"//{name}").hostname
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    # Whatever proxy the environment names, it is not the way to a server on this machine.
    if not proxy or is_near(connection.url) or urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager(**options)
    return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}", **options)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (ssl.SSLError, OSError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        what = "holds no certificate in PEM" if isinstance(error, ssl.SSLError) else f"cannot be read: {what}"
        finding = Finding(what, str(ca_file), "give the certificate of the server's authority")
        raise UsageError(finding) from error


def _untrusted(url: str, error: SSLError) -> Unreachable:
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = f"its certificate is not trusted: {cause.verify_message.rstrip('.')}"
        names = cause.verify_code in (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, ..._IP_ADDRESS_MISMATCH
        mend = (
            "give the name that the certificate is for with --host"
            if names
            else "give the certificate of its authority with --ca-file"
        )
        return Unreachable(Finding(what, url, mend))
    mend = "does a server for http, without s, listen there?"
    return Unreachable(Finding(f"no TLS connection: {getattr(cause, 'reason', '') or cause}", url, mend))


def _silent(connection: Connection, url: str, error: Exception) -> Unreachable:
    mend = "is the address right, and can it be reached from here?"
    if is_near(connection.url):
        mend = "start the server: python pipelines/train.py serve"
    if isinstance(error, ProxyError):
        mend = "is the proxy in http_proxy or https_proxy right? no_proxy names what is to be reached without"
    # What is refused at once is a subclass of what takes too long.
    if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
        return Unreachable(Finding(f"no answer: timed out after {connection.timeout:g} s", url, mend))
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    said = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return Unreachable(Finding(f"no answer: {said}", url, mend))


def _content(answer: urllib3.BaseHTTPResponse, url: str) -> Any:
    if 300 <= answer.status < 400:
        target = answer.headers.get("location", "nowhere")
        mend = "give the address that it names, if you trust it"
        raise Unreachable(Finding(f"the server sends us on to {target} ({answer.status})", url, mend))
    if answer.status >= 400:
        raise Refusal(answer.status, _reason(answer), url)
    try:
        return json.loads(answer.data)
    except ValueError as error:
        finding = Finding("what answers there is no model server", url, "check the address")
        raise Unreachable(finding) from error


def _reason(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        said = json.loads(answer.data)
        return str(said.get("error") or said.get("message") or said["detail"])
    except (ValueError, KeyError, AttributeError):
        return answer.reason or "no reason given"
