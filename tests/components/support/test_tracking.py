"""One parent a pipeline run, however many steps come first: with real processes, on real stores."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from components.support.errors import StepFailed
from components.support.store import experiment_id
from components.support.tracking import close_pipeline_run, record, step_run, tag_pipeline_run
from pipelines.sdk.errors import Finding, UsageError

ROOT = Path(__file__).parents[3]
PARENT = "mlflow.parentRunId"

# All wait for one moment, so that all find no parent.
STEP = """
import sys, time
from components.support.tracking import record, step_run
import mlflow.store.tracking.sqlalchemy_store
time.sleep(max(0, float(sys.argv[2]) - time.time()))
with step_run("step-" + sys.argv[1]):
    record(params={"number": sys.argv[1]}, metrics={"number": float(sys.argv[1])})
"""


def at_once(count: int, env: dict[str, str], lead: float = 12.0) -> None:
    start = str(time.time() + lead)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STEP, str(number), start],
            cwd=ROOT,
            env={**os.environ, **env},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    errors = [process.communicate(timeout=180)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * count, errors


def runs(client: mlflow.MlflowClient, experiment: str = "train") -> tuple[list, list]:
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    parents = [run for run in found if PARENT not in run.data.tags]
    return parents, [run for run in found if PARENT in run.data.tags]


def assert_one_family(client: mlflow.MlflowClient, count: int) -> None:
    parents, steps = runs(client)
    assert len(parents) == 1
    assert parents[0].data.tags["pipeline.run_id"] == "run-1"
    assert sorted(step.data.params["number"] for step in steps) == [str(n) for n in range(count)]
    assert {step.data.tags[PARENT] for step in steps} == {parents[0].info.run_id}
    assert {step.info.status for step in steps} == {"FINISHED"}


@pytest.mark.slow
@pytest.mark.parametrize("lock", [True, False], ids=["on one machine", "on machines without a common lock"])
def test_eight_steps_at_once_have_one_parent(store, lock):
    at_once(8, {} if lock else {"PIPELINES_HOME": ""})

    assert_one_family(store, 8)


@pytest.fixture
def server(tmp_path: Path, empty_store: Path) -> Iterator[str]:
    """A real MLflow server on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "2",
        ),
        *(
            "--backend-store-uri",
            f"sqlite:///{tmp_path}/server.db",
            "--artifacts-destination",
            f"{tmp_path}/files",
        ),
    ]
    (tmp_path / "server.db").write_bytes(empty_store.read_bytes())
    with (tmp_path / "server.log").open("w") as log:
        # Without the seven processes of jobs that nobody has.
        env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.5)
        yield url
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


@pytest.mark.slow
def test_eight_steps_at_once_on_a_server_have_one_parent(store, server):
    at_once(8, {"PIPELINES_HOME": "", "MLFLOW_TRACKING_URI": server})

    assert_one_family(mlflow.MlflowClient(server), 8)


@pytest.mark.slow
def test_six_pipeline_runs_at_once_make_the_experiment_once(store):
    start = str(time.time() + 12)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STEP, str(number), start],
            cwd=ROOT,
            env={**os.environ, "PIPELINE_RUN_ID": f"run-{number}", "MLFLOW_EXPERIMENT_NAME": "new"},
        )
        for number in range(6)
    ]

    assert [process.wait(180) for process in processes] == [0] * 6
    parents, steps = runs(store, "new")
    assert {parent.data.tags["pipeline.run_id"] for parent in parents} == {f"run-{n}" for n in range(6)}
    assert len(parents) == len(steps) == 6
    assert {step.data.tags[PARENT] for step in steps} == {parent.info.run_id for parent in parents}


def test_a_step_that_fails_leaves_a_failed_run(store):
    with pytest.raises(ZeroDivisionError), step_run("divide"):
        1 / 0  # noqa: B018

    assert [step.info.status for step in runs(store)[1]] == ["FAILED"]


def test_what_a_user_can_mend_leaves_the_step_as_a_message(store):
    with pytest.raises(StepFailed, match="too hot") as failed, step_run("bake"):
        raise UsageError(Finding("too hot", "oven", "open it"))

    assert failed.value.code == "error: oven: too hot\n    -> open it"


def test_two_steps_in_turn_share_the_parent_and_tag_it(store):
    with step_run("one"):
        tag_pipeline_run({"data_hash": "abc"})
    with step_run("two"):
        record(params={"a": 1}, metrics={"b": 2.0}, tags={"c": "3"})

    (parent,), steps = runs(store)
    assert parent.data.tags["data_hash"] == "abc"
    assert {step.data.tags[PARENT] for step in steps} == {parent.info.run_id}
    two = next(step for step in steps if step.info.run_name == "two")
    assert (two.data.params, two.data.metrics, two.data.tags["c"]) == ({"a": "1"}, {"b": 2.0}, "3")


@pytest.mark.parametrize(
    ("state", "status"),
    [("SUCCEEDED", "FINISHED"), ("FAILED", "FAILED"), ("CANCELLED", "KILLED"), ("SOMETHING_NEW", "FAILED")],
)
def test_the_parent_ends_as_the_pipeline_did(store, state, status):
    with step_run("one"):
        pass
    assert runs(store)[0][0].info.status == "RUNNING"

    closed = close_pipeline_run(state)

    assert store.get_run(closed).info.status == status


def test_a_step_that_was_killed_does_not_stay_running(store):
    with step_run("one") as step:
        pass
    store.update_run(step.info.run_id, status="RUNNING")  # as SIGKILL leaves it

    close_pipeline_run("FAILED")

    assert store.get_run(step.info.run_id).info.status == "FAILED"


