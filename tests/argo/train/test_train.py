"""The main job on Argo's own controller, with an MLflow server and a bucket, under Pod Security."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import POD
from pipelines.sdk.kube import Cluster
from tests.argo import alone, services
from tests.argo.services import BUCKET, Bucket
from tests.argo.train.conftest import Train, python_train
from tests.argo.train.night import Night, run
from tests.conftest import ROOT, Finished

pytestmark = [pytest.mark.argo, pytest.mark.slow]

LOSERS = ("--candidates", '[{"name": "ridge", "alpha": 1e9}, {"name": "ridge", "alpha": 1e8}]')
WINNER = ("--candidates", '[{"name": "ridge", "alpha": 1.0}]')
BROKEN = """date,precipitation,temp_max,temp_min,wind,weather
2012/01/01,0,12.8,5,4.7,drizzle
2012/01/02,10.9,999,2.8,4.5,rain
2012/01/02,10.9,11,2.8,4.5,rain
"""
# Container steps of a night whose model is not better than the baseline, two candidates, by component.
NIGHT = Counter(
    {
        "ingest-data": 1,
        "validate-data": 1,
        "split-data": 1,
        "train-model": 2,
        "evaluate-model": 1,
        "notify": 1,
    }
)


@pytest.fixture(scope="module")
def nights(cluster: Cluster, submit: Train) -> list[Night]:
    """Two runs in a row whose candidates lose against the baseline."""
    return [run(cluster, submit, *LOSERS) for _ in range(2)]


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory, name: str) -> tuple[Finished, MlflowClient]:
    """The same run on this machine, and its MLflow store."""
    home = tmp_path_factory.mktemp("home")
    done = python_train("run", "--json", "--model-name", name, *LOSERS, home=home)
    return done, MlflowClient(f"sqlite:///{home / 'mlflow.db'}")


def compared(done: Finished) -> dict[str, tuple[str, dict[str, Any]]]:
    """What every run of the same data must give, step by step: all but what MLflow names, and places."""
    tasks = {task["name"]: task for task in done.json["tasks"]}
    return {
        name: (task["status"], {n: placeless(each) for n, each in task["outputs"].items() if n != "model_id"})
        for name, task in tasks.items()
        if name.rpartition("/")[2] in NIGHT
    }


def placeless(value: Any) -> Any:
    """An artifact without its URI; any other value as it is."""
    return {k: v for k, v in value.items() if k != "uri"} if isinstance(value, dict) else value


def parent_of(client: MlflowClient, run_id: str) -> Run:
    experiment = client.get_experiment_by_name("train")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id], f"tags.`pipeline.run_id` = '{run_id}'")
    return found


def children_of(client: MlflowClient, parent: Run) -> list[Run]:
    wanted = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    return list(client.search_runs([parent.info.experiment_id], wanted))


def plain(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Parameters as values: how JSON is spaced says nothing."""
    return {n: json.loads(text) if text[:1] == "[" else text for n, text in parameters.items()}


def answer(client: MlflowClient, model_id: str, folder: Path) -> float:
    """What a logged model says to a day of 12.8 degrees."""
    folder.mkdir(exist_ok=True)
    path = mlflow.artifacts.download_artifacts(
        artifact_uri=client.get_logged_model(model_id).artifact_location,
        dst_path=str(folder),
        tracking_uri=client.tracking_uri,
    )
    return float(mlflow.pyfunc.load_model(path).predict(pd.DataFrame({"temp": [12.8]}))[0])


def test_each_container_step_is_a_pod_and_nothing_else_is(nights):
    for night in nights:
        assert night.done.code == 0, night.done.err
        nodes = night.workflow["status"]["nodes"].values()
        assert Counter(node["templateName"] for node in nodes if node["type"] == "Pod") == NIGHT
        stems = Counter(pod.removeprefix(f"{night.name}-").rpartition("-")[0] for pod in night.pods)
        assert stems == NIGHT, "also of pods that are gone by now"
        assert night.done.task("exit-handler-1/condition-3")["status"] == "SKIPPED"


def test_it_gives_what_it_gives_on_a_laptop_to_the_last_digit(nights, at_home):
    done, _ = at_home
    assert done.code == 0, done.err
    assert compared(nights[0].done) == compared(done)
    assert compared(nights[1].done) == compared(done)


def test_the_data_in_the_bucket_is_what_the_hash_says(nights):
    bucket = Bucket(BUCKET)
    for night in nights:
        (key,) = bucket.names(f"runs/{night.name}/exit-handler-1/ingest-data/data/")
        found = hashlib.sha256(bucket.read(key).encode()).hexdigest()
        assert found == night.outputs("exit-handler-1/ingest-data")["data_hash"]
        (report,) = bucket.names(f"runs/{night.name}/exit-handler-1/evaluate-model/report/")
        assert "does not beat the baseline" in bucket.read(report)


