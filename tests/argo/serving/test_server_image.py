"""The model server's image in a pod under Pod Security `restricted`: from a bucket to its end."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import mlflow
import pandas as pd
import pytest
import yaml

from components.support import models
from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import POD
from pipelines.sdk.errors import Exit
from pipelines.sdk.kube import Cluster
from pipelines.sdk.launch.remote import send
from pipelines.sdk.serving.models.closure import closure_hash, serving_closure
from tests.argo import alone, services
from tests.conftest import ROOT

pytestmark = [pytest.mark.argo, pytest.mark.slow]

IMAGE = "kfp-on-argo/server:0.1.0"
ENDING_SECONDS = 120
MEMORY = "256Mi"  # a fifth more than it takes, two workers included
BUCKET_ENV = {"name": "STORAGE_EMULATOR_HOST", "value": services.STORAGE}
WEATHER = {
    "inputs": [
        {"name": "temp", "shape": [3], "datatype": "FP64", "data": [12.8, -3.5, 31.25]},
        {
            "name": "date",
            "shape": [3],
            "datatype": "BYTES",
            "data": ["2015-01-31", "2015-02-28", "2015-07-01"],
        },
    ]
}


@pytest.fixture(scope="module")
def image(cluster: Cluster) -> str:
    """The image; skips where no node has it, or another state of it."""
    if services.missing_images(cluster, [IMAGE]):
        pytest.skip(f"no node has the image {IMAGE}: tests/argo/images/build makes it")
    ask = {"image": IMAGE, "command": ["sh", "-c", "python3 -m pipelines.sdk.serving --closure | head -n 1"]}
    found = alone.last_words(cluster, f"closure-{uuid.uuid4().hex[:6]}", ask)
    if found != closure_hash(serving_closure()):
        pytest.skip(f"the image has the serving closure {found}: tests/argo/images/build makes a new one")
    return IMAGE


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as the pipelines log it, in a folder of this machine."""
    home = tmp_path_factory.mktemp("trained")
    days = pd.read_csv(ROOT / "components" / "data" / "seattle-weather.csv", parse_dates=["date"])
    rows = days.assign(temp=days["temp_max"], target=days["temp_max"].shift(-1))
    rows = rows.assign(target_date=rows["date"] + pd.Timedelta(days=1)).iloc[:-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
        experiment = mlflow.create_experiment("train", artifact_location=str(home / "artifacts"))
        with mlflow.start_run(experiment_id=experiment):
            model_id = models.log(models.fit({"name": "ridge", "alpha": 1.0}, rows), rows, {})
        return Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=str(home / "here")))


@dataclass(frozen=True)
class Server:
    """A pod with a model server.

    Args:
        cluster: where it is.
        name: of the pod.
    """

    cluster: Cluster
    name: str

    def pod(self) -> dict[str, Any] | None:
        return kube.get(self.cluster, POD, self.name)

    def state(self) -> Mapping[str, Any]:
        """Of its container, as the kubelet has it."""
        statuses = (self.pod() or {})["status"].get("containerStatuses") or [{}]
        return dict(statuses[0])

    def ready(self) -> str | None:
        """Its address once the kubelet calls it ready."""
        found = self.pod()
        assert found is not None and found["status"]["phase"] in ("Pending", "Running"), self.log()
        conditions = {each["type"]: each["status"] for each in found["status"].get("conditions", [])}
        return f"http://{found['status']['podIP']}:8080" if conditions.get("Ready") == "True" else None

    def log(self) -> str:
        lines = kube.stream(self.cluster, POD.path(self.cluster.namespace, self.name, "log"), [])
        return "\n".join(lines)


