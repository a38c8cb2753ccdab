"""What a run on Argo gave, in the form in which a local run says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.sdk.argo.cluster.nodes import nodes


def pod_names(workflow: Mapping[str, Any]) -> list[str]:
    """Names of the steps' pods, which their processes know as the machine's name."""
    run = workflow["metadata"]["name"]
    return [
        f"{run}-{node['templateName']}-{node['id'].removeprefix(f'{run}-')}"
        for node in nodes(workflow).values()
        if node["type"] == "Pod"
    ]


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
