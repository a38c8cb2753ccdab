"""Finding a model and bringing it here: folders, buckets, MLflow's URIs; and all ways in which that fails."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import mlflow
import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from pipelines.sdk.errors import PipelineError, report
from pipelines.sdk.serving.models import bucket as downloads
from pipelines.sdk.serving.models import scratch, source
from pipelines.sdk.serving.models.served import load
from tests import buckets
from tests.conftest import ROOT

TABLE = pd.DataFrame({"temp": [1.0, 2.0, 3.0]})


def fitted() -> LinearRegression:
    return LinearRegression().fit(TABLE, [2.0, 4.0, 6.0])


def save(folder: Path, **options) -> Path:
    options = {"serialization_format": "skops", "pip_requirements": ["scikit-learn"], **options}
    mlflow.sklearn.save_model(fitted(), str(folder), input_example=TABLE, **options)
    return folder


def files_of(folder: Path, below: str) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {f"{below}{path.relative_to(folder)}": path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save(tmp_path_factory.mktemp("loading") / "weather")


@pytest.fixture
def broken(model, tmp_path) -> Path:
    """A copy of the model, to be spoilt."""
    return Path(shutil.copytree(model, tmp_path / "broken"))


@pytest.fixture(scope="module")
def storage(model) -> Iterator[str]:
    """Address of a bucket with a model, one below another folder, two side by side, and what is no model."""
    objects = {
        **files_of(model, "models/weather/"),
        **files_of(model, "run/artifacts/model/"),
        **files_of(model, "many/a/"),
        **files_of(model, "many/b/"),
        "models/weather/": b"",  # as the console makes folders
        "notes/read.me": b"no model",
    }
    with buckets.emulator(objects) as address:
        yield address


@pytest.fixture
def bucket(storage, monkeypatch, tmp_path) -> str:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return "gs://weather"


def refusal(model_uri: str | Path) -> str:
    with pytest.raises(PipelineError) as caught:
        load(str(model_uri), "weather")
    text = report(caught.value)
    assert "Traceback" not in text
    return text


def answer(model_uri: str | Path) -> list[float]:
    return list(load(str(model_uri), "weather").predict(TABLE, None))


def run(code: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    "form", ["{}", "{}/", "file:{}", "file://{}", "file://localhost{}/", "{}/../weather"]
)
def test_a_folder_is_a_model_however_it_is_written(model, form):
    assert answer(form.format(model)) == pytest.approx([2, 4, 6])
    assert source.identify(form.format(model)).model_id == source.identify(str(model)).model_id != ""


def test_a_file_uri_may_have_escaped_characters(model, tmp_path):
    folder = shutil.copytree(model, tmp_path / "my models" / "ü")
    assert answer(Path(folder).as_uri()) == pytest.approx([2, 4, 6])


def test_a_folder_is_the_model_below_it_where_there_is_exactly_one(model, tmp_path):
    shutil.copytree(model, tmp_path / "artifacts" / "model")
    assert answer(tmp_path / "artifacts") == pytest.approx([2, 4, 6])
    shutil.copytree(model, tmp_path / "artifacts" / "other")
    assert "several models in it: model, other" in refusal(tmp_path / "artifacts")


def test_what_is_no_folder_of_a_model_is_named(model, tmp_path):
    for gone in (tmp_path / "gone", "file:///gone", "file://[::/gone", "gone"):
        assert "there is no such folder" in refusal(gone)
    assert "this is a file, and a model is a folder" in refusal(model / "MLmodel")
    assert "there is no MLmodel in it" in refusal(tmp_path)
    assert "it cannot be read: File name too long" in refusal("a" * 300)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be read"),
        (b"flavors: [", "cannot be read"),
        (b"just text", "cannot be read"),
        (b"- a\n- list\n", "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"flavors: 3\n", "cannot be read"),
        (b"run_id: a\n", "no python_function flavor"),
        (b"flavors: {}\n", "no python_function flavor"),
        (b"flavors:\n  python_function: {}\n", "cannot be loaded"),
        (
            b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\nmetadata: 3\n",
            "cannot be loaded",
        ),
        (b"flavors:\n  python_function:\n    loader_module: no_such_module\n", "No module named"),
    ],
)
def test_an_mlmodel_that_is_none_is_one_clear_error(broken, content, why):
    (broken / "MLmodel").write_bytes(content)
    assert why in refusal(broken)


def test_a_missing_model_file_is_said(broken):
    (broken / "model.skops").unlink()
    assert "the model is not whole" in refusal(broken)


def test_a_cut_off_model_file_is_an_error(broken):
    whole = (broken / "model.skops").read_bytes()
    (broken / "model.skops").write_bytes(whole[: len(whole) // 2])
    assert "the model cannot be loaded" in refusal(broken)


def test_a_pickle_of_a_module_that_is_not_here_names_it(tmp_path):
    folder = save(tmp_path / "pickled", serialization_format="pickle")
    (folder / "model.pkl").write_bytes(b"cno_such_module\nThing\n.")
    with pytest.raises(ModuleNotFoundError):
        pickle.loads((folder / "model.pkl").read_bytes())
    text = refusal(folder)
    assert "No module named 'no_such_module'" in text and "code_paths" in text


def test_types_that_the_model_does_not_trust_are_refused(tmp_path):
    trees = "sklearn.tree._tree.Tree"
    folder = tmp_path / "trees"
    mlflow.sklearn.save_model(
        DecisionTreeRegressor().fit(TABLE, [1, 2, 3]),
        str(folder),
        serialization_format="skops",
        skops_trusted_types=[trees],
        pip_requirements=["scikit-learn"],
    )
    assert load(str(folder), "weather").model_id
    card = yaml.safe_load((folder / "MLmodel").read_text())
    card["flavors"]["sklearn"]["skops_trusted_types"] = []
    (folder / "MLmodel").write_text(yaml.safe_dump(card))
    text = refusal(folder)
    assert trees in text and "skops_trusted_types" in text


def test_a_model_without_signature_and_example_is_served(tmp_path):
    folder = tmp_path / "bare"
    mlflow.sklearn.save_model(fitted(), str(folder), pip_requirements=["scikit-learn"])
    assert not load(str(folder), "weather").signature.columns


@pytest.mark.parametrize("path", ["models/weather", "models/weather/", "run/artifacts"])
def test_a_model_comes_from_a_bucket(bucket, path):
    assert answer(f"{bucket}/{path}") == pytest.approx([2, 4, 6])
    assert source.identify(f"{bucket}/{path}").uri == f"{bucket}/{path}"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("gs://weather/models/gone", "there is no such object, and nothing below models/gone/"),
        ("gs://nowhere/models/weather", "there is no such bucket"),
        ("gs://weather/models/weather/MLmodel", "this is a file, and a model is a folder"),
        ("gs://weather/notes", "there is no MLmodel in it"),
        ("gs://weather/many", "several models in it: a, b"),
        ("gs://", "names no bucket"),
        ("gs:///models", "names no bucket"),
    ],
)
@pytest.mark.usefixtures("bucket")
def test_what_a_bucket_does_not_have_is_named_and_leaves_nothing(uri, why, tmp_path):
    assert why in refusal(uri)
    assert not list(tmp_path.iterdir())


@contextmanager
def faulty(upstream: str, faults: int) -> Iterator[tuple[str, list[str]]]:
    """A proxy of a bucket's server that damages so many downloads on their way.

    Yields:
        Its address, and the downloads that it was asked for.
    """
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                with urlopen(Request(f"{upstream}{self.path}"), timeout=10) as found:
                    status, body, media = found.status, found.read(), found.headers["Content-Type"]
            except HTTPError as error:
                status, body, media = error.code, error.read(), "application/json"
            self.send_response(status)
            self.send_header("Content-Type", media or "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            if "alt=media" in self.path and status == 200:
                asked.append(self.path)
                if len(asked) <= faults:
                    self.send_header("X-Goog-Hash", "crc32c=AAAAAA==")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_download_that_arrives_damaged_is_made_again(bucket, storage, model, monkeypatch):
    with faulty(storage, faults=1) as (address, asked):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        assert answer(f"{bucket}/models/weather") == pytest.approx([2, 4, 6])
    assert len(asked) == 1 + len(files_of(model, ""))


def test_a_network_that_stays_broken_is_said_after_some_attempts(bucket, storage, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "_PAUSE_SECONDS", 0.01)
    with faulty(storage, faults=1000) as (address, asked):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        assert "DataCorruption" in refusal(f"{bucket}/models/weather")
    assert len(asked) == downloads.ATTEMPTS
    assert not list(tmp_path.iterdir())


KEEPS = """
import os, sys
from pipelines.sdk.serving.models.source import keep
found = keep(sys.argv[1])
assert found.folder.is_dir()
worker = os.fork()
if not worker:
    sys.exit(0)  # a worker's end runs what is registered for the exit, too