def container(image: str, uri: str, *options: str) -> dict[str, Any]:
    def probe(which: str) -> dict[str, Any]:
        return {"httpGet": {"path": f"/v2/health/{which}", "port": 8080}, "periodSeconds": 1}

    return {
        "image": image,
        "args": [uri, "--name=weather", *options],
        "env": [BUCKET_ENV],
        "livenessProbe": {**probe("live"), "initialDelaySeconds": 60},
        "readinessProbe": probe("ready"),
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": MEMORY}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


@pytest.fixture(scope="module")
def server(cluster: Cluster, image: str, trained: Path) -> Iterator[Server]:
    name = f"server-{uuid.uuid4().hex[:6]}"
    put(trained, uri := f"gs://{services.BUCKET}/{name}/model")
    with alone.pod(cluster, name, container(image, uri)):
        found = Server(cluster, name)
        services.wait_for("the server", found.ready, ENDING_SECONDS)
        yield found


def put(folder: Path, uri: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(BUCKET_ENV["name"], BUCKET_ENV["value"])
        send(str(folder), uri)


def ask(server: Server, path: str, body: object = None) -> Any:
    url = services.wait_for("the server", server.ready)
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{url}{path}", data, {"Content-Type": "application/json"}), timeout=30) as found:
        return json.load(found)


def test_it_answers_with_v2_what_mlflow_answers_here(server, trained):
    metadata = ask(server, "/v2/models/weather")
    assert (metadata["name"], metadata["inputs"][0]["name"]) == ("weather", "temp")
    (output,) = ask(server, "/v2/models/weather/infer", WEATHER)["outputs"]
    table = pd.DataFrame({each["name"]: each["data"] for each in WEATHER["inputs"]})
    assert output["data"] == mlflow.pyfunc.load_model(str(trained)).predict(table).tolist()


def test_it_stays_within_its_memory_while_it_is_asked(server):
    rows = {"dataframe_split": {"columns": ["temp"], "data": [[float(row % 30)] for row in range(20_000)]}}
    for _ in range(20):
        assert len(ask(server, "/invocations", rows)["predictions"]) == 20_000
    state = server.state()
    assert (state["restartCount"], state["ready"], state["lastState"]) == (0, True, {}), "never out of memory"


def test_a_deleted_pod_ends_with_0_within_its_grace_period(cluster, image, trained):
    name = f"server-{uuid.uuid4().hex[:6]}"
    put(trained, uri := f"gs://{services.BUCKET}/{name}/model")
    with alone.pod(cluster, name, container(image, uri, "--workers=2")):
        server = Server(cluster, name)
        services.wait_for("the server", server.ready, ENDING_SECONDS)
        assert ask(server, "/v2/models/weather/infer", WEATHER)["outputs"]
        before = server.pod()
        assert before is not None
        kube.delete(cluster, POD, name)
        ended = last_state(cluster, name, before["metadata"]["resourceVersion"])
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed"), ended


def last_state(cluster: Cluster, name: str, since: str) -> dict[str, Any]:
    """How the container of a pod that is being deleted has ended: only a watch still tells."""
    query = [("watch", "true"), ("fieldSelector", f"metadata.name={name}"), ("resourceVersion", since)]
    ended: dict[str, Any] = {}
    for line in kube.stream(cluster, POD.path(cluster.namespace), [*query, ("timeoutSeconds", "60")]):
        event = json.loads(line)
        states = [each["state"] for each in event["object"]["status"].get("containerStatuses", [])]
        ended = next((dict(state["terminated"]) for state in states if "terminated" in state), ended)
        if event["type"] == "DELETED":
            break
    return ended


def ending(cluster: Cluster, image: str, model: Path | None) -> tuple[dict[str, Any], str]:
    """How a server ends that does not become ready, and its log.

    Args:
        cluster: to run it on.
        image: of the server.
        model: to be put where the server looks; None for nothing.
    """
    server = Server(cluster, f"server-{uuid.uuid4().hex[:6]}")
    uri = f"gs://{services.BUCKET}/{server.name}/model"
    if model is not None:
        put(model, uri)

    def terminated() -> dict[str, Any] | None:
        return server.state().get("state", {}).get("terminated")

    with alone.pod(cluster, server.name, container(image, uri)):
        state = services.wait_for("the server's end", terminated, ENDING_SECONDS)
        return state, server.log()


def test_a_model_of_another_closure_is_refused_with_the_reason_in_log_and_state(
    cluster, image, trained, tmp_path
):
    model = Path(shutil.copytree(trained, tmp_path / "model"))
    card = yaml.safe_load((model / "MLmodel").read_text())
    packages = {**card["metadata"]["serving_packages"], "scikit-learn": "1.8.0"}
    card["metadata"] = {"serving_packages": packages, "serving_closure": closure_hash(packages)}
    (model / "MLmodel").write_text(yaml.safe_dump(card))

    state, log = ending(cluster, image, model)
    reason = f"scikit-learn: trained with 1.8.0, here {serving_closure()['scikit-learn']}"
    assert state["exitCode"] == Exit.ENVIRONMENT
    assert reason in log and reason in state["message"]
    assert f"mlflow-{closure_hash(packages)}" in state["message"] and "Traceback" not in log


def test_a_model_that_is_not_there_is_said_in_one_clear_error(cluster, image):
    state, log = ending(cluster, image, None)
    assert state["exitCode"] == Exit.RUN_FAILED
    assert "there is no such object, and nothing below" in state["message"]
    assert log.startswith("error: gs://") and "Traceback" not in log
