"""A step's settings as fields of its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pipelines.sdk.argo.pods.checks import object_name
from pipelines.sdk.argo.pods.defaults import DEFAULT_REQUESTS, container_defaults
from pipelines.sdk.argo.pods.environment import variables
from pipelines.sdk.argo.pods.passing import kept
from pipelines.sdk.argo.pods.patch import ELEMENT, when_there
from pipelines.sdk.argo.pods.platform import WORKSPACE, WORKSPACE_PATH
from pipelines.sdk.argo.pods.reader import Reader
from pipelines.sdk.argo.pods.resources import requirements
from pipelines.sdk.argo.pods.scheduling import placement
from pipelines.sdk.argo.pods.security import identity
from pipelines.sdk.argo.pods.settings import normalised
from pipelines.sdk.argo.pods.volumes import Mounts, collect, metadata_of
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.plan import Step

SETTINGS: Final = (
    "secretAsVolume",
    "secretAsEnv",
    "pvcMount",
    "nodeSelector",
    "podMetadata",
    "imagePullSecret",
    "imagePullPolicy",
    "configMapAsVolume",
    "configMapAsEnv",
    "activeDeadlineSeconds",
    "fieldPathAsEnv",
    "tolerations",
    "genericEphemeralVolume",
    "nodeAffinity",
    "podAffinity",
    "enabledSharedMemory",
    "emptyDirMounts",
    "securityContext",
)
"""Those of kfp-kubernetes that are mapped; any other is refused."""

_PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")


@dataclass(frozen=True)
class PodFields:
    """A step's pod, as parts of Argo's objects.

    Args:
        template: fields of its template, beside the container.
        container: all fields of its container but image, command and arguments.
        spec: fields of the WorkflowSpec that it needs.
        warnings: what works, but perhaps not as meant.
    """

    template: Mapping[str, Any]
    container: Mapping[str, Any]
    spec: Mapping[str, Any]
    warnings: tuple[Finding, ...]


def pod_fields(
    step: Step, path: str, inputs: Mapping[str, Carrier] | None = None, *, workspace: bool = False
) -> PodFields:
    """Maps a step's settings to fields of Argo and Kubernetes.

    Args:
        step: of a Plan that `settings_as_inputs` has seen: a setting refers to the step's own inputs.
        path: of its task, for messages.
        inputs: as its template receives them; None where each is plain wire text in the parameter `p-NAME`.
        workspace: whether the run's workspace is mounted.

    Raises:
        BadPipeline: with every setting that cannot be honoured, and what to do instead.
    """
    step = kept(replace(step, kubernetes=normalised(step.kubernetes, path)))
    reader = Reader(path, inputs)
    reader.only("kubernetes", step.kubernetes, SETTINGS)
    mounts = collect(step.kubernetes, reader)
    template = placement(step.kubernetes, reader)
    spec = _pull_secrets(step.kubernetes.get("imagePullSecret", []), reader)
    if mounts.volumes:
        template["volumes"] = list(mounts.volumes.values())
    if metadata := metadata_of("podMetadata", step.kubernetes.get("podMetadata", {}), reader):
        template["metadata"] = metadata
    if deadline := _deadline(step.kubernetes, reader):
        template["activeDeadlineSeconds"] = deadline
    container = _container(step, reader)
    container["volumeMounts"] = _all_mounts(container["volumeMounts"], mounts, workspace)
    reads = bool(step.interface.artifacts)
    container["securityContext"], pod = identity(step.kubernetes, reads, reader)
    if pod:
        template["securityContext"] = pod
    if patch := reader.patch.text():
        template["podSpecPatch"] = patch
    if reader.problems:
        raise BadPipeline(*reader.problems)
    return PodFields(template, container, spec, tuple(reader.warnings))


def _deadline(kubernetes: Mapping[str, Any], reader: Reader) -> int:
    seconds = int(kubernetes.get("activeDeadlineSeconds", 0))
    if seconds < 0:
        reader.problem("activeDeadlineSeconds", f"{seconds} is less than no time", "say 0 for no limit")
    return seconds


def _all_mounts(usual: list[dict[str, Any]], mounts: Mounts, workspace: bool) -> list[dict[str, Any]]:
    """The step's own mounts take the place of the usual ones at their paths."""
    found = [each for each in usual if each["mountPath"] not in mounts.mounts]
    found += [mount for mount in mounts.mounts.values() if mount]
    if workspace:
        found.append({"name": WORKSPACE, "mountPath": WORKSPACE_PATH})
    return found


def _container(step: Step, reader: Reader) -> dict[str, Any]:
    container = container_defaults()
    container["env"] = variables(step, container["env"], reader)
    container["resources"] = requirements(step.resources, DEFAULT_REQUESTS, reader)
    if policy := step.kubernetes.get("imagePullPolicy"):
        if policy not in _PULL_POLICIES:
            reader.problem("imagePullPolicy", f"{policy!r} is none", f"one of {', '.join(_PULL_POLICIES)}")
        container["imagePullPolicy"] = policy
    return container


def _pull_secrets(entries: list[Mapping[str, Any]], reader: Reader) -> dict[str, Any]:
    known: list[dict[str, str]] = []
    for entry in entries:
        reader.only("imagePullSecret", entry, ("secretName", "secretNameParameter"))
        value = reader.named("imagePullSecret", entry, "secretName")
        if value.expression:
            item = when_there(value.expression, {"name": ELEMENT})
            reader.patch.lists.setdefault("imagePullSecrets", []).append(item)
        elif value.constant is not None:
            known.append({"name": object_name("imagePullSecret", value.constant, reader)})
    return {"imagePullSecrets": known} if known else {}