def test_mlflow_has_a_run_of_the_night_with_one_for_each_step_below_it(nights, at_home, tracking, tmp_path):
    client, (local, store) = MlflowClient(tracking), at_home
    for night in nights:
        parent = parent_of(client, night.uid)
        children = children_of(client, parent)
        data_hash = night.outputs("exit-handler-1/ingest-data")["data_hash"]
        expected = {"data_hash": data_hash, "image": "kfp-on-argo/step:0.1.0", "as_of": "2015-12-31"}
        assert expected.items() <= parent.data.tags.items() and parent.data.tags["lock_hash"]
        assert parent.info.status == "FINISHED"
        assert plain(parent.data.params) == plain(parent_of(store, local.json["run"]).data.params) != {}
        steps = Counter(child.data.tags["pipeline.task"].rpartition("/")[2] for child in children)
        assert steps == NIGHT - Counter(["notify"])
        assert {child.info.status for child in children} == {"FINISHED"}

    def judged(client: MlflowClient, run_id: str) -> dict[str, float]:
        runs = children_of(client, parent_of(client, run_id))
        (found,) = [each for each in runs if each.data.tags["pipeline.task"].endswith("evaluate-model")]
        return dict(found.data.metrics)

    assert judged(client, nights[0].uid) == judged(store, local.json["run"]) != {}
    task = "exit-handler-1/for-loop-2.0/train-model"
    here = answer(store, local.task(task)["outputs"]["model_id"], tmp_path / "here")
    there = [answer(client, night.outputs(task)["model_id"], tmp_path / night.name) for night in nights]
    assert there == [here, here]


def test_a_model_that_passes_is_registered_and_where_it_cannot_be_deployed_the_run_says_so(
    cluster, submit, tracking, name
):
    night = run(cluster, submit, *WINNER)
    assert night.done.code == 1
    group = "exit-handler-1/condition-3"
    statuses = {task["name"]: task["status"] for task in night.done.json["tasks"]}
    assert (
        statuses[f"{group}/register-model"] == "SUCCEEDED" and statuses[f"{group}/deploy-model"] == "FAILED"
    )
    assert statuses["notify"] == "SUCCEEDED"
    assert "error: deployment: deploying to KServe is not part of this version" in night.done.err

    client = MlflowClient(tracking)
    version = client.get_model_version_by_alias(name, "challenger")
    assert version.version == night.outputs(f"{group}/register-model")["Output"]
    assert version.tags["pipeline.run_id"] == night.uid
    assert version.tags["data_hash"] == night.outputs("exit-handler-1/ingest-data")["data_hash"]
    assert parent_of(client, night.uid).info.status == "FAILED"


def test_broken_data_stops_the_run_with_its_lines_and_the_exit_handler_runs(
    cluster, submit, bucket, tracking, name
):
    source = bucket.write(f"{name}/{{{{workflow.name}}}} $(HOME).csv", BROKEN)
    night = run(cluster, submit, "--source", source, *LOSERS)
    assert night.done.code == 1
    assert f"error: {source}: 2 problems in 3 rows" in night.done.err
    assert "line 3, column temp_max: 999 is not between" in night.done.err
    assert "line 4, column date: 2012/01/02 is a duplicate of line 3" in night.done.err
    assert len(night.pods) == 3, "ingest, validate and notify"
    assert night.done.task("notify")["status"] == "SUCCEEDED"
    assert night.workflow["status"]["phase"] == "Failed"
    parent = parent_of(MlflowClient(tracking), night.uid)
    assert parent.info.status == "FAILED"
    assert parent.data.params["source"] == source, "as it was given"


def test_a_helper_that_is_newer_than_the_image_stops_the_run_at_its_first_step(cluster, submit, tmp_path):
    for folder in ("components", "pipelines"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    helper = tmp_path / "components" / "support" / "days.py"
    helper.write_text(helper.read_text() + "\nNEWER = True\n")
    night = run(cluster, submit, *LOSERS, project=tmp_path)
    assert night.done.code == 1
    assert night.done.task("exit-handler-1/ingest-data")["status"] == "FAILED"
    assert "the image has another components.support.days, in /app/components" in night.done.err
    assert "rebuild the step image" in night.done.err and "--allow-skew" in night.done.err


def test_the_server_image_answers_as_mlflow_does(cluster, nights, tracking, name, tmp_path):
    image = "kfp-on-argo/server:0.1.0"
    if services.missing_images(cluster, [image]):
        pytest.skip(f"no node has the image {image}: tests/argo/images/build makes it")
    model_id = nights[0].outputs("exit-handler-1/for-loop-2.0/train-model")["model_id"]
    container = {
        "image": image,
        "args": [f"models:/{model_id}", "--host=0.0.0.0", "--name=weather"],
        "envFrom": [{"configMapRef": {"name": "pipeline-environment"}}],
    }
    with alone.pod(cluster, f"{name}-server", container):
        url = services.wait_for("the server", lambda: ready(cluster, f"{name}-server"), 300)
        body = json.dumps({"columns": ["temp"], "data": [[12.8]]}).encode()
        request = Request(f"{url}/invocations", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as found:
            served = json.load(found)["predictions"][0]
    assert served == answer(MlflowClient(tracking), model_id, tmp_path / "model")


def ready(cluster: Cluster, pod: str) -> str | None:
    """Address of a model server in a pod, once it is ready."""
    found = kube.get(cluster, POD, pod)
    assert found is not None and found["status"]["phase"] in ("Pending", "Running"), found
    if not (address := found["status"].get("podIP")):
        return None
    try:
        urlopen(f"http://{address}:8080/v2/health/ready", timeout=5).close()
    except OSError:
        return None
    return f"http://{address}:8080"