os.waitpid(worker, 0)
print(found.folder)
assert (found.folder / "MLmodel").is_file()
print(found.folder)
"""


def test_a_download_is_there_until_its_process_ends_whatever_its_workers_do(bucket, storage, tmp_path):
    done = run(KEEPS, f"{bucket}/models/weather", STORAGE_EMULATOR_HOST=storage, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.split()[0]).is_relative_to(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_server_leaves_goes_when_the_next_one_starts(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = """
import os, time
from pipelines.sdk.serving.models.scratch import scratch_folder
with scratch_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""
    killed, living = (
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    )
    try:
        left, used = (Path(process.stdout.readline().strip()) for process in (killed, living))
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        hour = time.time() - 3600
        for folder in (left, used):
            os.utime(folder.parent / "lock", (hour, hour))
        with scratch.scratch_folder():
            assert not left.parent.exists() and used.is_dir()
    finally:
        for process in (killed, living):
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture(scope="module")
def registry(model, tmp_path_factory) -> Iterator[tuple[str, str, str]]:
    """Address of an MLflow server that passes artifacts on, and the ids of a model in it and of its run."""
    home = tmp_path_factory.mktemp("mlflow")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [*server, "--backend-store-uri", f"sqlite:///{home}/db", "--artifacts-destination", f"{home}/files"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )
    try:
        until = time.monotonic() + 120
        while not healthy(address):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", address)
            with mlflow.start_run() as step:
                info = mlflow.sklearn.log_model(
                    fitted(),
                    name="model",
                    input_example=TABLE,
                    serialization_format="skops",
                    pip_requirements=["scikit-learn"],
                    registered_model_name="weather",
                )
            mlflow.MlflowClient().set_registered_model_alias("weather", "champion", "1")
        yield address, info.model_id, step.info.run_id
    finally:
        process.terminate()
        process.wait()


