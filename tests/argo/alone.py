"""A pod that belongs to no workflow, as Pod Security wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import POD
from pipelines.sdk.kube import Cluster
from tests.argo.services import wait_for

ENDING_SECONDS = 240  # on a machine that is busy


@contextmanager
def pod(cluster: Cluster, name: str, container: Mapping[str, Any]) -> Iterator[None]:
    """A pod, as Pod Security wants it, whose user and program are the image's own unless it says otherwise.

    Args:
        cluster: to run it on.
        name: of the pod.
        container: with an image; it can write to /tmp.
    """
    whole = {
        "name": "main",
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        **container,
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [whole],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    kube.create(cluster, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    try:
        yield
    finally:
        kube.delete(cluster, POD, name)


def last_words(cluster: Cluster, name: str, container: Mapping[str, Any]) -> str:
    """Runs a pod to its end; the last line that it wrote, if any.

    Args:
        cluster: to run it on.
        name: of the pod.
        container: see `pod`.
    """

    def ended() -> bool | None:
        found = kube.get(cluster, POD, name)
        return True if found and found["status"]["phase"] in ("Succeeded", "Failed") else None

    with pod(cluster, name, container):
        wait_for(f"the end of {name}", ended, ENDING_SECONDS)
        lines = list(kube.stream(cluster, POD.path(cluster.namespace, name, "log"), []))
        return lines[-1] if lines else ""
