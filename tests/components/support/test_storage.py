import os
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.ingest_data import ingest_data
from components.support import storage
from components.support.errors import StepFailed
from components.support.fetching import Limits

CSV = b"date,temp_max\n2012/01/01,12.8\n"
HASTY = Limits(bytes=1000, attempts=3, pause_seconds=0.01, timeout_seconds=0.5, deadline_seconds=1)


class Web(BaseHTTPRequestHandler):
    """A server whose paths say how it behaves; it counts what it was asked."""

    asked: Counter[str]

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.asked[path] += 1
        if path == "/slow-to-wake.csv" and self.asked[path] < 3:
            self.answer(503)
        elif path in ("/data.csv", "/slow-to-wake.csv"):
            self.answer(200, CSV)
        elif path.removeprefix("/status/").isdecimal():
            self.answer(int(path.removeprefix("/status/")), b"no")
        elif path == "/moved":
            self.answer(302, location="/data.csv")
        elif path == "/round":
            self.answer(302, location="/round")
        elif path == "/elsewhere":
            self.answer(302, location="ftp://127.0.0.1/data.csv")
        elif path == "/cut":
            self.answer(200, CSV, length=500)
        elif path == "/large":
            self.answer(200, b"", length=1001)
        elif path == "/endless":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 100_000)
        elif path == "/drip":
            self.drip()

    def answer(self, status, body=b"", length=None, location=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def drip(self):
        self.send_response(200)
        self.end_headers()
        stop = threading.Event()
        try:
            while not stop.wait(0.05):
                self.wfile.write(b"x")
                self.wfile.flush()
        except OSError:
            pass  # the client has gone

    def log_message(self, *args):
        pass


@pytest.fixture
def web():
    handler = type("CountingWeb", (Web,), {"asked": Counter()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked = handler.asked
        server.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def why(source, limits=HASTY):
    with pytest.raises(StepFailed) as failure:
        storage.read(source, limits)
    return str(failure.value)


def test_nothing_named_is_the_dataset_of_the_project():
    shipped = storage.read("")
    assert shipped.startswith(b"date,precipitation,temp_max,temp_min,wind,weather\n2012/01/01")
    assert shipped.count(b"\n") == 1462


def test_a_file_is_read_by_its_path(tmp_path, monkeypatch):
    (tmp_path / "ü b.csv").write_bytes(CSV)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (str(tmp_path / "ü b.csv"), "ü b.csv", "~/ü b.csv", " ü b.csv "):
        assert storage.read(source) == CSV


def test_a_file_that_is_not_there_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"{tmp_path}/none.csv: there is no such file" in why("none.csv")


def test_a_folder_is_no_file(tmp_path):
    assert f"{tmp_path}: is a folder" in why(str(tmp_path))


def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in why(str(tmp_path / "pipe"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    (tmp_path / "secret.csv").touch(mode=0o000)
    assert "may not be read" in why(str(tmp_path / "secret.csv"))


@pytest.mark.parametrize("source", ["a\0b", "x" * 5000])
def test_an_impossible_path_is_a_clear_error(source):
    assert "cannot be read" in why(source)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "large.csv").write_bytes(b"x" * 1001)
    assert "has more than 1000 bytes" in why(str(tmp_path / "large.csv"))


def test_an_unknown_kind_of_address_says_which_are_known():
    assert "s3:// is not supported" in why("s3://bucket/data.csv")
    assert "https:// or gs://" in why("s3://bucket/data.csv")


def test_a_file_is_read_from_the_web(web):
    assert storage.read(f"{web.address}/data.csv") == CSV
    assert storage.read(f"{web.address.upper()}/moved?x=1#y") == CSV


def test_the_component_records_an_address_without_its_secrets(web, output):
    data = output("data")
    address = web.address.replace("http://", "http://user:word@")
    result = ingest_data.python_func(data=data, source=f"{address}/data.csv?signature=abc")
    assert (result[0], Path(data.path).read_bytes()) == (1, CSV)
    assert data.metadata["source"] == f"{web.address}/data.csv"


def test_a_server_that_is_busy_is_asked_again(web):
    assert storage.read(f"{web.address}/slow-to-wake.csv", HASTY) == CSV
    assert web.asked["/slow-to-wake.csv"] == 3


def test_a_server_that_stays_busy_is_given_up(web):
    assert "HTTP 503" in why(f"{web.address}/status/503")
    assert web.asked["/status/503"] == HASTY.attempts


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("status/404", "there is no such file (HTTP 404)"),
        ("status/403", "refuses it (HTTP 403)"),
        ("status/204", "HTTP 204"),
        ("round", "redirects without end"),
        ("elsewhere", "is not a valid address"),
        ("cut", "cannot be fetched"),
        ("large", "has more than 1000 bytes"),
        ("endless", "has more than 1000 bytes"),
        ("drip", "bytes in 1 seconds"),
    ],
)
def test_an_answer_that_is_no_file_is_a_clear_error(web, path, what):
    message = why(f"{web.address}/{path}?token=abc")
    assert what in message
    assert f"{web.address}/{path}" in message
    assert "token" not in message


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = why(f"http://127.0.0.1:{silent.getsockname()[1]}/data.csv")
    assert "does not answer in time" in message


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("http://127.0.0.1:1/data.csv", "Connection refused"),
        ("http://nowhere.invalid/data.csv", "nowhere.invalid"),
        ("https://", "is not a valid address"),
        ("http://[::1/data.csv", "is not a valid address"),
        ("http://127.0.0.1:99999/data.csv", "is not a valid address"),
    ],
)
def test_no_network_and_no_address_are_clear_errors(source, what):
    message = why(source)
    assert what in message
    assert "object at 0x" not in message
