"""For each field of kfp-kubernetes' settings a document without it, and the same with it."""

import copy

REFERENCES = {
    "ml_pipelines.TaskInputsSpec.InputParameterSpec",
    "ml_pipelines.TaskInputsSpec.InputParameterSpec.TaskOutputParameterSpec",
}
EXPRESSION = {"key": "a", "operator": "In", "values": ["b"]}
PAIR = {"envVar": "V"}
BASES = {
    "secretAsVolume": [{"secretName": "base", "mountPath": "/m"}],
    "secretAsEnv": [{"secretName": "base", "keyToEnv": [{"secretKey": "base", **PAIR}]}],
    "pvcMount": [{"constant": "base", "mountPath": "/m"}],
    "nodeSelector": {},
    "podMetadata": {},
    "imagePullSecret": [{"secretName": "base"}],
    "configMapAsVolume": [{"configMapName": "base", "mountPath": "/m"}],
    "configMapAsEnv": [{"configMapName": "base", "keyToEnv": [{"configMapKey": "base", **PAIR}]}],
    "fieldPathAsEnv": [{"name": "V", "fieldPath": "metadata.name"}],
    "tolerations": [{"key": "base", "effect": "NoExecute"}],
    "genericEphemeralVolume": [
        {"volumeName": "base", "mountPath": "/m", "accessModes": ["ReadOnlyMany"], "size": "1Gi"}
    ],
    "nodeAffinity": [{"matchExpressions": [EXPRESSION], "matchFields": [EXPRESSION]}],
    "podAffinity": [
        {
            "topologyKey": "base",
            "matchPodExpressions": [EXPRESSION],
            "matchNamespaceExpressions": [EXPRESSION],
        }
    ],
    "enabledSharedMemory": {},
    "emptyDirMounts": [{"volumeName": "base", "mountPath": "/m"}],
    "securityContext": {},
}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
AFFINITY = {REQUIRED: {"nodeSelectorTerms": [{"matchFields": [{**EXPRESSION, "key": "probe"}]}]}}
VALUES = {
    **dict.fromkeys(("secretName", "configMapName", "constant", "secretKey", "configMapKey"), "probe"),
    **dict.fromkeys(("key", "value", "topologyKey", "volumeName", "storageClassName"), "probe"),
    "labels": {"probe": "probe"},
    "annotations": {"probe": "probe"},
    "matchPodLabels": {"probe": "probe"},
    "matchNamespaceLabels": {"probe": "probe"},
    **dict.fromkeys(("optional", "defaultStorageClass", "anti"), True),
    **dict.fromkeys(("size", "sizeLimit"), "77Gi"),
    **dict.fromkeys(("activeDeadlineSeconds", "tolerationSeconds", "runAsUser", "runAsGroup"), "77"),
    **dict.fromkeys(("secretNameParameter", "configMapNameParameter", "pvcNameParameter"), "probe"),
    "values": ["probe"],
    "namespaces": ["probe"],
    **dict.fromkeys(("envVar", "name"), "PROBE"),
    "mountPath": "/probe",
    "subPath": "probe/d",
    "accessModes": ["ReadWriteOncePod"],
    "imagePullPolicy": "Never",
    "fieldPath": "spec.nodeName",
    "operator": "NotIn",
    "tolerations.operator": "Equal",
    "effect": "NoSchedule",
    "weight": 77,
    "medium": "Memory",
    "runAsNonRoot": False,
    "nodeSelectorJson": {"probe": "probe"},
    "tolerationJson": {"key": "probe"},
    "nodeAffinityJson": AFFINITY,
}
"""By the field's name, or by its whole path where the name is not enough."""


def leaves(message, prefix=""):
    """Paths of all fields that hold a value of their own."""
    for field in message.fields:
        path = f"{prefix}{field.json_name}"
        kind = field.message_type
        if kind is None or kind.full_name in REFERENCES or kind.GetOptions().map_entry:
            yield path
        else:
            yield from leaves(kind, f"{path}.")


def setting(path):
    """Settings without a field and with it, and the value that it has there."""
    names = path.split(".")
    value = VALUES[path] if path in VALUES else VALUES[names[-1]]
    without = {names[0]: copy.deepcopy(BASES[names[0]])} if names[0] in BASES else {}
    filled = copy.deepcopy(without)
    inner = filled
    for name in names[:-1]:
        inner = inner.setdefault(name, {})
        inner = inner[0] if isinstance(inner, list) else inner
    inner[names[-1]] = (
        {"runtimeValue": {"constant": value}} if names[-1].endswith(("Parameter", "Json")) else value
    )
    return without, filled, value


def texts(value):
    """Every text and number in a JSON value, keys included."""
    if isinstance(value, dict):
        return {each for pair in value.items() for part in pair for each in texts(part)}
    if isinstance(value, (list, tuple)):
        return {each for part in value for each in texts(part)}
    return {str(value)}
