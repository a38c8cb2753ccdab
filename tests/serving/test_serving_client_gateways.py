"""The client and what stands between it and a server on a cluster: names, certificates, tokens, redirects."""

import socket
import threading

import pytest

from pipelines.sdk.errors import Unreachable, UsageError
from pipelines.sdk.serving import client
from pipelines.sdk.serving.client import Connection
from tests.serving.gateway import authority, certificate, gateway

TABLE = {"columns": ["temp", "rain"], "data": [[12.8, True], [3.5, None]]}
NAME = "station-ml.example.com"


def ask(connection, protocol="invocations"):
    return client.ask(connection, TABLE, protocol=protocol, model="station").predictions


@pytest.fixture
def expected(station):
    return station.ask("/invocations", TABLE).json["predictions"]


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server_pem(ca):
    return certificate(ca, NAME)


@pytest.mark.parametrize("protocol", ["invocations", "v2", "v1"])
@pytest.mark.parametrize("given", [NAME, f"http://{NAME}", f"https://{NAME}/"])
def test_behind_a_gateway_the_service_is_found_by_its_name(station, expected, protocol, given):
    with gateway(station.port, host=NAME) as front:
        assert ask(Connection(front.url, given), protocol) == expected
        assert set(front.hosts) == {NAME}


def test_without_the_name_the_gateway_finds_nothing_and_the_error_says_why(station):
    with gateway(station.port, host=NAME) as front:
        with pytest.raises(UsageError, match=r"\(404\): Not Found\n.*--host"):
            ask(Connection(front.url))
        with pytest.raises(UsageError, match=r"\(404\): Not Found\n.*are --host and --model-name right"):
            ask(Connection(front.url, "other.example.com"))


def test_with_https_the_name_is_asked_for_and_the_certificate_must_be_for_it(
    station, expected, ca, server_pem
):
    with gateway(station.port, host=NAME, certificate=server_pem) as front:
        assert ask(Connection(front.url, NAME, ca.file)) == expected
        assert front.names == [NAME]
        with pytest.raises(Unreachable, match=r"not trusted: .*mismatch.*\n.*with --host"):
            ask(Connection(front.url, "other.example.com", ca.file))
        with pytest.raises(Unreachable, match=r"not trusted: .*not valid for '127.0.0.1'\n.*with --host"):
            ask(Connection(front.url, "", ca.file))
        assert len(front.hosts) == 1  # the others got no further than TLS


def test_a_port_in_the_name_is_for_http_alone(station, expected, ca, server_pem):
    with gateway(station.port, certificate=server_pem) as front:
        assert ask(Connection(front.url, f"{NAME}:8443", ca.file)) == expected
        assert (front.names, front.hosts) == ([NAME], [f"{NAME}:8443"])


def test_a_certificate_for_the_address_needs_no_name(station, expected, ca):
    with gateway(station.port, certificate=certificate(ca, "127.0.0.1", "localhost")) as front:
        assert ask(Connection(front.url, "", ca.file)) == expected
        assert ask(Connection(front.url.replace("127.0.0.1", "localhost"), "", ca.file)) == expected


def test_a_certificate_of_another_authority_is_not_trusted(station, ca, server_pem, tmp_path):
    with gateway(station.port, certificate=server_pem) as front:
        for ca_file in (authority(tmp_path, "other").file, None):
            with pytest.raises(Unreachable, match=r"not trusted: .*\n.*--ca-file"):
                ask(Connection(front.url, NAME, ca_file))


def test_a_ca_file_that_is_none_is_refused_by_name(tmp_path):
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "text.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    for name, words in (("gone", "cannot be read: No such file"), ("empty", "no cert"), ("text", "no cert")):
        with pytest.raises(UsageError, match=rf"{name}\.pem: .*{words}"):
            ask(Connection("https://127.0.0.1:1", "", tmp_path / f"{name}.pem"))


def test_https_where_http_is_spoken_says_so(station):
    with pytest.raises(Unreachable, match=r"no TLS connection: .*\n.*http, without s"):
        ask(Connection(station.url.replace("http:", "https:")))


def test_a_token_opens_the_gateway_and_a_wrong_one_does_not(station, expected):
    with gateway(station.port, token="s3cret") as front:
        assert ask(Connection(front.url, token="s3cret"), "v2") == expected
        with pytest.raises(UsageError, match=r"\(401\): invalid token\n.*still valid") as wrong:
            ask(Connection(front.url, token="guess"))
        assert "guess" not in str(wrong.value)
        with pytest.raises(UsageError, match=r"\(401\): invalid token\n.*--token-file"):
            ask(Connection(front.url))


def test_a_redirect_is_not_followed_so_that_a_token_goes_nowhere_else(station):
    with (
        gateway(station.port) as elsewhere,
        gateway(station.port, redirect=f"{elsewhere.url}/invocations") as front,
    ):
        with pytest.raises(Unreachable, match=rf"sends us on to {elsewhere.url}/invocations \(307\)"):
            ask(Connection(front.url, token="s3cret"))
        assert elsewhere.hosts == []


def test_a_proxy_is_asked_for_what_is_not_on_this_machine(station, expected, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        heads = []

        def serve():
            client_side, _ = proxy.accept()
            with client_side:
                heads.append(client_side.recv(65536).partition(b"\r\n")[0])
                body = b'{"predictions": [1.0, 2.0]}'
                client_side.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        assert ask(Connection("http://station-ml.example.com")) == [1.0, 2.0]
        thread.join()
    assert heads == [b"POST http://station-ml.example.com/invocations HTTP/1.1"]


@pytest.mark.parametrize("host", ["a b", "a\r\nX: y", "a/b", "ä.example.com", "http://", "user@a"])
def test_a_name_that_is_none_is_refused(host):
    with pytest.raises(UsageError, match="no name of a host"):
        ask(Connection("http://127.0.0.1:1", host))


@pytest.mark.parametrize("token", ["a\r\nX: y", "töken", "two words"])
def test_a_token_that_is_none_is_refused_and_not_repeated(token):
    with pytest.raises(UsageError, match="has characters that no token has") as refused:
        ask(Connection("http://127.0.0.1:1", token=token))
    assert token not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://127.0.0.1:x",
        "http://[::1",
        "http://a:99999",
        "http://a b",
        "http://a/?b=c",
        "ftp://a",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UsageError):
        ask(Connection(url))


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(UsageError, match="user or password") as refused:
        ask(Connection("http://me:hidden@127.0.0.1:1"))
    assert "hidden" not in str(refused.value)


def test_a_prefix_of_the_address_is_kept(station):
    with pytest.raises(UsageError, match=r"nothing at '/mlserve/invocations'"):
        ask(Connection(f"{station.url}/mlserve/"))