def test_closing_merges_parents_that_did_not_see_each_other(store):
    with step_run("one"):
        tag_pipeline_run({"as_of": "2015-12-31"})
    experiment = store.get_experiment_by_name("train").experiment_id
    late = store.create_run(experiment, start_time=1, tags={"pipeline.run_id": "run-1", "data_hash": "abc"})
    child = store.create_run(experiment, tags={PARENT: late.info.run_id})

    closed = close_pipeline_run("SUCCEEDED")

    (parent,), steps = runs(store)
    assert closed == parent.info.run_id != late.info.run_id
    assert (parent.data.tags["data_hash"], parent.data.tags["as_of"]) == ("abc", "2015-12-31")
    assert child.info.run_id in {step.info.run_id for step in steps}
    assert {step.data.tags[PARENT] for step in steps} == {closed}


def test_the_parent_records_what_the_pipeline_was_started_with(store, monkeypatch):
    monkeypatch.setenv("PIPELINE_PARAMETERS", '{"gate": "enforce", "horizon": "1"}')

    with step_run("one"):
        pass

    (parent,), _ = runs(store)
    assert parent.data.params == {"gate": "enforce", "horizon": "1"}


def test_a_pod_that_knows_of_no_server_says_so_and_keeps_no_store_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "PIPELINES_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("PIPELINE_RUN_ID", "run-1")

    with pytest.raises(StepFailed, match="no MLflow server is named"), step_run("one", optional=True):
        pass

    assert not list(tmp_path.iterdir())


def test_a_workflow_tells_texts_that_need_it_as_marked_json(store, monkeypatch):
    told = {"source": 'wire:"a {\\u007b b"', "as_of": "wire:null", "gate": "off", "candidates": "x" * 600}
    monkeypatch.setenv("PIPELINE_PARAMETERS", json.dumps(told))

    with step_run("one"):
        pass

    (parent,), _ = runs(store)
    plain = {"source": "a {{ b", "as_of": "null", "gate": "off", "candidates": "x" * 500}
    assert parent.data.params == plain


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": "wire:{"}'])
def test_parameters_that_cannot_be_read_are_not_recorded(store, monkeypatch, text):
    monkeypatch.setenv("PIPELINE_PARAMETERS", text)

    with step_run("one"):
        pass

    (parent,), _ = runs(store)
    assert parent.data.params == {}


def test_the_parent_records_an_address_without_its_secrets(store, monkeypatch):
    source = " https://me:pa55word@example.org/a.csv?signature=s3cret"
    monkeypatch.setenv("PIPELINE_PARAMETERS", json.dumps({"source": source, "metric": "mae"}))

    with step_run("one"):
        pass

    (parent,), _ = runs(store)
    assert parent.data.params == {"source": "https://example.org/a.csv", "metric": "mae"}


def test_closing_what_was_never_opened_does_nothing(store, monkeypatch):
    assert close_pipeline_run("FAILED") is None
    experiment_id(store, "train")
    assert close_pipeline_run("FAILED") is None
    monkeypatch.delenv("PIPELINE_RUN_ID")
    assert close_pipeline_run("FAILED") is None


def test_mlflow_run_id_names_the_steps_own_run(store, monkeypatch):
    experiment = experiment_id(store, "elsewhere")
    made = store.create_run(experiment).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", made)

    with step_run("one") as run:
        assert run.info.run_id == made

    tags = store.get_run(made).data.tags
    parent = store.get_run(tags[PARENT])
    assert parent.data.tags["pipeline.run_id"] == "run-1"
    assert store.get_run(made).info.status == "FINISHED"


def test_a_run_that_has_a_parent_already_keeps_it(store, monkeypatch):
    experiment = experiment_id(store, "train")
    theirs = store.create_run(experiment).info.run_id
    made = store.create_run(experiment, tags={PARENT: theirs}).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", made)

    with step_run("one") as run:
        tag_pipeline_run({"data_hash": "abc"})

    assert run.info.run_id == made
    assert store.get_run(made).data.tags[PARENT] == theirs
    assert store.get_run(theirs).data.tags["data_hash"] == "abc"
    assert len(runs(store)[0]) == 1


def test_the_parent_is_never_resumed_even_if_mlflow_run_id_names_it(store, monkeypatch):
    with step_run("one"):
        pass
    parent = runs(store)[0][0].info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", parent)

    with step_run("two") as run:
        assert run.info.run_id != parent

    assert run.data.tags[PARENT] == parent
    assert store.get_run(parent).info.status == "RUNNING"


def test_a_component_called_by_itself_has_a_run_without_a_parent(store, monkeypatch):
    for name in ("PIPELINE_RUN_ID", "PIPELINE_NAME", "PIPELINES_HOME"):
        monkeypatch.delenv(name)

    with step_run("alone"):
        tag_pipeline_run({"data_hash": "abc"})

    (run,), steps = runs(store)
    assert (run.info.run_name, run.data.tags["data_hash"], steps) == ("alone", "abc", [])


def test_a_deleted_experiment_is_named_with_the_way_back(store):
    store.delete_experiment(experiment_id(store, "train"))

    with pytest.raises(StepFailed, match="mlflow experiments restore"), step_run("one"):
        pass


def test_a_server_that_is_not_there_is_said_at_once_without_its_password(store):
    mlflow.set_tracking_uri("http://user:secret@127.0.0.1:9/mlflow")

    with pytest.raises(StepFailed, match="no MLflow server answers") as failed, step_run("one"):
        pass

    assert "http://127.0.0.1:9/mlflow" in str(failed.value)
    assert "secret" not in str(failed.value)


def test_artifacts_lie_beside_the_database_wherever_a_step_was_started(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with step_run("one"):
        mlflow.log_text("hello", "note.txt")

    assert list((tmp_path / "home").rglob("note.txt"))
    assert not (tmp_path / "mlruns").exists()
