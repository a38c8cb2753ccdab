"""What a run on Argo gave, in the form in which a local run says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.argo import Options
from pipelines.sdk.argo.book import Book
from pipelines.sdk.argo.cluster.nodes import nodes
from pipelines.sdk.argo.dags import dag_body
from pipelines.sdk.argo.options import PIPELINE_ROOT
from pipelines.sdk.argo.pods import settings_as_inputs
from pipelines.sdk.argo.tasks import handed_over
from pipelines.sdk.argo.travel import Carrier, Index, Key, Lists, Or, Resolve, Text
from pipelines.sdk.argo.wrapping import wrapped
from pipelines.sdk.launch import travel
from pipelines.sdk.plan import Plan

Texts = Mapping[str, str]
_SIBLING = re.compile(r"\{\{\$\.inputs\.parameters\['([^']*)'\]\}\}")


def outputs(plan: Plan, workflow: Mapping[str, Any]) -> dict[str, Any]:
    """The pipeline's outputs, decoded; of a run that failed there are none."""
    texts = _root_outputs(workflow)
    if texts is None:
        return {}
    return {name: _value(carrier, texts) for name, carrier in _carriers(plan).items()}


def pod_names(workflow: Mapping[str, Any]) -> list[str]:
    """Names of the steps' pods, which their processes know as the machine's name."""
    run = workflow["metadata"]["name"]
    return [
        f"{run}-{node['templateName']}-{node['id'].removeprefix(f'{run}-')}"
        for node in nodes(workflow).values()
        if node["type"] == "Pod"
    ]


def _root_outputs(workflow: Mapping[str, Any]) -> dict[str, str] | None:
    wanted = f"{workflow['metadata']['name']}.pipeline"
    root = next((node for node in nodes(workflow).values() if node["name"] == wanted), None)
    if root is None or root.get("phase") != "Succeeded":
        return None
    return {each["name"]: each["value"] for each in root.get("outputs", {}).get("parameters", [])}


def _carriers(plan: Plan) -> Mapping[str, Carrier]:
    """How each output of the pipeline leaves its outermost DAG."""
    rewritten = wrapped(settings_as_inputs(plan))
    interface = rewritten.root.interface
    given = {name: Carrier(Text(expression="x")) for name in interface.parameters}
    given |= {name: Carrier(Text(expression="x"), artifact=True) for name in interface.artifacts}
    book = Book(Options(), plan.name, PIPELINE_ROOT, "", bool(plan.platform.workspace))
    return dag_body(plan.name, rewritten.root, handed_over(given)[0], "", book, False).outputs


def _value(carrier: Carrier, texts: Texts) -> Any:
    value = launch.decode(_text(carrier.text, texts))
    for each in carrier.via:
        if isinstance(each, Resolve):
            siblings = {n: _value(s, texts) for n, s in each.siblings if isinstance(s, Carrier)}
            value = _resolved(value, siblings)
        else:
            value = travel.apply(value, [_instruction(each, texts)], _no_placeholders, carrier.artifact)
    return value


def _text(text: Text, texts: Texts) -> str:
    return texts.get(text.output, launch.NULL) if text.output else text.static


def _instruction(via: Key | Index | Lists | Or, texts: Texts) -> Any:
    match via:
        case Key(name):
            return name
        case Index(at):
            return int(_text(at, texts))
        case Lists(levels):
            return {"lists": levels}
        case Or(wire):
            return {"or": launch.decode(wire)}


def _no_placeholders(value: Any, _: Mapping[str, str]) -> Any:
    raise AssertionError(f"{value!r} has placeholders that nobody resolved")


def _resolved(value: Any, siblings: Mapping[str, Any]) -> Any:
    """The texts of a record with what the pipeline's author put into them."""
    if isinstance(value, str):
        return _SIBLING.sub(lambda found: str(siblings[found[1]]), value)
    if isinstance(value, list):
        return [_resolved(each, siblings) for each in value]
    if isinstance(value, dict):
        return {_resolved(key, siblings): _resolved(each, siblings) for key, each in value.items()}
    return value


def observed(value: Any, content: Callable[[str], Any]) -> Any:
    """An output as it is compared: an artifact without its URI, but with its content.

    Args:
        value: of the output.
        content: of the artifact with a URI.
    """
    if isinstance(value, list):
        return [observed(each, content) for each in value]
    if not (isinstance(value, dict) and value.keys() >= {"name", "type", "uri", "metadata"}):
        return value
    return {
        "name": value["name"],
        "type": value["type"]["schemaTitle"],
        "metadata": value["metadata"],
        "content": content(value["uri"]),
    }


def story(workflow: Mapping[str, Any], logs: Mapping[str, str], problem: str) -> str:
    """What happened, for the message of a test that fails."""
    if problem:
        return problem
    lines: Sequence[str] = [
        f"{node['type']} {node['name']}: {node.get('phase')} {node.get('message', '')}"
        for node in nodes(workflow).values()
    ]
    status = workflow.get("status", {})
    head = f"{workflow['metadata']['name']}: {status.get('phase')} {status.get('message', '')}"
    return "\n".join([head, *lines, *(f"--- {pod}\n{text}" for pod, text in logs.items())])
