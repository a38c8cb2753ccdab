"""The end of every pipeline run: closed, cleared, said; with a real receiver of webhooks."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from kfp.dsl import PipelineTaskFinalStatus

from components.notify import notify
from components.support.tracking import step_run


def final(state: str, error: str | None = None) -> PipelineTaskFinalStatus:
    return PipelineTaskFinalStatus(
        state=state,
        pipeline_job_resource_name="job",
        pipeline_task_name="exit-handler-1",
        error_code=None,
        error_message=error,
    )


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """An address and what was posted to it; below `/broken` it answers 500."""
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.headers["Content-Type"], json.loads(body)))
            self.send_response(500 if self.path.startswith("/broken") else 204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_the_webhook_gets_one_message_and_the_mlflow_run_is_closed(store, monkeypatch, receiver):
    url, received = receiver
    monkeypatch.setenv("NOTIFY_WEBHOOK_URL", f"{url}/hook")
    with step_run("train-model"):
        pass

    notify.python_func(final("FAILED", "train-model: no space left"), "weather")

    ((kind, message),) = received
    assert kind == "application/json"
    parent = store.get_run(message.pop("mlflow_run"))
    assert parent.info.status == "FAILED"
    assert message == {
        "text": "train run-1: FAILED - train-model: no space left",
        "pipeline": "train",
        "run_id": "run-1",
        "state": "FAILED",
        "error": "train-model: no space left",
    }


@pytest.mark.parametrize(
    "address", ["{url}/broken/s3cret", "http://127.0.0.1:9/s3cret", "s3cret", "file:///s3cret"]
)
def test_a_webhook_that_fails_is_logged_without_its_address_and_fails_nothing(
    store, monkeypatch, receiver, caplog, address
):
    monkeypatch.setenv("NOTIFY_WEBHOOK_URL", address.format(url=receiver[0]))

    with caplog.at_level(logging.INFO):
        notify.python_func(final("SUCCEEDED"), "weather")

    assert "could not call NOTIFY_WEBHOOK_URL" in caplog.text
    assert "s3cret" not in caplog.text


def test_where_nothing_ran_there_is_only_the_message(store, caplog):
    with caplog.at_level(logging.INFO):
        notify.python_func(final("SUCCEEDED"), "weather")

    assert "train run-1: SUCCEEDED" in caplog.text
    assert "could not" not in caplog.text
    assert store.get_experiment_by_name("train") is None


def test_an_mlflow_server_that_is_gone_does_not_keep_the_message_back(store, monkeypatch, receiver, caplog):
    import mlflow

    mlflow.set_tracking_uri("http://127.0.0.1:9")
    monkeypatch.setenv("NOTIFY_WEBHOOK_URL", receiver[0])

    with caplog.at_level(logging.INFO):
        notify.python_func(final("FAILED"), "weather")

    assert "could not close the MLflow run" in caplog.text
    assert [message["state"] for _, message in receiver[1]] == ["FAILED"]
