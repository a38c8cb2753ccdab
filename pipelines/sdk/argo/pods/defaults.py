"""What every pod of a run has, whatever its step says: no rights, a read-only root, a few empty folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

USER: Final = 65532
"""User and group of every container; images of the project know it as `nonroot`."""

FOLDERS: Final[Mapping[str, str]] = {
    "tmp": "/tmp",  # noqa: S108 - a volume of the pod, nobody else's
    "gcs": "/gcs",
    "s3": "/s3",
    "minio": "/minio",
    "out": "/kfp/out",
}
"""Writable folders of a step: volume and mount path. KFP maps gs://bucket to /gcs/bucket, and so on."""

LAUNCHER_VOLUMES: Final[Mapping[str, str]] = {"launcher": "/kfp/launch", "steps": "/kfp/steps"}
"""ConfigMaps with the launcher and the steps' documents: volume and mount path."""

ENVIRONMENT: Final = "pipeline-environment"
"""ConfigMap in which a platform team gives all steps the addresses of its services."""

DEFAULT_REQUESTS: Final[Mapping[str, str]] = {"cpu": "100m", "memory": "256Mi"}


def spec_defaults() -> dict[str, Any]:
    """The workflow's part: identity of the pods, their empty folders.

    Service links are off because a Service named `kfp` would give each step variables such as KFP_PORT.
    """
    return {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "podSpecPatch": '{"enableServiceLinks":false}',
        "volumes": [{"name": name, "emptyDir": {}} for name in FOLDERS],
    }


def container_defaults() -> dict[str, Any]:
    """The container's part, all but image, command and arguments; it passes Pod Security `restricted`."""
    mounts = [{"name": n, "mountPath": path, "readOnly": True} for n, path in LAUNCHER_VOLUMES.items()]
    return {
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "env": [{"name": "HOME", "value": "/tmp"}, {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"}],  # noqa: S108
        "envFrom": [{"configMapRef": {"name": ENVIRONMENT, "optional": True}}],
        "volumeMounts": mounts + [{"name": n, "mountPath": path} for n, path in FOLDERS.items()],
        "resources": {"requests": dict(DEFAULT_REQUESTS)},
    }
