"""A cluster with Argo's controller in it, for every test that runs a workflow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import ENDED, TEMPLATE, WORKFLOW, phase
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Cluster
from tests.argo import services
from tests.argo.services import BUCKET, NAMESPACE, Bucket, wait_for

IMAGES = ("library/python:3.11", "library/alpine:latest", "fsouza/fake-gcs-server:1.56.1")
CONTROLLER_SECONDS = 20


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A cluster whose controller runs workflows, with what pipelines need; skips where there is none."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("no KUBECONFIG: no cluster to run workflows on")
    try:
        found = kube.connect(NAMESPACE)
        kube.listing(found, TEMPLATE)
    except PipelineError as error:
        pytest.skip(f"no cluster with Argo's kinds: {error}")
    _need_images(found)
    _need_controller(found)
    services.set_up(found)
    return found


@pytest.fixture(scope="session")
def bucket(cluster: Cluster) -> Bucket:
    """Where steps leave artifacts."""
    return Bucket(BUCKET)


def _need_images(cluster: Cluster) -> None:
    missing = services.missing_images(cluster, IMAGES)
    if missing:
        pytest.skip(f"no node has the images {', '.join(missing)}: tests/argo/images/build makes them")


def _need_controller(cluster: Cluster) -> None:
    for made in _probe(cluster):
        try:
            wait_for("the controller", partial(_ended, cluster, made), CONTROLLER_SECONDS)
        except TimeoutError:
            pytest.skip(f"Argo's controller does not look at namespace {cluster.namespace}")


def _probe(cluster: Cluster) -> Iterator[str]:
    """A workflow without pods, as long as its name is being used."""
    nothing: dict[str, Any] = {"name": "main", "suspend": {"duration": "0"}}
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "is-there-a-controller-"},
        "spec": {"entrypoint": "main", "templates": [nothing]},
    }
    name = kube.create(cluster, document)["metadata"]["name"]
    try:
        yield name
    finally:
        kube.delete(cluster, WORKFLOW, name)


def _ended(cluster: Cluster, name: str) -> bool | None:
    workflow = kube.get(cluster, WORKFLOW, name)
    return True if workflow and phase(workflow) in ENDED else None
