"""What hera's models leave open: values, patterns, limits, and the versions that have a field.

Read off the full schemas of Argo 3.7.16, 4.0.7 and 4.1.2, and off Kubernetes' own checks of pods for values
that Argo passes on. Keys are hera's model and the field's name in YAML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

VERSIONS = ("3.7", "4.0", "4.1")

Place = tuple[str, str]


@dataclass(frozen=True)
class Limit:
    """What Argo's schema asks of a value beyond its type.

    Args:
        pattern: that a text must have as a whole.
        say: the pattern in words.
        length: the most characters of a text.
        filled: whether a text may not be empty.
        least: of a number.
        most: of a number.
        items: the most elements of a list.
        some: whether a list may not be empty.
    """

    pattern: re.Pattern[str] | None = None
    say: str = ""
    length: int = 0
    filled: bool = False
    least: int | None = None
    most: int | None = None
    items: int = 0
    some: bool = False


_FIELD_NAME = Limit(
    re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*"), "letters, digits and `-`, no `-` at the start", length=128
)
_METRIC_NAME = Limit(re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*"), "letters, digits and `_`, no digit at the start")
_PARAMETER_NAME = Limit(re.compile(r"[-a-zA-Z0-9_]+"), "letters, digits, `-` and `_`")
# The schema lets dots and braces through, for {{inputs.parameters.x}}; Argo's own check refuses a bare dot.
_ARTIFACT_NAME = Limit(re.compile(r"[-a-zA-Z0-9_{}.]+"), "letters, digits, `-` and `_`")
_MODE = Limit(least=0, most=511)

LIMITS: Mapping[Place, Limit] = {
    ("Template", "name"): _FIELD_NAME,
    ("DAGTask", "name"): _FIELD_NAME,
    ("WorkflowStep", "name"): _FIELD_NAME,
    ("Parameter", "name"): _PARAMETER_NAME,
    ("Parameter", "enum"): Limit(some=True),
    ("Artifact", "name"): _ARTIFACT_NAME,
    ("ArtifactPaths", "name"): _ARTIFACT_NAME,
    ("Artifact", "mode"): _MODE,
    ("ArtifactPaths", "mode"): _MODE,
    ("Prometheus", "name"): _METRIC_NAME,
    ("Prometheus", "help"): Limit(filled=True),
    ("MetricLabel", "key"): _METRIC_NAME,
    ("Gauge", "value"): Limit(filled=True, length=256),
    ("Counter", "value"): Limit(filled=True),
    ("Histogram", "value"): Limit(filled=True),
    ("Metrics", "prometheus"): Limit(items=100),
    ("Inputs", "parameters"): Limit(items=500),
    ("DAGTemplate", "tasks"): Limit(items=200, some=True),
    ("Template", "steps"): Limit(some=True),
    ("Template", "parallelism"): Limit(least=1),
    ("WorkflowSpec", "parallelism"): Limit(least=1),
    ("WorkflowSpec", "templates"): Limit(items=200),
    ("CronWorkflowSpec", "schedules"): Limit(some=True),
    ("CronWorkflowSpec", "startingDeadlineSeconds"): Limit(least=0),
}

_PULL = frozenset({"Always", "IfNotPresent", "Never"})
_GC = frozenset({"", "OnWorkflowCompletion", "OnWorkflowDeletion", "Never"})
_SELECT = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
_CONTAINERS = ("Container", "ContainerNode", "ScriptTemplate", "UserContainer")
_PROTOCOL = frozenset({"TCP", "UDP", "SCTP"})

CHOICES: Mapping[Place, frozenset[str]] = {
    # These the schema of 4.x refuses, also where they hold {{...}}.
    ("RetryStrategy", "retryPolicy"): frozenset({"Always", "OnFailure", "OnError", "OnTransientError"}),
    ("PodGC", "strategy"): frozenset(
        {"", "OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess"}
    ),
    ("ArtifactGC", "strategy"): _GC,
    ("WorkflowLevelArtifactGC", "strategy"): _GC,
    ("CronWorkflowSpec", "concurrencyPolicy"): frozenset({"Allow", "Forbid", "Replace"}),
    ("Gauge", "operation"): frozenset({"Set", "Add", "Sub"}),
    ("ResourceTemplate", "action"): frozenset({"get", "create", "apply", "delete", "replace", "patch"}),
    ("ResourceTemplate", "mergeStrategy"): frozenset({"strategic", "merge", "json"}),
}

POD_CHOICES: Mapping[Place, frozenset[str]] = {
    # These Kubernetes refuses when the pod is made, after Argo has filled in {{...}}.
    **{(model, "imagePullPolicy"): _PULL for model in _CONTAINERS},
    **{
        (model, "terminationMessagePolicy"): frozenset({"File", "FallbackToLogsOnError"})
        for model in _CONTAINERS
    },
    ("UserContainer", "restartPolicy"): frozenset({"Always"}),
    ("ImageVolumeSource", "pullPolicy"): _PULL,
    ("WorkflowSpec", "dnsPolicy"): frozenset({"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"}),
    ("ContainerPort", "protocol"): _PROTOCOL,
    ("Toleration", "operator"): frozenset({"", "Exists", "Equal", "Gt", "Lt"}),
    ("Toleration", "effect"): frozenset({"", "NoSchedule", "PreferNoSchedule", "NoExecute"}),
    ("SeccompProfile", "type"): frozenset({"RuntimeDefault", "Localhost", "Unconfined"}),
    ("AppArmorProfile", "type"): frozenset({"RuntimeDefault", "Localhost", "Unconfined"}),
    ("PodSecurityContext", "fsGroupChangePolicy"): frozenset({"OnRootMismatch", "Always"}),
    ("SecurityContext", "procMount"): frozenset({"Default", "Unmasked"}),
    ("VolumeMount", "mountPropagation"): frozenset({"None", "HostToContainer", "Bidirectional"}),
    ("EmptyDirVolumeSource", "medium"): frozenset(
        {"", "Memory", "HugePages", "HugePages-2Mi", "HugePages-1Gi"}
    ),
    ("HostPathVolumeSource", "type"): frozenset(
        {"", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"}
    ),
    ("HTTPGetAction", "scheme"): frozenset({"HTTP", "HTTPS"}),
    ("NodeSelectorRequirement", "operator"): _SELECT | {"Gt", "Lt"},
    ("LabelSelectorRequirement", "operator"): _SELECT,
    ("PersistentVolumeClaimSpec", "volumeMode"): frozenset({"Filesystem", "Block"}),
    ("PersistentVolumeClaimSpec", "accessModes"): frozenset(
        {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"}
    ),
    ("VolumeClaimGC", "strategy"): frozenset({"OnWorkflowCompletion", "OnWorkflowSuccess"}),
    ("ContainerResizePolicy", "restartPolicy"): frozenset({"NotRequired", "RestartContainer"}),
}

LIST_KEYS: Mapping[Place, tuple[str, ...]] = {
    # The keys by which Kubernetes tells the entries of a list apart: two alike are refused.
    **{(model, "env"): ("name",) for model in _CONTAINERS},
    **{(model, "ports"): ("containerPort", "protocol") for model in _CONTAINERS},
    **{(model, "volumeMounts"): ("mountPath",) for model in _CONTAINERS},
    **{(model, "volumeDevices"): ("devicePath",) for model in _CONTAINERS},
    ("ResourceRequirements", "claims"): ("name",),
    ("WorkflowSpec", "volumes"): ("name",),
    ("Template", "volumes"): ("name",),
    ("Template", "sidecars"): ("name",),
    ("Template", "initContainers"): ("name",),
}

SHAPES: Mapping[Place, str] = {
    # Where hera's own is not what the schema has.
    ("HTTPGetAction", "port"): "int-or-text",
    ("Cache", "configMap"): "CacheConfigMap",
}
REQUIRED: frozenset[Place] = frozenset({("Metrics", "prometheus")})
OPEN: frozenset[str] = frozenset({"Plugin"})

SINCE: Mapping[Place, str] = {
    (model, "plugin"): "4.0"
    for model in ("Artifact", "ArtifactLocation", "ArtifactPaths", "ArtifactRepository")
}

RECORDS: Mapping[str, Mapping[str, str]] = {
    "CacheConfigMap": {"name": "text"},
    # Of Argo 4.1 and the Kubernetes it is built with; a star marks what must be there.
    "FileKeySelector": {"key*": "text", "path*": "text", "volumeName*": "text", "optional": "boolean"},
    "ContainerRestartRule": {"action*": "text", "exitCodes": "ContainerRestartRuleOnExitCodes"},
    "ContainerRestartRuleOnExitCodes": {"operator*": "text", "values": "[integer]"},
    "PodResourceClaim": {"name*": "text", "resourceClaimName": "text", "resourceClaimTemplateName": "text"},
    "PodCertificateProjection": {
        "certificateChainPath": "text",
        "credentialBundlePath": "text",
        "keyPath": "text",
        "keyType*": "text",
        "maxExpirationSeconds": "integer",
        "signerName*": "text",
        "userAnnotations": "{text}",
    },
    "ExecutorPlugin": {"metadata*": "ObjectMeta", "spec*": "ExecutorPluginSpec"},
    "ExecutorPluginSpec": {"sidecar*": "ExecutorPluginSidecar"},
    "ExecutorPluginSidecar": {"automountServiceAccountToken": "boolean", "container*": "Container"},
}

NEWER: Mapping[Place, tuple[str, str]] = {
    **{(model, "restartPolicyRules"): ("4.1", "[ContainerRestartRule]") for model in _CONTAINERS},
    ("EnvVarSource", "fileKeyRef"): ("4.1", "FileKeySelector"),
    ("VolumeProjection", "podCertificate"): ("4.1", "PodCertificateProjection"),
    ("HTTPArtifact", "saveStreamViaFile"): ("4.1", "boolean"),
    ("S3Artifact", "addressingStyle"): ("4.1", "text"),
    ("S3ArtifactRepository", "addressingStyle"): ("4.1", "text"),
    ("Template", "pendingTimeout"): ("4.1", "text"),
    ("Template", "podResources"): ("4.1", "ResourceRequirements"),
    ("Template", "resourceClaims"): ("4.1", "[PodResourceClaim]"),
    ("WorkflowSpec", "podResources"): ("4.1", "ResourceRequirements"),
    ("WorkflowSpec", "resourceClaims"): ("4.1", "[PodResourceClaim]"),
    ("WorkflowSpec", "executorPlugins"): ("4.1", "[ExecutorPlugin]"),
}

INSTEAD: Mapping[Place, str] = {("CronWorkflowSpec", "schedules"): "schedule"}
"""What is required now, and what stood there before."""

REMOVED: Mapping[Place, tuple[str, str]] = {
    # The version that no longer has the field, and what to write instead.
    ("CronWorkflowSpec", "schedule"): ("4.0", "write `schedules`, a list; Argo 3.6 and later read it"),
    ("Synchronization", "mutex"): ("4.0", "write `mutexes`, a list; Argo 3.6 and later read it"),
    ("Synchronization", "semaphore"): ("4.0", "write `semaphores`, a list; Argo 3.6 and later read it"),
    ("WorkflowSpec", "podPriority"): ("3.7", "write `podPriorityClassName`"),
    ("CacheConfigMap", "key"): ("4.0", "leave it out once no 3.7 is left: 3.7 wants one, and uses none"),
    ("CacheConfigMap", "optional"): ("4.0", "leave it out"),
    ("Template", "priority"): ("3.7", "write `priorityClassName`"),
}
