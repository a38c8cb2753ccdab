"""The nodes in a Workflow's status, as steps with the paths that a local run shows."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipelines.sdk.argo.cluster.kinds import phase
from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.launch import WireError, decode
from pipelines.sdk.values import Json

Node = Mapping[str, Any]
GROUPS = frozenset({"DAG", "TaskGroup", "Steps", "StepGroup"})
FAILED = frozenset({"Failed", "Error"})
FULFILLED = frozenset({"Succeeded", "Skipped", "Omitted"}) | FAILED
_NEVER_RAN = frozenset({"Skipped", "Omitted"})
_ITEM = re.compile(r"^(?P<name>[^(]+)\((?P<index>\d+):.*\)$", re.DOTALL)
_ROOT_TASK = "pipeline"  # of the template `main`, around the pipeline itself
_EXIT = ".onExit"
_EXPRESSION = re.compile(r"failed to evaluate expression: (?P<said>.*?)(?: \(\d+:\d+\))?\n \| ")


@dataclass(frozen=True)
class StepState:
    """A step, or a group that did not succeed, as it stands.

    Args:
        node: id of its node.
        path: `for-loop-1.0/train-model`: an iteration's number follows the loop's name.
        step: whether it is a step, which has a pod.
        phase: Argo's: Pending, Running, Succeeded, Failed, Error, Skipped, Omitted.
        message: Argo's.
        started: None before.
        ended: None before.
        exit_code: of its container; None where it has none yet, or never had one.
        pods: ids of the nodes that have its pods, one for each attempt.
        outputs: values of its output parameters; artifacts as records.
    """

    node: str
    path: str
    step: bool
    phase: str
    message: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    pods: tuple[str, ...] = ()
    outputs: Mapping[str, Json] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """It has taken so far."""
        end = self.ended or datetime.now(UTC)
        return max((end - self.started).total_seconds(), 0.0) if self.started else 0.0

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.phase in FULFILLED


def nodes(workflow: Mapping[str, Any]) -> dict[str, Node]:
    """The nodes of a run by id, unpacked where Argo has compressed them.

    Raises:
        EnvironmentProblem: they are in a database that only Argo's server reads.
    """
    status = workflow.get("status") or {}
    if status.get("nodes"):
        return dict(status["nodes"])
    if packed := status.get("compressedNodes"):
        try:
            found: dict[str, Node] = json.loads(gzip.decompress(base64.b64decode(packed)))
        except (ValueError, OSError, EOFError, binascii.Error) as error:
            where = f"Workflow {workflow['metadata']['name']}"
            raise EnvironmentProblem(
                Finding(f"its compressed nodes cannot be read: {error}", where)
            ) from error
        return found
    if status.get("offloadNodeStatusVersion"):
        what = "its steps are kept in the controller's database (nodeStatusOffLoad), not in the Workflow"
        mend = "look at the run in Argo's own UI, or with `argo get`, which ask Argo's server"
        raise EnvironmentProblem(Finding(what, f"Workflow {workflow['metadata']['name']}", mend))
    return {}


def steps(workflow: Mapping[str, Any]) -> tuple[StepState, ...]:
    """All steps of a run that have begun or been left out, and the groups that did not succeed, oldest first.

    Raises:
        EnvironmentProblem: see `nodes`.
    """
    found = nodes(workflow)
    attempts = {child for node in found.values() if node["type"] == "Retry" for child in _tried(node, found)}
    shown = [
        _state(node, found)
        for node in found.values()
        if node["id"] not in attempts and _is_shown(node, workflow["metadata"]["name"])
    ]
    by_name = {node["id"]: node["name"] for node in found.values()}
    return tuple(sorted(shown, key=lambda each: (each.started or _LATE, by_name[each.node])))


def root_node(workflow: Mapping[str, Any]) -> Node | None:
    """The node of the pipeline's outermost DAG; None before it has begun.

    Raises:
        EnvironmentProblem: see `nodes`.
    """
    wanted = f"{workflow['metadata']['name']}.{_ROOT_TASK}"
    return next((node for node in nodes(workflow).values() if node["name"] == wanted), None)


def outcome(workflow: Mapping[str, Any]) -> str:
    """Argo's phase of a run; but Failed where an exit handler failed, which Argo leaves out."""
    try:
        found = nodes(workflow) if phase(workflow) == "Succeeded" else {}
    except EnvironmentProblem:  # out of reach: Argo's word is all there is
        found = {}
    failed = any(each["name"].endswith(_EXIT) and each.get("phase") in FAILED for each in found.values())
    return "Failed" if failed else phase(workflow)


