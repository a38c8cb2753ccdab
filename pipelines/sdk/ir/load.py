"""The text of a compiled pipeline -> KFP's own protobuf messages, checked for shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipelines.sdk.errors import BadPipeline, Finding

SCHEMA_VERSIONS = ("2.0.0", "2.1.0")
MAX_NODES = 2_000_000  # of a document, aliases counted each time they are used: a small file must stay small
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


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as JSON would have it: no dates, and a key stands once."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, expression) for tag, expression in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Reads a mapping, and refuses a key that stands twice: PyYAML would keep the last."""
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value) and not any(k.tag.endswith(":merge") for k, _ in node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


def load(text: str, where: str) -> Documents:
    """Reads IR of one or two documents.

    Args:
        text: YAML (or JSON, which is YAML).
        where: the file's name, for messages.

    Raises:
        BadPipeline: where it is no YAML, no pipeline spec, or one of an unknown schema.
    """
    documents = _documents(text, where)
    spec_doc = documents[0]
    if not isinstance(spec_doc, dict):
        raise _bad("the file has no pipeline: its top level is no mapping", where)
    if "pipelineSpec" in spec_doc and "root" not in spec_doc:  # a PipelineJob around the spec
        spec_doc = spec_doc["pipelineSpec"]
    _check_kind(spec_doc, where)
    spec = _parse(spec_doc, pb.PipelineSpec(), where, "pipeline spec")
    deployment_doc = json_format.MessageToDict(spec.deployment_spec)
    deployment = _parse(deployment_doc, pb.PipelineDeploymentConfig(), where, "deploymentSpec")
    platform = documents[1] if len(documents) > 1 else {"platforms": {}}
    return _with_platform(Documents(spec, deployment), platform, where)


def _documents(text: str, where: str) -> list[Any]:
    try:
        documents = [d for d in yaml.load_all(text, Loader=_Loader) if d is not None]
    except yaml.YAMLError as error:
        raise _bad(f"not YAML: {' '.join(str(error).split())}", where) from error
    except (ValueError, RecursionError) as error:
        raise _bad(f"not readable as YAML: {error}", where) from error
    if not documents:
        raise _bad("the file is empty", where)
    if len(documents) > 2:
        raise _bad(
            f"{len(documents)} YAML documents; a pipeline has one, and perhaps one for platforms", where
        )
    for document in documents:
        _check_size(document, where)
    return documents


def _check_size(document: object, where: str) -> None:
    nodes, stack = 0, [document]
    while stack:
        node = stack.pop()
        nodes += 1
        if nodes > MAX_NODES:
            raise _bad("the YAML unfolds to more than two million values (aliases in aliases?)", where)
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _check_kind(document: Mapping[str, Any], where: str) -> None:
    if "apiVersion" in document and "kind" in document:
        raise _bad(f"this is a Kubernetes object of kind {document['kind']}, not KFP IR", where)
    if "schemaVersion" not in document and "schema_version" not in document:
        missing = [key for key in ("schemaVersion", "root", "deploymentSpec") if key not in document]
        raise _bad(f"not a compiled pipeline: it has no {', '.join(missing)}", where)
    version = document.get("schemaVersion", document.get("schema_version"))
    if str(version) not in SCHEMA_VERSIONS:
        known = ", ".join(SCHEMA_VERSIONS)
        raise _bad(f"schemaVersion {version!r} is unknown; known: {known}", where)


def _parse(document: object, message: Message, where: str, what: str) -> Any:
    try:
        return json_format.ParseDict(document, message)  # type: ignore[arg-type]
    except (json_format.ParseError, TypeError, AttributeError, RecursionError) as error:
        text = " ".join(str(error).split()).partition("Available Fields")[0].replace("ml_pipelines.", "")
        raise _bad(f"the {what} has a wrong shape: {text}", where) from error


def _with_platform(documents: Documents, platform: object, where: str) -> Documents:
    message = _parse(platform, pb.PlatformSpec(), where, "platform document")
    unknown = sorted(set(message.platforms) - {"kubernetes"})
    if unknown:
        raise BadPipeline(Finding(f"settings for an unknown platform: {', '.join(unknown)}", where))
    kubernetes = message.platforms["kubernetes"]
    executors = {
        label: json_format.MessageToDict(settings)
        for label, settings in kubernetes.deployment_spec.executors.items()
    }
    return Documents(documents.spec, documents.deployment, executors, kubernetes.pipelineConfig)


def _bad(what: str, where: str) -> BadPipeline:
    return BadPipeline(Finding(what, where, _COMPILE_AGAIN))
