"""Artifacts that are elsewhere: fetched before a step reads them, and said where they cannot be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.buckets import emulator
from tests.conftest import Finished, Sdk
from tests.local import steps


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a real server of the storage API."""
    objects = {"daily/what is? ü.csv": "rain", "model/MLmodel": "flavors", "model/data/weights.bin": "123"}
    with emulator(objects) as address:
        yield address


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "data.csv").write_text("sun")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(sdk: Sdk, file: str, uri: str, *options: str, **env: str):
    quick = {"NO_GCE_CHECK": "true", "HOME": str(sdk.home)}  # or Google's library looks for a metadata server
    return sdk("run", file, "--json", "-p", f"uri={uri}", *options, **quick, **env)


def test_an_object_is_read_by_its_path(sdk: Sdk, compiled, bucket):
    finished = run(
        sdk, compiled(steps.imports_text), "gs://weather/daily/what is? ü.csv", STORAGE_EMULATOR_HOST=bucket
    )
    assert finished.json["outputs"] == {"uri": "gs://weather/daily/what is? ü.csv", "text": "rain"}


@pytest.mark.parametrize("slash", ["", "/"])
def test_what_is_below_a_prefix_is_a_folder(slash, sdk: Sdk, compiled, bucket):
    file, uri = compiled(steps.imports_folder), f"gs://weather/model{slash}"
    finished = run(sdk, file, uri, STORAGE_EMULATOR_HOST=bucket.removeprefix("http://"))
    assert finished.json["outputs"] == {"Output": ["MLmodel", "data/weights.bin"]}


def test_a_web_page_is_read_by_its_path(sdk: Sdk, compiled, web):
    finished = run(sdk, compiled(steps.imports_text), f"{web}/data.csv")
    assert finished.json["outputs"] == {"uri": f"{web}/data.csv", "text": "sun"}


def test_the_content_decides_whether_an_earlier_result_stands(sdk: Sdk, compiled, web, tmp_path):
    file = compiled(steps.imports_text)

    def text() -> tuple[str, bool]:
        finished = run(sdk, file, f"{web}/data.csv")
        return finished.json["outputs"]["text"], finished.task("read-text")["cached"]

    assert [text(), text()] == [("sun", False), ("sun", True)]
    (tmp_path / "site" / "data.csv").write_text("snow")
    assert text() == ("snow", False)


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("gs://weather/gone.csv", "there is no such object"),
        ("gs://elsewhere/data.csv", "there is no such bucket"),
        ("gs://weather/../../../etc/passwd", "leads out of its bucket"),
        ("http://127.0.0.1:9/data.csv", "Connection refused"),
    ],
)
def test_what_cannot_be_fetched_is_said_by_the_step_that_fails_for_it(uri, why, sdk: Sdk, compiled, bucket):
    command = ("run", compiled(steps.imports_text), "--json", "-p", f"uri={uri}")
    out, _ = sdk.start(*command, STORAGE_EMULATOR_HOST=bucket).communicate(timeout=60)
    message = Finished(1, out, "").task("read-text")["message"]
    assert f"{uri} could not be fetched" in message
    assert why in message


def test_a_step_that_needs_no_more_than_the_address_runs_without_the_content(sdk: Sdk, compiled):
    finished = run(
        sdk, compiled(steps.imports_address), "gs://weather/gone", STORAGE_EMULATOR_HOST="127.0.0.1:9"
    )
    assert finished.json["outputs"] == {"Output": "gs://weather/gone"}


def test_a_path_that_a_step_chose_in_a_bucket_reaches_the_next_step(sdk: Sdk, compiled):
    finished = run(
        sdk, compiled(steps.passes_on), "gs://weather/made-here", STORAGE_EMULATOR_HOST="127.0.0.1:9"
    )
    assert finished.json["outputs"] == {"Output": "made"}


def test_a_command_finds_what_was_fetched(sdk: Sdk, compiled, bucket, tmp_path):
    finished = run(
        *(sdk, compiled(steps.copies), "gs://weather/daily/what is? ü.csv", "--host"),
        *("-p", f"target={tmp_path / 'copy'}"),
        STORAGE_EMULATOR_HOST=bucket,
    )
    assert finished.code == 0, finished.err
    assert (tmp_path / "copy").read_text() == "rain"


def test_an_import_to_the_workspace_is_a_copy(sdk: Sdk, compiled, tmp_path):
    original = tmp_path / "original.csv"
    original.write_text("rain")
    finished = run(sdk, compiled(steps.imports_to_workspace), str(original))
    assert finished.json["outputs"] == {"Output": "rain"}
    assert original.read_text() == "rain", "the step has overwritten its copy"