def moment(text: object) -> datetime | None:
    """A time as Kubernetes writes it; None where there is none."""
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


_LATE = datetime.max.replace(tzinfo=UTC)


def _is_shown(node: Node, run: str) -> bool:
    if node["type"] in ("Pod", "Retry"):
        return True
    if node["type"] == "Suspend" or node["name"] in (run, f"{run}.{_ROOT_TASK}"):
        return False
    return str(node.get("phase")) in _NEVER_RAN | FAILED


def _tried(retry: Node, found: Mapping[str, Node]) -> list[str]:
    """Ids of the attempts of a Retry node; its other children are what comes after it."""
    children = (child for child in retry.get("children") or () if child in found)
    return [child for child in children if found[child]["name"].startswith(f"{retry['name']}(")]


def _state(node: Node, found: Mapping[str, Node]) -> StepState:
    pods = _tried(node, found) if node["type"] == "Retry" else [node["id"]] if node["type"] == "Pod" else []
    last = found[pods[-1]] if pods else node
    code = str((last.get("outputs") or {}).get("exitCode") or "")
    own = str(node.get("phase") or "Pending")
    return StepState(
        node=node["id"],
        path=path(node, found),
        step=node["type"] in ("Pod", "Retry"),
        # A Retry node is Running while its pod still waits.
        phase=str(last.get("phase") or own) if own == "Running" and _waits(last) else own,
        message=_said(str(last.get("message") or node.get("message") or "")),
        started=moment(node.get("startedAt")),
        ended=moment(node.get("finishedAt")) if own in FULFILLED else None,
        exit_code=int(code) if code.lstrip("-").isdecimal() else None,
        pods=tuple(pods),
        outputs={} if own in FAILED else _outputs(node if node.get("outputs") else last),
    )


def _said(message: str) -> str:
    """What Argo says of a node; of an expression that failed, what it said, and not the expression too."""
    found = _EXPRESSION.match(message)
    return found["said"] if found else message


def _waits(node: Node) -> bool:
    return node.get("phase") == "Pending"


def _outputs(node: Node) -> dict[str, Json]:
    """The values that a launched step or a group gave, under the names they have in the pipeline."""
    found: dict[str, Json] = {}
    for each in (node.get("outputs") or {}).get("parameters") or ():
        kind, _, name = each["name"].partition("-")
        if kind in ("p", "a") and name:
            try:
                found[name] = decode(each.get("value") or "null")
            except WireError:  # of a native step: text as it is
                found[name] = each.get("value")
    return found


def path(node: Node, found: Mapping[str, Node]) -> str:
    """The path of a node, as a local run would write it."""
    chain = [_part(each) for each in _chain(node, found)]
    declared = _declared(node, found)
    if not declared:
        return "/".join(f"{name}.{index}" if index else name for name, index in _unwrapped(chain))
    # The compiled path has the names that the author knows; the iterations are in the chain alone.
    indices: dict[str, list[str]] = {}
    for name, index in chain:
        if index:
            indices.setdefault(name, []).append(index)
    parts = []
    for part in declared.split("/"):
        numbers = indices.get(part)
        parts.append(f"{part}.{numbers.pop(0)}" if numbers else part)
    return "/".join(parts)


def _chain(node: Node, found: Mapping[str, Node]) -> list[Node]:
    """A node and the groups that it is in, outermost first, without those around the whole pipeline."""
    chain = [node]
    while (above := found.get(str(chain[-1].get("boundaryID") or ""))) is not None:
        chain.append(above)
    chain.reverse()
    return chain[2:] if len(chain) > 2 and chain[1].get("displayName") == _ROOT_TASK else chain[1:] or chain


def _part(node: Node) -> tuple[str, str]:
    """Name of a task and number of the iteration."""
    shown = str(node.get("displayName") or node["name"].rpartition(".")[2]).replace(_EXIT, " (on exit)")
    found = _ITEM.match(shown)
    return (found["name"], found["index"]) if found else (shown, "")


def _unwrapped(chain: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without the groups that the compiler put around a task, which bear its name."""
    kept: list[tuple[str, str]] = []
    for name, index in chain:
        if kept and kept[-1][0] == name and not (index and kept[-1][1]):
            index = kept.pop()[1] or index
        kept.append((name, index))
    return kept


def _declared(node: Node, found: Mapping[str, Node]) -> str:
    """The path that the compiler gave a step as a parameter; empty for what is no step of ours."""
    holders = [node, *(found[child] for child in _tried(node, found))] if node["type"] == "Retry" else [node]
    for holder in holders:
        for each in (holder.get("inputs") or {}).get("parameters") or ():
            if each["name"] == "task":
                return str(each.get("value") or "")
    return ""
