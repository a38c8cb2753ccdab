"""A namespace of its own on a cluster, under Pod Security `restricted`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import TEMPLATE
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Cluster, Kind
from tests.argo.services import RESTRICTED, wait_for

NAME = "pods-of-steps"
_NAMESPACE = Kind("v1", "Namespace", namespaced=False)
_ACCOUNT = Kind("v1", "ServiceAccount")


@pytest.fixture(scope="session")
def restricted() -> Iterator[Cluster]:
    """Its API server, where nothing has to run; skips where there is none."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("no KUBECONFIG: no API server to ask")
    try:
        found = kube.connect(NAME)
        kube.listing(found, TEMPLATE)
    except PipelineError as error:
        pytest.skip(f"no cluster with Argo's kinds: {error}")
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME, "labels": RESTRICTED}}
    if kube.get(found, _NAMESPACE, NAME) is None:
        kube.request(found, "POST", _NAMESPACE.path(""), body=body)
    wait_for("the default service account", lambda: kube.get(found, _ACCOUNT, "default"))
    yield found
    kube.delete(found, _NAMESPACE, NAME)
