"""Text of a compiled pipeline -> KFP's own protobuf messages, checked for shape."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir import header, yamltext
from pipelines.sdk.ir.shape import Misfit, described, line_of, misfits
from pipelines.sdk.ir.values import json_value
from pipelines.sdk.values import Json

SCHEMA_VERSIONS = ("2.0.0", "2.1.0")
MAX_FINDINGS = 20
_REQUIRED = {
    "schemaVersion": "schema_version",
    "pipelineInfo": "pipeline_info",
    "root": "root",
    "deploymentSpec": "deployment_spec",
}
_COMPILE_AGAIN = "compile it again with kfp 2.x: `kfp dsl compile --py FILE.py --output FILE.yaml`"


@dataclass(frozen=True)
class Documents:
    """What a compiled pipeline consists of.

    Args:
        spec: the pipeline spec.
        deployment: its executors (a free-form part of `spec`, read as the message it is).
        kubernetes: executor label -> settings, from the `kubernetes` platform document.
        config: `pipelineConfig` of that document.
    """

    spec: Any
    deployment: Any
    kubernetes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    config: Any = field(default_factory=pb.PipelineConfig)


def load(text: str, where: str) -> Documents:
    """Reads IR of one or two documents.

    Args:
        text: YAML (or JSON, which is YAML).
        where: the file's name, for messages.

    Raises:
        BadPipeline: where it is no YAML, no pipeline spec, or one of an unknown schema.
    """
    spec_doc, platform_doc = _documents(text, where)
    _check_kind(spec_doc, where)
    deployment_doc: Any = spec_doc.get("deploymentSpec", spec_doc.get("deployment_spec"))
    spec, deployment, platform = pb.PipelineSpec(), pb.PipelineDeploymentConfig(), pb.PlatformSpec()
    _refuse(misfits(spec_doc, spec.DESCRIPTOR), where)
    _refuse(misfits(deployment_doc, deployment.DESCRIPTOR, "deploymentSpec"), where)
    _refuse(misfits(platform_doc, platform.DESCRIPTOR), where)
    _parse(spec_doc, spec, where)
    _parse(deployment_doc, deployment, where)
    _parse(platform_doc, platform, where)
    kubernetes, config = _kubernetes(platform, deployment, where)
    return Documents(spec, deployment, kubernetes, config)


def _documents(text: str, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pipeline and the platform document, in whichever order they stand."""
    try:
        documents = yamltext.documents(header.mended(text))
    except yamltext.BadYaml as error:
        raise _bad(error.what, _at(where, error.line), "") from error
    if not documents:
        raise _bad("the file is empty", where)
    if len(documents) > 2:
        what = f"{len(documents)} YAML documents; a pipeline has one, and perhaps one for platforms"
        raise _bad(what, where)
    specs: list[dict[str, Any]] = []
    platforms: list[dict[str, Any]] = []
    for document in documents:
        if not isinstance(document, dict):
            raise _bad(f"not a compiled pipeline: expected a mapping, found {described(document)}", where)
        only_platforms = "platforms" in document and "schemaVersion" not in document
        (platforms if only_platforms else specs).append(document)
    if len(specs) == 2:
        raise _bad("two pipelines in one file", where, "give each a file of its own")
    if not specs:
        raise _bad("it has platforms' settings, but no pipeline", where)
    return specs[0], platforms[0] if platforms else {}


def _check_kind(document: dict[str, Any], where: str) -> None:
    if "apiVersion" in document and "kind" in document:
        kind = described(document["kind"])
        raise _bad(f"this is a Kubernetes object of kind {kind}, not a compiled pipeline", where)
    if "pipelineSpec" in document:
        mend = (
            "put what is below pipelineSpec in a file of its own; run it with the parameters of runtimeConfig"
        )
        raise _bad("this is a PipelineJob, a pipeline together with the values of one run", where, mend)
    missing = [key for key, other in _REQUIRED.items() if document.get(key, document.get(other)) is None]
    if missing:
        raise _bad(f"not a compiled pipeline: it has no {', '.join(missing)}", where)
    version = document.get("schemaVersion", document.get("schema_version"))
    if str(version) not in SCHEMA_VERSIONS:
        known = ", ".join(SCHEMA_VERSIONS)
        at = _at(where, line_of(document, "schemaVersion", 0) if "schemaVersion" in document else 0)
        raise _bad(f"schemaVersion {described(version)} is unknown; known: {known}", at)


def _refuse(found: Iterable[Misfit], where: str) -> None:
    findings = [
        Finding(f"{each.path}: {each.what}", _at(where, each.line), each.mend)
        for each in itertools.islice(found, MAX_FINDINGS)
    ]
    if len(findings) == MAX_FINDINGS:
        findings.append(Finding("perhaps more; this is where reading stopped", where, _COMPILE_AGAIN))
    if findings:
        raise BadPipeline(*findings)


def _parse(document: dict[str, Any], message: Message, where: str) -> None:
    """Fills a message. Its shape has been looked at; what is left are ranges that protobuf knows better."""
    try:
        json_format.ParseDict(document, message, max_recursion_depth=4 * yamltext.MAX_DEPTH)
    except (json_format.ParseError, RecursionError) as error:
        text = " ".join(str(error).split()).replace("ml_pipelines.", "")
        raise _bad(f"protobuf refuses it: {text}", where) from error


def _kubernetes(platform: Any, deployment: Any, where: str) -> tuple[dict[str, Any], Any]:
    findings = [
        Finding(f"no backend has a platform {name!r}", f"{where}, platforms", "known: kubernetes")
        for name in sorted(set(platform.platforms) - {"kubernetes"})
    ]
    ours = platform.platforms["kubernetes"]
    if ours.config.fields or ours.platform not in ("", "kubernetes"):
        findings.append(Finding("`platform` and `config` mean nothing here", f"{where}, platforms"))
    executors: dict[str, Json] = {}
    for label, settings in sorted(ours.deployment_spec.executors.items()):
        executors[label] = json_value(settings)
        place = f"{where}, platforms.kubernetes.deploymentSpec.executors.{label}"
        if label not in deployment.executors:
            findings.append(Finding("the pipeline has no such executor", place))
        elif executors[label] and deployment.executors[label].WhichOneof("spec") != "container":
            findings.append(Finding("settings of a pod, for an executor that has none", place))
    if findings:
        raise BadPipeline(*findings)
    return executors, ours.pipelineConfig


def _at(where: str, line: int) -> str:
    return f"{where}:{line}" if line else where


def _bad(what: str, where: str, mend: str = _COMPILE_AGAIN) -> BadPipeline:
    return BadPipeline(Finding(what, where, mend))
