"""A failed run once more: what succeeded is kept, what failed and all that came after it starts anew.

Argo has no field for that: whoever retries a run rewrites its status, as Argo's server and command line do,
and the controller goes on from there. Containment is read from the nodes' names (`run.group(0:x).step(1)`),
order from their `children`.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.sdk.argo.cluster.kinds import ARCHIVING_LABEL, COMPLETED_LABEL
from pipelines.sdk.argo.cluster.nodes import FAILED, FULFILLED, GROUPS, Node, nodes

_EXIT = ".onExit"
_ENDED_WELL = FULFILLED - FAILED
_NESTS = GROUPS | {"Retry"}


@dataclass(frozen=True)
class Restart:
    """What a retry changes.

    Args:
        again: ids of the nodes that are forgotten, so that they run again.
        reopened: ids of the groups around them, which go on.
    """

    again: frozenset[str]
    reopened: frozenset[str]


def restart(found: Mapping[str, Node]) -> Restart:
    """Decides which nodes start anew.

    Exit handlers of reopened groups are among them: they will have another end to tell of.

    Args:
        found: the nodes of a run that failed, by id.
    """
    failed = _failed(found)
    again = _closure({node["id"] for node in failed if _is_cause(node, failed)}, found)
    while True:
        reopened = {node["id"] for node in found.values() if _reopens(node, again, found)}
        handlers = {n["id"] for n in found.values() if any(_hooked(n, found[each]) for each in reopened)}
        more = _closure(again | handlers, found)
        if more == again:
            return Restart(frozenset(again), frozenset(reopened - again))
        again = more


def _failed(found: Mapping[str, Node]) -> list[Node]:
    """The nodes that failed, without the attempts of steps that succeeded in the end.

    Argo ends a run that is stopped at once, and leaves what has not ended by then as it was: that failed too.
    """
    saved = [n["name"] for n in found.values() if n["type"] == "Retry" and n.get("phase") == "Succeeded"]
    tries = tuple(f"{name}(" for name in saved)
    failed = (node for node in found.values() if node.get("phase") not in _ENDED_WELL)
    return [node for node in failed if not str(node["name"]).startswith(tries)]


def _is_cause(node: Node, failed: Iterable[Node]) -> bool:
    """Whether a node failed by itself, and not because of another one inside it."""
    if node["type"] not in _NESTS:
        return True
    return not any(_within(each, node) and not _hooked(each, node) for each in failed)


def _within(node: Node, group: Node) -> bool:
    return str(node["name"]).startswith((f"{group['name']}.", f"{group['name']}("))


def _hooked(node: Node, group: Node) -> bool:
    """Whether a node is a group's exit handler, or inside it."""
    name = f"{group['name']}{_EXIT}"
    return str(node["name"]) == name or str(node["name"]).startswith((f"{name}.", f"{name}("))


def _closure(ids: Iterable[str], found: Mapping[str, Node]) -> set[str]:
    """Nodes with all that is inside them and all that came after them."""
    known: set[str] = set()
    pending = list(ids)
    while pending:
        each = pending.pop()
        if each in known or each not in found:
            continue
        known.add(each)
        pending.extend(found[each].get("children") or ())
        if found[each]["type"] in _NESTS:
            pending.extend(other["id"] for other in found.values() if _within(other, found[each]))
    return known


def _reopens(node: Node, again: set[str], found: Mapping[str, Node]) -> bool:
    return node["type"] in _NESTS and any(_within(found[each], node) for each in again)


def reopened(workflow: Mapping[str, Any], plan: Restart, now: datetime) -> dict[str, Any]:
    """The Workflow as the controller must find it to go on.

    Args:
        workflow: as it was read, ended.
        plan: what changes.
        now: the time of the retry; deadlines count from it.
    """
    made = copy.deepcopy(dict(workflow))
    kept = {each: node for each, node in nodes(workflow).items() if each not in plan.again}
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = made["status"]
    packed = "compressedNodes" in status and not status.get("nodes")
    changed = {each: _node(node, plan, stamp) for each, node in kept.items()}
    status |= _packed(changed) if packed else {"nodes": changed}
    for key in ("phase", "message", "finishedAt", "persistentVolumeClaims"):
        status.pop(key, None)
    status["startedAt"] = stamp
    status["conditions"] = [
        {**each, "status": "False"} if each["type"] == "Completed" else each
        for each in status.get("conditions") or ()
    ]
    if results := status.get("taskResultsCompletionStatus"):
        status["taskResultsCompletionStatus"] = {n: v for n, v in results.items() if n not in plan.again}
    for spec in (made["spec"], status.get("storedWorkflowTemplateSpec") or {}):
        spec.pop("shutdown", None)
    if made["spec"].get("activeDeadlineSeconds") == 0:  # how older versions of Argo terminated a run
        del made["spec"]["activeDeadlineSeconds"]
    for label in (COMPLETED_LABEL, ARCHIVING_LABEL):
        (made["metadata"].get("labels") or {}).pop(label, None)
    return made


def _node(node: Node, plan: Restart, stamp: str) -> dict[str, Any]:
    made = dict(node)
    for key in ("children", "outboundNodes"):
        if key in made:
            made[key] = [each for each in made[key] if each not in plan.again]
    if node["id"] in plan.reopened:
        made |= {"phase": "Running", "message": "", "startedAt": stamp, "finishedAt": None}
    return made


def _packed(found: Mapping[str, Node]) -> dict[str, Any]:
    text = json.dumps(found, separators=(",", ":")).encode()
    return {"compressedNodes": base64.b64encode(gzip.compress(text)).decode()}
