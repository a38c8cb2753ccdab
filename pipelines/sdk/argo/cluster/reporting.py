"""How a run ended: a table, the last words of what failed, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.sdk.argo.cluster import pods
from pipelines.sdk.argo.cluster.following import record, status
from pipelines.sdk.argo.cluster.nodes import FAILED, StepState, outcome, steps
from pipelines.sdk.argo.cluster.outputs import outputs
from pipelines.sdk.argo.cluster.runs import Run
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Cluster
from pipelines.sdk.local.scope import Status
from pipelines.sdk.progress import LOG_LINES, SHOWN_FAILURES, SHOWN_TASKS, STYLES
from pipelines.sdk.values import Json

_RESULT = {"Succeeded": Status.SUCCEEDED, "Failed": Status.FAILED, "Error": Status.FAILED}
_CELL = 60  # characters of a step's outputs


@dataclass(frozen=True)
class Failure:
    """The last words of a step.

    Args:
        step: that failed.
        lines: of its log.
        note: why there are none.
    """

    step: StepState
    lines: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Report:
    """A run that has ended, or as far as it has come.

    Args:
        run: in a few words.
        namespace: of it.
        pipeline: name of its WorkflowTemplate.
        status: how it ended, in KFP's words; RUNNING before that.
        steps: all that began or were left out.
        records: the same for people and `--json`.
        failures: the last words of failed steps.
        outputs: of the pipeline.
    """

    run: Run
    namespace: str
    pipeline: str
    status: str
    steps: tuple[StepState, ...]
    workflow: Mapping[str, Any]
    failures: tuple[Failure, ...]
    outputs: Mapping[str, Json]

    def to_json(self) -> dict[str, Any]:
        """For `--json`; what a local run gives has the same keys."""
        tasks = []
        for each in self.steps:
            told = record(each, self.steps, self.workflow).to_json() if each.done else _unfinished(each)
            tasks.append({**told, **({"exit_code": each.exit_code} if each.exit_code is not None else {})})
        return {
            "run": self.run.name,
            "namespace": self.namespace,
            "pipeline": self.pipeline,
            "status": self.status,
            "seconds": round(self.run.seconds, 3),
            "tasks": tasks,
            "outputs": dict(self.outputs),
            **({"message": self.run.message} if self.run.message else {}),
        }


def _unfinished(step: StepState) -> dict[str, Any]:
    return {"name": step.path, "status": step.phase.upper(), "seconds": round(step.seconds, 3), "outputs": {}}


def result(workflow: Mapping[str, Any]) -> Status | None:
    """How a run ended, in KFP's words; None before.

    Args:
        workflow: the run.
    """
    return _RESULT.get(outcome(workflow))


def report(cluster: Cluster, workflow: Mapping[str, Any]) -> Report:
    """Reads how a run stands; the logs of failed steps are fetched.

    Args:
        cluster: see Cluster.
        workflow: the run.
    """
    found = steps(workflow)
    run = Run.of(workflow)
    ended = result(workflow)
    stopped = ended is Status.FAILED and (workflow.get("spec") or {}).get("shutdown")
    return Report(
        run=run,
        namespace=cluster.namespace,
        pipeline=(workflow["spec"].get("workflowTemplateRef") or {}).get("name", ""),
        status=str(Status.CANCELLED if stopped else ended or "RUNNING"),
        steps=found,
        workflow=workflow,
        failures=_failures(cluster, run.name, _failed(found)),
        outputs=outputs(workflow) if ended is Status.SUCCEEDED else {},
    )


def _failed(found: Sequence[StepState]) -> list[StepState]:
    """The steps that failed, and what Argo could not begin: its node says which expression has no answer."""
    return [each for each in found if each.phase in FAILED and (each.step or each.message)]


def _failures(cluster: Cluster, run: str, failed: Sequence[StepState]) -> tuple[Failure, ...]:
    if not failed:
        return ()
    try:
        names = pods.of_run(cluster, run)
    except PipelineError as error:
        note = f"its pod cannot be looked up: {error.findings[0].what}"
        return tuple(Failure(each, (), note) for each in failed)
    found = []
    for number, each in enumerate(failed):
        lines, note = (
            pods.last_lines(cluster, names, each.pods, LOG_LINES) if number < SHOWN_FAILURES else ([], "")
        )
        # Argo's own error, where there never was a pod: its message says all.
        never_ran = each.phase == "Error" and each.exit_code is None
        found.append(Failure(each, tuple(lines), "" if never_ran else note))
    return tuple(found)


def show(told: Report, console: Console) -> None:
    """Prints a report.

    Args:
        told: see Report.
        console: standard error.
    """
    records = [record(each, told.steps, told.workflow) for each in told.steps]
    shown = list(zip(told.steps, records, strict=True))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("task", "status", "seconds", "outputs"):
        table.add_column(
            name, overflow="ellipsis", no_wrap=True, justify="right" if name == "seconds" else "left"
        )
    for step, each in shown[:SHOWN_TASKS]:
        word = str(each.status).lower() if step.done else step.phase.lower()
        style = STYLES[status(step, told.workflow)] if step.done else ""
        seconds = f"{each.seconds:.0f}" if step.step else ""
        table.add_row(Text(each.name), Text(word, style=style), seconds, Text(_cell(each.outputs)))
    if shown:
        console.print(table)
    if len(shown) > SHOWN_TASKS:
        console.print(f"... and {len(shown) - SHOWN_TASKS} more")
    _show_failures(told, console)
    style = STYLES.get(Status(told.status), "") if told.status in Status.__members__ else ""
    console.print(Text(f"{told.status} in {told.run.seconds:.0f} s", style=style), soft_wrap=True)
    for name, value in told.outputs.items():
        console.print(f"  {name} = {_cut(_shown(value), 200)}", soft_wrap=True)


def _show_failures(told: Report, console: Console) -> None:
    for each in told.failures[:SHOWN_FAILURES]:
        said = record(each.step, told.steps, told.workflow).message or each.step.phase
        console.print(Text(f"{each.step.path}: {said}", style="red"), soft_wrap=True)
        for line in each.lines:
            console.print(Text("    ") + Text.from_ansi(line), soft_wrap=True)
        if each.note:
            console.print(f"    {each.note}", soft_wrap=True)
    if len(told.failures) > SHOWN_FAILURES:
        console.print(f"... and {len(told.failures) - SHOWN_FAILURES} more failed")
    explained = any(each.step.message == told.run.message for each in told.failures)
    if told.run.message and not explained and (not told.failures or told.run.phase == "Error"):
        console.print(Text(f"Argo says: {told.run.message}", style="red"), soft_wrap=True)


def _cell(values: Mapping[str, Json]) -> str:
    return _cut(", ".join(f"{name}={_shown(value)}" for name, value in values.items()), _CELL)


def _shown(value: Json) -> str:
    """A value for people; of artifacts, where they are."""
    if isinstance(value, list) and value and all(map(_is_artifact, value)):
        return json.dumps([each["uri"] for each in value])
    return str(value["uri"]) if isinstance(value, dict) and _is_artifact(value) else json.dumps(value)


def _is_artifact(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() >= {"name", "type", "uri", "metadata"}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
