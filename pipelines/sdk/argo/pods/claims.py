"""KFP's CreatePVC and DeletePVC: steps without a container of their own, done by Argo's executor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.argo import exprlang
from pipelines.sdk.argo.options import MANAGER_LABELS
from pipelines.sdk.argo.pods.fields import PodFields
from pipelines.sdk.argo.pods.patch import json_tag
from pipelines.sdk.argo.pods.reader import Reader, Value
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Step

CREATE: Final = "argostub/createpvc"
DELETE: Final = "argostub/deletepvc"

_VERBS: Final = {CREATE: "create and get", DELETE: "get and delete"}
_NAME: Final = "pvc_name"
_SUFFIX: Final = "pvc_name_suffix"


def is_claim_step(step: Step) -> bool:
    """Whether a step orders or drops a PersistentVolumeClaim, and runs nothing.

    Args:
        step: the step.
    """
    return step.image in _VERBS


def resource_template(
    step: Step, path: str, inputs: Mapping[str, Carrier], *, twins: bool = False
) -> PodFields:
    """The template of such a step: `resource`, and for a new claim the output `p-name`.

    Its pod is Argo's executor alone, so the container's fields are empty.

    Args:
        step: one of those that `is_claim_step` knows.
        path: of its task, for messages.
        inputs: as its template receives them.
        twins: whether `c-name` is needed as well, the form that Argo collects from a loop's iterations.

    Raises:
        BadPipeline: an input has a value that cannot be used.
    """
    reader = Reader(path, inputs)
    template = _create(reader, twins) if step.image == CREATE else _delete(reader)
    verbs = _VERBS[step.image]
    mend = f"allow its service account to {verbs} persistentvolumeclaims; pipeline-runner alone may not"
    reader.warn("service account", f"it needs the right to {verbs} persistentvolumeclaims", mend)
    if step.kubernetes or step.env:
        mend = "KFP ignores them, too: remove them"
        reader.warn("kubernetes", "no container of its own is there for its settings", mend)
    if reader.problems:
        raise BadPipeline(*reader.problems)
    return PodFields(template, {}, {}, tuple(reader.warnings))


def _create(reader: Reader, twins: bool) -> dict[str, Any]:
    for name in ("access_modes", "size"):
        if name not in (reader.inputs or {}):
            reader.problem(f"input {name}", "it has no value", "give it one")
    fields = {
        "accessModes": "access_modes",
        "storageClassName": "storage_class_name",
        "volumeName": "volume_name",
        "dataSource": "data_source",
    }
    spec = {key: _json(reader.input(f"input {wanted}", wanted)) for key, wanted in fields.items()}
    size = _json(reader.input("input size", "size"))
    spec["resources"] = f'{{"requests":{{"storage":{size}}}}}' if size else ""
    metadata = {
        "name": json_tag(_claim_name(reader)),
        "labels": json.dumps(dict(MANAGER_LABELS)),
        "annotations": _json(reader.input("input annotations", "annotations")),
    }
    outputs = [{"name": "p-name", "valueFrom": {"jsonPath": '"{.metadata.name}"'}}]
    if twins:  # the same once more as a JSON string; a claim's name has nothing to escape
        outputs.append({"name": "c-name", "valueFrom": {"jsonPath": '"\\"{.metadata.name}\\""'}})
    manifest = _manifest({"metadata": _object(metadata), "spec": _object(spec)})
    return {"resource": {"action": "create", "manifest": manifest}, "outputs": {"parameters": outputs}}


def _claim_name(reader: Reader) -> str:
    """The name given, else one of its own, with the suffix: KFP takes a random one, here it is the pod's."""
    name, suffix = (reader.input(f"input {each}", each) for each in (_NAME, _SUFFIX))
    if name.constant and suffix.constant:
        what = "both have a value"
        reader.problem(f"inputs {_NAME} and {_SUFFIX}", what, "give one of them, or none")
    own = f"pod.name + {_text(suffix)}"
    if not name.expression and not name.constant:
        return own
    both = exprlang.fail(f"{reader.where}: both {_NAME} and {_SUFFIX} have a value")
    return f"{_text(name)} == '' ? {own} : {_text(suffix)} == '' ? {_text(name)} : {both}"


def _text(value: Value) -> str:
    if value.expression:
        return f"({value.expression} ?? '')"
    return exprlang.literal(value.constant or "")


def _json(value: Value) -> str:
    """A part of the manifest; empty where there is no value."""
    if value.expression:
        return json_tag(value.expression)
    return "" if value.constant is None else json.dumps(value.constant)


def _delete(reader: Reader) -> dict[str, Any]:
    name = reader.input(f"input {_NAME}", _NAME)
    if not name.expression and not name.constant:
        reader.problem(f"input {_NAME}", "it has no value", "give it one")
    manifest = _manifest({"metadata": _object({"name": _json(name)})})
    # As in KFP, nobody waits for the pods that still use it.
    return {"resource": {"action": "delete", "manifest": manifest, "flags": ["--wait=false"]}}


def _manifest(members: Mapping[str, str]) -> str:
    return _object({"apiVersion": '"v1"', "kind": '"PersistentVolumeClaim"', **members})


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{key}":{text}' for key, text in members.items() if text) + "}"
