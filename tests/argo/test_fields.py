"""No field and no expression that the oldest controller lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pipelines.sdk.argo import lint
from pipelines.sdk.argo.lint import expression
from tests.argo import emitted
from tests.argo.documents import texts

# By type, the fields of Argo 3.7.16 that compiling may write, and the type of what is in them; `*` for what
# has keys of the user's own. Kubernetes' types are those of the 1.33 that it is built with.
FIELDS_OF_3_7: Mapping[str, str] = {
    "ConfigMap": "apiVersion kind metadata:Metadata immutable data:*",
    "WorkflowTemplate": "apiVersion kind metadata:Metadata spec:Spec",
    "CronWorkflow": "apiVersion kind metadata:Metadata spec:CronSpec",
    "Metadata": "name namespace labels:* annotations:*",
    "CronSpec": """schedules timezone suspend concurrencyPolicy startingDeadlineSeconds
        successfulJobsHistoryLimit failedJobsHistoryLimit workflowSpec:Spec""",
    "Spec": """activeDeadlineSeconds arguments:Arguments artifactGC:Strategy entrypoint imagePullSecrets:Named
        podGC:PodGC podMetadata:Metadata podSpecPatch securityContext:PodSecurity serviceAccountName
        templateDefaults:Template templates:Template ttlStrategy:Ttl volumeClaimGC:Strategy
        volumeClaimTemplates:Claim volumes:Volume workflowMetadata:Metadata workflowTemplateRef:Named""",
    "Arguments": "parameters:Parameter",
    "Parameter": "name value valueFrom:ValueFrom enum description",
    "ValueFrom": "expression jsonPath parameter path",
    "Strategy": "strategy",
    "PodGC": "strategy deleteDelayDuration",
    "Ttl": "secondsAfterSuccess secondsAfterFailure secondsAfterCompletion",
    "Named": "name",
    "Template": """activeDeadlineSeconds affinity:Affinity container:Container dag:Dag inputs:Io
        metadata:Metadata name nodeSelector:* outputs:Io parallelism podSpecPatch resource:Resource
        retryStrategy:Retry securityContext:PodSecurity suspend:Suspend tolerations:Toleration
        volumes:Volume""",
    "Dag": "failFast target tasks:Task",
    "Task": "arguments:Arguments depends hooks:{Hook} name template templateRef:TemplateRef when withParam",
    "Hook": "arguments:Arguments template",
    "TemplateRef": "name template",
    "Suspend": "duration",
    "Io": "parameters:Parameter artifacts:Artifact",
    "Artifact": "archive:Archive gcs:Bucket name optional path s3:Bucket",
    "Archive": "none:None",
    "None": "",
    "Bucket": "bucket endpoint key useSDKCreds",
    "Resource": "action flags manifest",
    "Retry": "backoff:Backoff limit retryPolicy",
    "Backoff": "cap duration factor",
    "Container": """args command env:Env envFrom:EnvFrom image imagePullPolicy resources:Resources
        securityContext:ContainerSecurity volumeMounts:Mount""",
    "Env": "name value valueFrom:EnvSource",
    "EnvSource": "configMapKeyRef:Key fieldRef:FieldRef secretKeyRef:Key",
    "Key": "key name optional",
    "FieldRef": "fieldPath",
    "EnvFrom": "configMapRef:Reference secretRef:Reference",
    "Reference": "name optional",
    "Resources": "limits:* requests:*",
    "ContainerSecurity": """allowPrivilegeEscalation capabilities:Capabilities readOnlyRootFilesystem
        runAsGroup runAsNonRoot runAsUser seccompProfile:Profile""",
    "Capabilities": "drop",
    "PodSecurity": "fsGroup runAsGroup runAsNonRoot runAsUser seccompProfile:Profile",
    "Profile": "type",
    "Mount": "mountPath name readOnly subPath",
    "Volume": """configMap:ConfigMapVolume emptyDir:EmptyDir ephemeral:Ephemeral name
        persistentVolumeClaim:ClaimVolume projected:Projected secret:SecretVolume""",
    "ConfigMapVolume": "name optional",
    "EmptyDir": "medium sizeLimit",
    "Ephemeral": "volumeClaimTemplate:Claim",
    "ClaimVolume": "claimName",
    "Projected": "sources:Source",
    "Source": "configMap:ConfigMapVolume",
    "SecretVolume": "optional secretName",
    "Claim": "metadata:Metadata spec:ClaimSpec",
    "ClaimSpec": "accessModes resources:Resources storageClassName",
    "Toleration": "effect key operator tolerationSeconds value",
    "Affinity": "nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAffinity",
    "NodeAffinity": """preferredDuringSchedulingIgnoredDuringExecution:PreferredNode
        requiredDuringSchedulingIgnoredDuringExecution:NodeTerms""",
    "PreferredNode": "preference:Selector weight",
    "NodeTerms": "nodeSelectorTerms:Selector",
    "Selector": "matchExpressions:Requirement matchFields:Requirement matchLabels:*",
    "Requirement": "key operator values",
    "PodAffinity": """preferredDuringSchedulingIgnoredDuringExecution:PreferredPod
        requiredDuringSchedulingIgnoredDuringExecution:PodTerm""",
    "PreferredPod": "podAffinityTerm:PodTerm weight",
    "PodTerm": "labelSelector:Selector namespaceSelector:Selector namespaces topologyKey",
}
# What has come since, by the version that brought it.
NEWER = {
    "4.0": {("Artifact", "plugin")},
    "4.1": {
        ("Spec", "podResources"),
        ("Spec", "resourceClaims"),
        ("Spec", "executorPlugins"),
        ("Template", "podResources"),
        ("Template", "resourceClaims"),
        ("Template", "pendingTimeout"),
        ("Container", "restartPolicyRules"),
        ("EnvSource", "fileKeyRef"),
        ("Source", "podCertificate"),
        ("Bucket", "addressingStyle"),
    },
}
# Of the expression language as 3.7.16 has it (expr-lang 1.17.7), what is used; Argo adds toJson and sprig.
FUNCTIONS_OF_3_7 = """abs filter flatten float floor fromJSON hasPrefix int join last len map replace split
    string toJson trim trimPrefix type"""
SPRIG_OF_3_7 = "fail nospace trimPrefix"
WORDS_OF_3_7 = "in matches nil true false"
OPERATORS_OF_3_7 = "! != % && ( ) + , - . .. / : < <= == > >= ? ?. ?? [ ] { } || # * |"
VARIABLES_OF_3_7 = "inputs item pod sprig tasks workflow"

_TAG = re.compile(r"\{\{=(.*?)\}\}", re.DOTALL)
_TEXT = re.compile(r"'(?:\\.|[^'\\])*'")
_OPERATOR = re.compile(r"\?\.|\?\?|\.\.|[!=<>]=|&&|\|\||[^\w\s']")


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return dict(emitted.everything(tmp_path_factory.mktemp("ir")))


def fields(value: Any, kind: str, place: str) -> Iterator[tuple[str, str]]:
    """Every field that is not in the table, with its place, and that of which the table knows less."""
    if isinstance(value, list):
        for each in value:
            yield from fields(each, kind, place)
    elif isinstance(value, dict):
        known = dict(entry.partition(":")[::2] for entry in FIELDS_OF_3_7[kind].split())
        for name, inner in value.items():
            below = known.get(name)
            if below is None or (not below and _is_object(inner)):
                yield kind, f"{place}.{name}"
            elif below.startswith("{"):
                for key, each in inner.items():
                    yield from fields(each, below[1:-1], f"{place}.{name}.{key}")
            elif below != "*":
                yield from fields(inner, below or "None", f"{place}.{name}")


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_is_object, value)))


def expressions(documents: emitted.Documents) -> Iterator[str]:
    """Every expression of the documents for Argo."""
    for document in documents:
        if document["kind"] == "ConfigMap":
            continue
        for text in texts(document):
            yield from _TAG.findall(text)
        for template in document["spec"].get("templates", ()):
            for parameter in template.get("outputs", {}).get("parameters", ()):
                if "expression" in parameter.get("valueFrom", {}):
                    yield parameter["valueFrom"]["expression"]


def test_every_field_is_one_of_the_oldest_controllers(everything):
    found = [
        (name, place)
        for name, documents in everything.items()
        for document in documents
        for _, place in fields(document, document["kind"], document["kind"])
    ]
    assert found == []


def test_lint_for_the_oldest_controller_finds_no_error(everything):
    found = {
        name: [each for each in lint.lint_documents(documents, argo="3.7") if each.severity == lint.ERROR]
        for name, documents in everything.items()
    }
    assert {name: errors for name, errors in found.items() if errors} == {}


def test_what_is_written_exercises_the_table(everything):
    """The check is worth what the pipelines cover: the rarest places are there."""
    text = json.dumps(list(everything.values()))
    rare = (
        "templateRef",
        "hooks",
        "volumeClaimTemplates",
        "resource",
        "retryStrategy",
        "schedules",
        "podAntiAffinity",
    )
    assert [word for word in rare if f'"{word}": ' not in text] == []


def test_the_table_has_no_field_that_a_later_version_brought():
    table = {
        (kind, entry.partition(":")[0]) for kind, line in FIELDS_OF_3_7.items() for entry in line.split()
    }
    assert not {place for places in NEWER.values() for place in places} & table


@pytest.mark.parametrize("place", sorted({place for places in NEWER.values() for place in places}))
def test_a_newer_field_would_be_found(place):
    kind, name = place
    assert list(fields({name: {}}, kind, "here")) == [(kind, f"here.{name}")]


def test_every_expression_is_one_of_the_oldest_controllers(everything):
    for name, documents in everything.items():
        for text in expressions(documents):
            read = expression.read(text)
            assert not read.fault, (name, text)
            bare = _TEXT.sub("''", text)
            assert set(read.functions) <= set(FUNCTIONS_OF_3_7.split()), (name, text)
            assert set(re.findall(r"\bsprig\.(\w+)", bare)) <= set(SPRIG_OF_3_7.split()), (name, text)
            assert set(_OPERATOR.findall(bare)) <= set(OPERATORS_OF_3_7.split()), (name, text)
            words = set(re.findall(r"(?<![.\w#])[A-Za-z_]\w*(?!\w*\()", bare))
            assert words <= {*WORDS_OF_3_7.split(), *VARIABLES_OF_3_7.split()}, (name, text)


@pytest.mark.parametrize(
    "text", ["let x = 1; x", "tasks | sum()", "a ** b", "env.x", "x startsWith 'y'", "`x`"]
)
def test_what_is_not_on_the_lists_would_be_found(text):
    documents = ({"kind": "WorkflowTemplate", "spec": {"templates": [{"when": "{{=" + text + "}}"}]}},)
    with pytest.raises(AssertionError):
        test_every_expression_is_one_of_the_oldest_controllers({"one": documents})
