"""A server process from its start to its end."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import mlflow
import pytest

from tests.serving.conftest import ROOT, start

GOOD = {"columns": ["temp"], "data": [[12.8]]}


def run(*arguments):
    """A server that is expected to end by itself."""
    command = [sys.executable, "-m", "pipelines.sdk.serving", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)


def until(condition):
    """Wait for it; a minute at most."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_request_under_way_is_answered_before_sigterm_ends_the_server(launch, models, tmp_path):
    server = launch(models / "echo", "--drain", "0.2")
    answers = []
    begun = tmp_path / "begun"
    body = {**GOOD, "params": {"do": f"sleep {begun}", "seconds": 2.0}}
    asked = threading.Thread(target=lambda: answers.append(server.ask("/invocations", body)))
    asked.start()
    until(begun.exists)
    # A model that takes its time keeps nobody else waiting.
    assert server.ask("/v2/health/ready").status == 200
    assert not answers
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
    asked.join()
    assert [(answer.status, answer.json) for answer in answers] == [(200, {"predictions": [{"temp": 12.8}]})]


def test_a_draining_server_is_not_ready_still_answers_and_closes_connections(launch, models):
    server = launch(models / "echo", "--drain", "20")
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    kept.request("GET", "/v2/health/ready")
    first = kept.getresponse()
    assert (first.status, json.load(first), first.getheader("connection")) == (200, {"ready": True}, None)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.ask("/v2/health/ready").status != 200)
    answer = server.ask("/v2/health/ready")
    assert (answer.status, answer.json, answer.headers["connection"]) == (503, {"ready": False}, "close")
    kept.request("POST", "/invocations", json.dumps(GOOD), {"Content-Type": "application/json"})
    last = kept.getresponse()
    assert (last.status, last.getheader("connection")) == (200, "close")
    # Asked again it does not hurry; Ctrl-C it does.
    server.process.send_signal(signal.SIGTERM)
    assert server.ask("/v2/health/live").status == 200
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=15) == 0


def test_no_request_of_a_busy_client_that_connects_anew_when_told_is_lost(launch, models):
    server = launch(models / "echo", "--drain", "1")
    statuses, ended = [], threading.Event()

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        while not ended.is_set():
            connection.request("POST", "/invocations", json.dumps(GOOD), {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
            if response.getheader("connection") == "close":
                return

    clients = [threading.Thread(target=client) for _ in range(8)]
    for each in clients:
        each.start()
    until(lambda: len(statuses) > 100)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
    ended.set()
    for each in clients:
        each.join()
    assert set(statuses) == {200}


def test_ctrl_c_ends_the_server_with_0_and_no_trace(launch, models):
    server = launch(models / "station")
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=30) == 0
    assert "Traceback" not in server.log.read_text()


def test_it_listens_on_this_machine_only(station):
    lines = Path(f"/proc/{station.process.pid}/net/tcp").read_text().splitlines()[1:]
    listening = {line.split()[1] for line in lines if line.split()[3] == "0A"}
    assert f"0100007F:{station.port:04X}" in listening
    assert f"00000000:{station.port:04X}" not in listening


def test_a_folder_that_is_not_there_is_one_clear_error():
    ended = run("/no/such/model")
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "error: /no/such/model: there is no such folder" in ended.stderr


def test_a_folder_without_a_model_is_one_clear_error(tmp_path):
    ended = run(tmp_path)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "there is no MLmodel in it" in ended.stderr


def test_a_port_that_is_taken_is_said_before_the_model_is_loaded():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("/no/such/model", "--port", port)
    assert ended.returncode == 4
    assert f"127.0.0.1:{port}: cannot listen there" in ended.stderr


def test_a_model_that_cannot_answer_its_own_example_is_never_ready(models, tmp_path):
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-r", str(models / "station"), str(broken)], check=True)
    example = json.loads((broken / "input_example.json").read_text())
    example["columns"] = ["nothing"]
    (broken / "input_example.json").write_text(json.dumps(example))
    process, port_file, log = start(broken, tmp_path)
    assert process.wait(timeout=90) == 1
    assert not port_file.exists()
    assert "the model cannot answer its own input example" in log.read_text()


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A real MLflow store with the station model logged, registered and aliased."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.create_experiment("e", artifact_location=str(tmp_path / "artifacts"))
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", experiment)
    yield uri
    # None and not what was there: MLflow would take its own default for somebody's choice from then on.
    mlflow.set_tracking_uri(None)


def test_a_model_of_the_registry_is_served_by_alias_id_and_run(registry, launch, models):
    inner = mlflow.sklearn.load_model(str(models / "station"))
    with mlflow.start_run() as active:
        logged = mlflow.sklearn.log_model(
            inner,
            name="model",
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
            registered_model_name="weather",
            code_paths=[str(ROOT / "tests/serving/station_features.py")],
        )
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("weather", "champion", "1")
    for uri in (
        "models:/weather@champion",
        f"models:/{logged.model_id}",
        f"runs:/{active.info.run_id}/model",
    ):
        server = launch(uri, "--name", "weather")
        parameters = server.ask("/v2/models/weather").json["parameters"]
        assert (parameters["model_id"], parameters["run_id"]) == (logged.model_id, active.info.run_id)
        server.process.kill()


def test_a_server_that_still_loads_ends_at_once_with_0(models, tmp_path):
    process, port_file, log = start(models / "station", tmp_path)
    until(lambda: signal_is_caught(process.pid, signal.SIGTERM))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert not port_file.exists()
    assert log.read_text() == ""


def signal_is_caught(pid, number):
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)
