"""A step's settings as fields of its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.sdk.argo.pods.checks import object_name
from pipelines.sdk.argo.pods.defaults import container_defaults
from pipelines.sdk.argo.pods.environment import variables
from pipelines.sdk.argo.pods.platform import WORKSPACE, WORKSPACE_PATH
from pipelines.sdk.argo.pods.reader import Reader
from pipelines.sdk.argo.pods.resources import requirements
from pipelines.sdk.argo.pods.scheduling import placement
from pipelines.sdk.argo.pods.volumes import collect, metadata_of
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
        step: the step; a setting can refer to its inputs (see `settings_as_inputs`).
        path: of its task, for messages.
        inputs: as its template receives them; None where each is plain wire text in the parameter `p-NAME`.
        workspace: whether the run's workspace is mounted.

    Raises:
        BadPipeline: with every setting that cannot be honoured, and what to do instead.
    """
    reader = Reader(path, inputs)
    reader.only("kubernetes", step.kubernetes, SETTINGS)
    mounts = collect(step.kubernetes, reader)
    template, patch = placement(step.kubernetes, reader)
    spec = _pull_secrets(step.kubernetes.get("imagePullSecret", []), patch, reader)
    if mounts.volumes:
        template["volumes"] = list(mounts.volumes.values())
    if metadata := metadata_of("podMetadata", step.kubernetes.get("podMetadata", {}), reader):
        template["metadata"] = metadata
    if deadline := int(step.kubernetes.get("activeDeadlineSeconds", 0)):
        template["activeDeadlineSeconds"] = deadline
    container = _container(step, patch, reader)
    if workspace:
        mounts.mounts[WORKSPACE_PATH] = {"name": WORKSPACE, "mountPath": WORKSPACE_PATH}
    usual = [each for each in container["volumeMounts"] if each["mountPath"] not in mounts.mounts]
    container["volumeMounts"] = [*usual, *mounts.mounts.values()]
    if patch:
        template["podSpecPatch"] = f"{{{','.join(patch)}}}"
    if reader.problems:
        raise BadPipeline(*reader.problems)
    return PodFields(template, container, spec, tuple(reader.warnings))


def _container(step: Step, patch: list[str], reader: Reader) -> dict[str, Any]:
    container = container_defaults()
    container["env"] = variables(step, container["env"], reader)
    known, later = requirements(step.resources, reader)
    container["resources"] = known
    if later:
        patch.append(f'"containers":[{{"name":"main","resources":{later}}}]')
    if policy := step.kubernetes.get("imagePullPolicy"):
        if policy not in _PULL_POLICIES:
            reader.problem("imagePullPolicy", f"{policy!r} is none", f"one of {', '.join(_PULL_POLICIES)}")
        container["imagePullPolicy"] = policy
    identity = _identity(step.kubernetes.get("securityContext", {}), reader)
    container["securityContext"] = {**container["securityContext"], **identity}
    return container


def _identity(entry: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    reader.only("securityContext", entry, ("runAsUser", "runAsGroup", "runAsNonRoot"))
    found: dict[str, Any] = {key: int(entry[key]) for key in ("runAsUser", "runAsGroup") if key in entry}
    if "runAsNonRoot" in entry:
        found["runAsNonRoot"] = bool(entry["runAsNonRoot"])
    if found.get("runAsUser") == 0:
        if found.get("runAsNonRoot"):
            reader.problem("securityContext", "user 0 is root, and runAsNonRoot is set", "choose one of them")
        found["runAsNonRoot"] = False  # the pod's own says otherwise, and the kubelet would not start it
    if found.get("runAsNonRoot") is False:
        mend = "leave set_security_context out, or allow it in the namespace"
        reader.warn("securityContext", "a namespace with Pod Security `restricted` refuses this pod", mend)
    return found


def _pull_secrets(entries: list[Mapping[str, Any]], patch: list[str], reader: Reader) -> dict[str, Any]:
    known: list[dict[str, str]] = []
    later: list[str] = []
    for entry in entries:
        reader.only("imagePullSecret", entry, ("secretName", "secretNameParameter"))
        value = reader.named("imagePullSecret", entry, "secretName")
        if value.expression:
            later.append(f'{{"name":{value.json()}}}')
        else:
            known.append({"name": object_name("imagePullSecret", value, reader)})
    if later:
        patch.append(f'"imagePullSecrets":[{",".join(later)}]')
    return {"imagePullSecrets": known} if known else {}
