"""Rules about whole documents: kind, name, labels, size, and what the schema says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.finding import Family, Hit, Rule
from pipelines.sdk.argo.lint.nodes import close_to, dig, has, mapping, text
from pipelines.sdk.argo.lint.shape import KINDS
from pipelines.sdk.argo.lint.structure import misfits
from pipelines.sdk.argo.lint.views import API_VERSION, CRON, Manifest

MAX_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
# fmt: off
_ELSEWHERE = frozenset(
    [
    "WorkflowEventBinding", "WorkflowTaskSet", "WorkflowTaskResult", "WorkflowArtifactGCTask",
    "EventSource", "EventBus", "Sensor", "Application", "ApplicationSet", "AppProject", "Rollout",
    "AnalysisTemplate", "AnalysisRun", "ClusterAnalysisTemplate", "Experiment",
    ]
)
# fmt: on
_MAX_NAME = {**dict.fromkeys(KINDS, 63), CRON: 52}


def _kind(manifest: Manifest) -> Iterator[Hit]:
    version, kind = text(manifest.node.get("apiVersion")), manifest.kind
    if not kind or not version:
        lacking = "kind" if version else "apiVersion"
        what = f"the document has no `{lacking}`: no Kubernetes object"
        mend = f"write `apiVersion: {API_VERSION}` and one of {', '.join(KINDS)}"
        if "pipelineInfo" in manifest.node:
            what, mend = (
                "the document is a KFP pipeline, no Kubernetes object",
                "`compile` makes Argo's of it",
            )
        yield Hit((*manifest.at, lacking), what, mend)
    elif version.startswith("argoproj.io/") and kind not in {*KINDS, *_ELSEWHERE}:
        mend = close_to(kind, {*KINDS})
        yield Hit((*manifest.at, "kind"), f"Argo has no kind {kind!r}", mend)
    elif kind in KINDS and version != API_VERSION:
        yield Hit((*manifest.at, "apiVersion"), f"{version!r} has no kind {kind}", f"write {API_VERSION}")


def _missing_name(manifest: Manifest) -> Iterator[Hit]:
    metadata = mapping(manifest.node.get("metadata"))
    if manifest.kind and not has(metadata, "name") and not has(metadata, "generateName"):
        yield Hit((*manifest.at, "metadata", "name"), "the document has no name", "add metadata.name")


def _name(manifest: Manifest) -> Iterator[Hit]:
    metadata = mapping(manifest.node.get("metadata"))
    at = (*manifest.at, "metadata")
    for key in ("name", "generateName"):
        name = metadata.get(key)
        shown = f"{name}x" if key == "generateName" else text(name)
        if isinstance(name, str) and not _NAME.fullmatch(shown):
            what = f"{name!r} cannot be the name of an object"
            yield Hit(
                (*at, key),
                what,
                "use lower-case letters, digits and `-`; begin and end with a letter or digit",
            )


def _name_length(manifest: Manifest) -> Iterator[Hit]:
    name = text(dig(manifest.node, "metadata", "name"))
    most = _MAX_NAME.get(manifest.kind, 253)
    if len(name) > most:
        what = f"the name has {len(name)} characters, and a {manifest.kind} may have {most}"
        yield Hit((*manifest.at, "metadata", "name"), what, "make it shorter")


def _labels(manifest: Manifest) -> Iterator[Hit]:
    places = [("metadata",), ("spec", "podMetadata"), ("spec", "workflowMetadata")]
    places += [("spec", "workflowSpec", "podMetadata"), ("spec", "workflowSpec", "workflowMetadata")]
    for place in places:
        at = (*manifest.at, *place)
        for key, value in mapping(dig(manifest.node, *place, "labels")).items():
            label = text(value)
            if "{{" not in label and (len(label) > 63 or not _LABEL.fullmatch(label)):
                mend = "up to 63 letters, digits, `-`, `_`, `.`; longer texts go into annotations"
                yield Hit((*at, "labels", str(key)), f"{label[:80]!r} cannot be the value of a label", mend)
        for kind in ("labels", "annotations"):
            for key in mapping(dig(manifest.node, *place, kind)):
                if not _KEY.fullmatch(str(key)) and "{{" not in str(key):
                    mend = "write `name` or `prefix.example.com/name`, the name up to 63 characters"
                    yield Hit((*at, kind, str(key)), f"{str(key)[:80]!r} cannot be a key of {kind}", mend)


def _configmap_size(manifest: Manifest) -> Iterator[Hit]:
    if manifest.kind not in ("ConfigMap", "Secret"):
        return
    data = [mapping(manifest.node.get(key)) for key in ("data", "binaryData", "stringData")]
    size = sum(len(str(key).encode()) + _bytes(value) for part in data for key, value in part.items())
    if size > MAX_BYTES:
        what = f"the {manifest.kind} holds {size:,} bytes, and {MAX_BYTES:,} fit"
        yield Hit((*manifest.at, "data"), what, "split it, and mount the parts as one projected volume")


def _workflow_size(manifest: Manifest) -> Iterator[Hit]:
    if not manifest.is_argo:
        return
    size = _bytes({key: value for key, value in manifest.node.items() if key != "status"})
    if size > MAX_BYTES:
        what = f"the {manifest.kind} has {size:,} bytes, and {MAX_BYTES:,} fit"
        yield Hit((*manifest.at, "spec"), what, "move sources into ConfigMaps, and share templates")


def _bytes(value: Any) -> int:
    shown = (
        value
        if isinstance(value, str)
        else json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
    )
    return len(shown.encode(errors="replace"))


def _schema(manifest: Manifest) -> Iterator[tuple[str, Hit]]:
    if manifest.is_argo:
        yield from misfits(manifest.node, manifest.kind, manifest.schema, manifest.at)


_REFUSED = "The API server refuses the object where Argo's full schemas are installed, as Argo 4 does."
_POD = "Kubernetes refuses the pod, and the step fails."
_SCHEMA_WHY: Mapping[str, str] = {
    "unknown-field": "The API server refuses it or drops it without a word.",
    "removed-field": "The API server refuses it or drops it without a word.",
    "newer-field": "The API server refuses it or drops it without a word.",
    "missing-field": _REFUSED,
    "wrong-type": _REFUSED,
    "bad-quantity": _REFUSED,
    "bad-choice": f"{_REFUSED} What it lets through, Kubernetes refuses when the pod is made.",
    "bad-name": _REFUSED,
    "too-long": _REFUSED,
    "too-many-items": _REFUSED,
    "empty-list": _REFUSED,
    "empty-value": _REFUSED,
    "out-of-range": _REFUSED,
    "duplicate-entry": _POD,
    "artifact-locations": _REFUSED,
    "gauge-realtime": _REFUSED,
    "sequence-count-or-end": _REFUSED,
    "depends-or-dependencies": _REFUSED,
    "depends-and-continue-on": _REFUSED,
    "task-name-digit": _REFUSED,
    "manifest-twice": _REFUSED,
    "template-types": _REFUSED,
    "timeout-on-group": _REFUSED,
    "deadline-on-group": _REFUSED,
}

SCHEMA: Family[Manifest] = Family(_SCHEMA_WHY, _schema)
RULES: tuple[Rule[Manifest], ...] = (
    Rule("unknown-kind", "Nothing in the cluster would take it.", _kind),
    Rule("missing-name", "The API server refuses an object without a name.", _missing_name),
    Rule("object-name", "The API server refuses it.", _name),
    Rule(
        "name-too-long",
        "Runs carry the name as a label, of up to 63 characters; those of a CronWorkflow add eleven.",
        _name_length,
    ),
    Rule("bad-label", "The API server refuses the object, or the pods that Argo makes.", _labels),
    Rule("configmap-size", "The API server refuses more than 1 MiB.", _configmap_size),
    Rule(
        "workflow-size",
        "A run holds its resolved spec, and Argo stops at 1 MiB; etcd refuses 1.5 MB.",
        _workflow_size,
    ),
)
