"""Workflow statuses as Argo 4.1.2 writes them, made short: names, containment and order of real runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RUN = "run"
Node = dict[str, Any]


def node(name: str, kind: str, boundary: str = "", phase: str = "Succeeded", **more: Any) -> Node:
    """A node.

    Args:
        name: without the run's; ids are names here.
        kind: Argo's type.
        boundary: name of the group whose template it belongs to.
        phase: Argo's.
        more: further fields.
    """
    shown = name.rpartition(".")[2] if not name.endswith(".onExit") else ".".join(name.split(".")[-2:])
    made = {
        "id": name,
        "name": f"{RUN}.{name}" if name else RUN,
        "displayName": shown or RUN,
        "type": kind,
        "phase": phase,
        "boundaryID": boundary,
        "startedAt": "2026-11-23T10:00:00Z",
        **({"finishedAt": "2026-11-23T10:00:05Z"} if phase not in ("Running", "Pending") else {}),
    }
    return {**made, **more}


def pod(name: str, boundary: str = "pipeline", **more: Any) -> Node:
    return node(name, "Pod", boundary, **more)


def retry(name: str, boundary: str = "pipeline", **more: Any) -> Node:
    return node(name, "Retry", boundary, **more)


def group(name: str, boundary: str = "", type: str = "DAG", **more: Any) -> Node:
    return node(name, type, boundary, **more)


def workflow(
    *nodes: Node, phase: str = "Succeeded", paths: Mapping[str, str] = {}, **status: Any
) -> dict[str, Any]:
    """A run with the nodes around its pipeline added.

    Args:
        nodes: of the run.
        phase: of the run.
        paths: that the compiler has given steps, by the last part of their names.
        status: further fields.
    """
    found = {each["id"]: dict(each) for each in nodes}
    found[""] = {**node("", "DAG", phase=phase), "id": "root", "children": ["pipeline"]}
    found["root"] = found.pop("")
    found.setdefault("pipeline", node("pipeline", "DAG", "root", phase))
    found["pipeline"]["boundaryID"] = "root"
    for each in found.values():
        last = each["displayName"].partition("(")[0]
        if each["type"] in ("Pod", "Retry") and last in paths:
            each["inputs"] = {"parameters": [{"name": "task", "value": paths[last]}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": RUN,
            "namespace": "ml",
            "creationTimestamp": "2026-11-23T09:59:59Z",
            "labels": {"workflows.argoproj.io/completed": "true", "workflows.argoproj.io/phase": phase},
        },
        "spec": {"workflowTemplateRef": {"name": "train"}},
        "status": {
            "phase": phase,
            "startedAt": "2026-11-23T10:00:00Z",
            "finishedAt": "2026-11-23T10:01:00Z",
            "conditions": [{"type": "Completed", "status": "True"}],
            "nodes": found,
            **status,
        },
    }
