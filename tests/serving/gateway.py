"""A gateway as clusters have one: TLS, services by name, a token; a real server answers behind it."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Authority:
    """A certificate authority.

    Args:
        file: its certificate.
        key: its private key.
        certificate: the same as `file`.
    """

    file: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def _builder(name, key, issuer):
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def authority(folder: Path, title: str = "CA") -> Authority:
    """An authority that nobody knows yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = _builder(name, key, name).add_extension(x509.BasicConstraints(True, 0), critical=True)
    certificate = made.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    file = folder / f"{title}.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(file, key, certificate)


def certificate(ca: Authority, *names: str) -> Path:
    """A server's certificate and key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    known = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
    )
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    made = (
        _builder(subject, key, ca.certificate.subject)
        .add_extension(known, critical=False)
        .add_extension(signer, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    file = ca.file.with_name(f"{'-'.join(names)}.pem".replace("*", "any"))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(*pem) + made.public_bytes(serialization.Encoding.PEM))
    return file


@dataclass(frozen=True)
class Gateway:
    """A running gateway.

    Args:
        port: on 127.0.0.1.
        scheme: http or https.
        names: that clients asked for in TLS, in order.
        hosts: that clients named in HTTP, in order.
    """

    port: int
    scheme: str
    names: list[str | None] = field(default_factory=list)
    hosts: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


@contextmanager
def gateway(
    backend: int, *, host: str = "", token: str = "", certificate: Path | None = None, redirect: str = ""
) -> Iterator[Gateway]:
    """A gateway before a server on this machine.

    Args:
        backend: port of that server.
        host: name of the one service; another is not found, with an empty answer as Envoy gives it.
        token: that a request must bear; empty for none.
        certificate: file with certificate and key; None for plain http.
        redirect: where every request is sent on to; empty for nowhere.
    """

    class Front(BaseHTTPRequestHandler):
        def do_GET(self):
            found.hosts.append(self.headers["host"])
            body = self.rfile.read(int(self.headers.get("content-length", 0))) or None
            if redirect:
                return self._answer(307, b"", location=redirect)
            if host and self.headers["host"] != host:
                return self._answer(404, b"")
            if token and self.headers["authorization"] != f"Bearer {token}":
                return self._answer(401, json.dumps({"detail": "invalid token"}).encode())
            connection = http.client.HTTPConnection("127.0.0.1", backend, timeout=30)
            sent = {"content-type": self.headers["content-type"]} if body else {}
            connection.request(self.command, self.path, body, sent)
            answer = connection.getresponse()
            self._answer(answer.status, answer.read())
            connection.close()

        do_POST = do_GET

        def _answer(self, status, body, **headers):
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        server.handle_error = lambda *arguments: None  # a client that does not trust it hangs up
        found = Gateway(server.server_port, "https" if certificate else "http")
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            context.sni_callback = lambda socket, name, context: found.names.append(name)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
