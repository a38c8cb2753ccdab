"""`doctor`: what is wrong with a machine, and how to mend it."""

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.sdk.commands import doctor
from tests.conftest import Finished


def rows(ended: Finished) -> dict[str, tuple[str, str]]:
    """State and words by what was looked at; what mends it is part of the words."""
    found = re.findall(r"^(ok|FAIL) +(.+?)  +(.*(?:\n +-> .*)?)$", ended.out, re.M)
    return {name.strip(): (state, words) for state, name, words in found}


def test_doctor_finds_everything_as_it_should_be(command):
    ended = command("doctor")
    looked_at = ("Python", "packages", "PIPELINES_HOME", "MLflow", "containers", "gs:// access")
    assert {name: state for name, (state, _) in rows(ended).items()} == dict.fromkeys(looked_at, "ok")
    assert ended.code == 0


@pytest.mark.parametrize(
    ("env", "name", "words"),
    [
        (
            {"PIPELINES_HOME": "/dev/null/home"},
            "PIPELINES_HOME",
            r"cannot be made in /dev/null\n.*-> set it to a folder",
        ),
        (
            {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"},
            "MLflow",
            r"127.0.0.1:9/health: .*refused\n.*-> start the server",
        ),
        (
            {"MLFLOW_TRACKING_URI": "htp://x"},
            "MLflow",
            r"htp://x is no store\n.*-> set MLFLOW_TRACKING_URI to one of",
        ),
        (
            {"MLFLOW_TRACKING_URI": "sqlite:////none/a.db"},
            "MLflow",
            r"there is no folder /none\n.*-> make the folder",
        ),
        ({"MLFLOW_TRACKING_URI": "http://[x"}, "MLflow", r"-> start the server, or set MLFLOW_TRACKING_URI"),
        (
            {"GOOGLE_APPLICATION_CREDENTIALS": "/none"},
            "gs:// access",
            r"No such file.*\n.*-> set GOOGLE_APPLICATION",
        ),
        ({"GOOGLE_APPLICATION_CREDENTIALS": __file__}, "gs:// access", r"is no JSON\n"),
    ],
)
def test_doctor_says_how_to_mend_what_is_not(env, name, words, command):
    ended = command("doctor", **env)
    state, found = rows(ended)[name]
    assert (ended.code, state) == (4, "FAIL")
    assert re.search(words, found)


def test_doctor_finds_packages_that_are_not_those_of_the_lock(command, monkeypatch, tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# a comment\nclick==0.1 \\\n    --hash=sha256:00\n"
        "no-such-package==1 ; python_version > '3'\nother==1 ; python_version < '3'\n"
    )
    monkeypatch.setattr(doctor, "LOCK", lock)
    state, words = rows(command("doctor"))["packages"]
    assert state == "FAIL"
    assert re.search(
        r"2 differ from the lock: click [\d.]+, no-such-package is missing\n +-> run `make setup`", words
    )
    lock.unlink()
    assert rows(command("doctor"))["packages"] == (
        "ok",
        "not compared: there is no requirements.lock beside the code",
    )


def test_doctor_asks_the_tracking_server(command):
    class Health(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        assert rows(command("doctor", MLFLOW_TRACKING_URI=f"{uri}/"))["MLflow"] == ("ok", f"{uri}/ answers")
        state, words = rows(command("doctor", MLFLOW_TRACKING_URI=f"{uri}/other"))["MLflow"]
        assert (state, "Not Found" in words) == ("FAIL", True)
        server.shutdown()