def healthy(address: str) -> bool:
    try:
        urlopen(f"{address}/health", timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "form", ["models:/{model}", "models:/weather@champion", "models:/weather/1", "runs:/{run}/model"]
)
def test_a_model_comes_from_an_mlflow_server(registry, form, monkeypatch, tmp_path):
    address, model_id, run_id = registry
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    uri = form.format(model=model_id, run=run_id)
    assert source.identify(uri) == source.Identity(f"models:/{model_id}", model_id)
    assert answer(uri) == pytest.approx([2, 4, 6])


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("models:/weather@nobody", "alias nobody not found"),
        ("models:/weather/99", "version=99) not found"),
        ("models:/nothing/1", "name=nothing not found"),
        ("models:/m-00000000000000000000000000000000", "not found"),
        ("runs:/00000000000000000000000000000000/model", "not found"),
        ("runs:/{run}/nothing", "ensure that the path is correct"),
        ("models:/", "Not a proper models:/ URI"),
        ("abc://x/y", "Could not find a registered artifact repository"),
    ],
)
def test_what_an_mlflow_server_does_not_have_is_named_with_the_server(registry, uri, why, monkeypatch):
    address, _, run_id = registry
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    text = refusal(uri.format(run=run_id))
    assert why in text and address in text
    with pytest.raises(PipelineError):
        source.identify(uri.format(run=run_id))
