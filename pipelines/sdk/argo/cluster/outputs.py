"""The outputs of a pipeline, read from a run as the compiler has described them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.argo.cluster.kinds import SCHEDULED_TIME
from pipelines.sdk.argo.cluster.nodes import root_node
from pipelines.sdk.argo.outputs import OUTPUTS_ANNOTATION
from pipelines.sdk.launch import travel
from pipelines.sdk.values import Json


def outputs(workflow: Mapping[str, Any]) -> dict[str, Json]:
    """The outputs of a run's pipeline by name, artifacts as records; none before it has succeeded.

    An output that cannot be worked out, as when a step gave another value than its reader expects, is the
    text that is there: the run is over, and has said what it had to.

    Args:
        workflow: the run.

    Raises:
        EnvironmentProblem: its nodes are out of reach.
    """
    described = (workflow["metadata"].get("annotations") or {}).get(OUTPUTS_ANNOTATION)
    root = root_node(workflow)
    if not described or root is None or root.get("phase") != "Succeeded":
        return {}
    told = json.loads(described)
    given = (root.get("outputs") or {}).get("parameters") or ()
    reader = _Reader(
        {each["name"]: each.get("value") or "" for each in given}, _facts(workflow, told["root"])
    )
    return {name: reader.output(each) for name, each in told["outputs"].items()}


def _facts(workflow: Mapping[str, Any], root: str) -> dict[str, str]:
    """What placeholders can say of the run; of a task there is nothing to say here."""
    about = workflow["metadata"]
    context = launch.Context(
        job_name=about["name"],
        job_resource_name=about["name"],
        job_id=about.get("uid", ""),
        task_name="",
        task_id="",
        create_time=about.get("creationTimestamp", ""),
        schedule_time=(about.get("annotations") or {}).get(SCHEDULED_TIME, ""),
        pipeline_root=f"{root}/{about['name']}",
    )
    return launch.facts_of(context)


@dataclass(frozen=True)
class _Reader:
    """Reads outputs.

    Args:
        texts: output parameters of the pipeline's node.
        facts: see `launch.facts_of`.
    """

    texts: Mapping[str, str]
    facts: Mapping[str, str]

    def output(self, told: Mapping[str, Any]) -> Any:
        try:
            return self._value(told)
        except launch.LaunchError:
            return self._text(told)

    def _text(self, told: Mapping[str, Any]) -> str:
        if "text" in told:
            return str(told["text"])
        return travel.arrived(self.texts.get(told["parameter"], ""))

    def _value(self, told: Mapping[str, Any]) -> Any:
        program = [self._instruction(each) for each in told.get("via", ())]
        value = launch.decode(self._text(told))
        return travel.apply(value, program, self._resolved, bool(told.get("artifact")))

    def _instruction(self, each: Any) -> Any:
        is_index = isinstance(each, dict) and "index" in each
        return launch.decode(self.texts.get(each["index"], launch.NULL)) if is_index else each

    def _resolved(self, value: Any, siblings: Mapping[str, Any]) -> Any:
        values = {name: self._value(each) for name, each in siblings.items()}
        records = {n: self._records(values[n]) for n, each in siblings.items() if each.get("artifact")}
        return launch.resolve(value, launch.Scope(values.__getitem__, records, facts=self.facts))

    def _records(self, value: Any) -> Any:
        return value if isinstance(value, list) or value is None else [value]
