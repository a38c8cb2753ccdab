"""The train pipeline on Argo: its image, a tracking server, and its own command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.sdk import ir, kube
from pipelines.sdk.argo.cluster.kinds import CONFIG_MAP, CRON, TEMPLATE, WORKFLOW
from pipelines.sdk.kube import Cluster, Selection
from pipelines.sdk.own_modules import own_modules
from tests.argo import services
from tests.argo.alone import last_words
from tests.conftest import ROOT, Finished

IMAGES = ("kfp-on-argo/step:0.1.0", "kfp-on-argo/mlflow:0.1.0")
SECONDS = 900  # that a run may take on a machine that is busy
Train = Callable[..., Finished]


@pytest.fixture(scope="session")
def tracking(cluster: Cluster) -> Iterator[str]:
    """Address of an MLflow server, of which every step is told; skips without images of this state."""
    if missing := services.missing_images(cluster, IMAGES):
        pytest.skip(f"no node has the images {', '.join(missing)}: tests/argo/images/build makes them")
    if stale := staleness(cluster):
        pytest.skip(f"{stale}; tests/argo/images/build makes a new one")
    with services.tracking(cluster) as address:
        yield address


def staleness(cluster: Cluster) -> str:
    """How the step image differs from this state of the project; empty where it does not."""
    modules = own_modules(ir.read_file(str(ROOT / "compiled" / "train.kfp.yaml")))
    look = "import json, sys; from pipelines.sdk.launch.project import check; check(json.loads(sys.argv[1]))"
    container = {"image": IMAGES[0], "command": ["python3", "-c", look, json.dumps(modules)]}
    return last_words(cluster, f"stale-{uuid.uuid4().hex[:6]}", container)


@pytest.fixture(scope="module")
def name(cluster: Cluster) -> Iterator[str]:
    """A name for the pipeline and its model; what has it is deleted in the end."""
    made = f"train-{uuid.uuid4().hex[:6]}"
    yield made
    chosen = Selection(labels=f"app.kubernetes.io/name={made}", metadata_only=True)
    for kind in (CRON, TEMPLATE, WORKFLOW, CONFIG_MAP):
        for each in kube.listing(cluster, kind, chosen):
            kube.delete(cluster, kind, each["metadata"]["name"])


def python_train(*arguments: str, project: Path = ROOT, home: Path | None = None) -> Finished:
    """`python pipelines/train.py`, with nothing of the caller's settings.

    Args:
        arguments: of the command line.
        project: the folder with `pipelines` in it.
        home: for local state.
    """
    kept = {key: text for key, text in os.environ.items() if not key.startswith(("MLFLOW_", "PIPELINE"))}
    done = subprocess.run(
        [sys.executable, "pipelines/train.py", *arguments],
        cwd=project,
        env=kept | ({"PIPELINES_HOME": str(home)} if home else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def submit(cluster: Cluster, tracking: str, name: str) -> Train:
    """`submit --wait --json` of the train pipeline."""

    def run(*arguments: str, project: Path = ROOT) -> Finished:
        common = ("-n", cluster.namespace, "--name", name, "--model-name", name, "--wait", "--json")
        return python_train("submit", *common, *arguments, project=project)

    return run
