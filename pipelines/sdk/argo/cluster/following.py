"""A run while it goes on: a line a step, in place on a terminal, once in a log; and what hinders it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from pipelines.sdk.argo.cluster import pods
from pipelines.sdk.argo.cluster.costs import without_iterations
from pipelines.sdk.argo.cluster.kinds import ENDED, phase
from pipelines.sdk.argo.cluster.nodes import FAILED, StepState, steps
from pipelines.sdk.argo.cluster.watching import states
from pipelines.sdk.errors import Finding, PipelineError, Unreachable
from pipelines.sdk.kube import Cluster
from pipelines.sdk.local.result import TaskRecord
from pipelines.sdk.local.scope import Status
from pipelines.sdk.progress import Progress

NO_CONTROLLER_SECONDS = 10.0
"""Without a sign of life from Argo's controller, after which it is said that there is none."""

GIVE_UP_SECONDS = 300.0
"""Likewise, after which nobody waits any longer; a controller that is being replaced is back before that."""

STUCK_SECONDS = 20.0
"""That a pod may take to start before it is asked why."""

_CREATING = ("", "ContainerCreating", "PodInitializing")
_STATUS = {
    "Succeeded": Status.SUCCEEDED,
    "Failed": Status.FAILED,
    "Error": Status.FAILED,
    "Skipped": Status.SKIPPED,
    "Omitted": Status.SKIPPED,
}


@dataclass
class Board:
    """What has been shown of a run.

    Args:
        cluster: see Cluster.
        run: its name.
        progress: where running and ended steps are shown; None for a quiet wait.
        console: for everything else.
        timeout: seconds after which the run is not waited for any longer; 0 for none.
        since: when watching began, on the monotonic clock.
        shown: ids of the nodes whose end was shown.
        told: remarks made, each once.
    """

    cluster: Cluster
    run: str
    progress: Progress | None
    console: Console
    timeout: float = 0.0
    since: float = field(default_factory=time.monotonic)
    shown: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    waiting: dict[str, float] = field(default_factory=dict)

    def update(self, workflow: Mapping[str, Any]) -> None:
        """Shows what has changed."""
        found = steps(workflow)
        if self.progress:
            self.progress.running = dict(_running(found))
            for each in found:
                if each.done and each.node not in self.shown:
                    self.progress.ended(record(each, found, workflow))
        # A node that is not done any more has been started again, by `retry`.
        self.shown = {each.node for each in found if each.done}
        self.hindrances(workflow, found)

    def hindrances(self, workflow: Mapping[str, Any], found: Sequence[StepState]) -> None:
        """Says, once each, why the run does not go on."""
        now = time.monotonic()
        message = str((workflow.get("status") or {}).get("message") or "")
        if not phase(workflow) and now - self.since > NO_CONTROLLER_SECONDS:
            where = f"namespace {self.cluster.namespace}"
            self.tell(f"nothing has picked the run up yet: does an Argo controller watch {where}?")
        elif phase(workflow) == "Pending" and message:  # a lock, or too many runs at once
            self.tell(f"the run waits: {' '.join(message.split())}")
        pending = {each.node: each for each in found if each.phase == "Pending" and each.step}
        self.waiting = {node: self.waiting.get(node, now) for node in pending}
        for node, each in pending.items():
            late = now - self.waiting[node] > STUCK_SECONDS
            reason = self._events(each) if late and each.message in _CREATING else each.message
            if reason.startswith(pods.STUCK) or (late and reason not in _CREATING):
                # One remark for all iterations of a loop, and for all words that Kubernetes has for the same.
                key = f"{without_iterations(each.path)} {pods.family(reason)}"
                self.tell(f"{each.path} waits: {' '.join(reason.split())}", key)
                self.tell(f"it goes on by itself once that is mended; to end the run: stop {self.run}")

    def patience(self, workflow: Mapping[str, Any]) -> None:
        """Ends the waiting where it has no sense, or was to last only so long.

        Raises:
            Unreachable: the run has not ended in time, or no controller looks at it.
        """
        if phase(workflow) in ENDED:
            return
        waited, where = time.monotonic() - self.since, f"Workflow {self.run}"
        if self.timeout and waited > self.timeout:
            mend = f"it goes on; see it again: watch {self.run}; end it: stop {self.run}"
            raise Unreachable(Finding(f"it has not ended in {self.timeout:g} s", where, mend))
        if not phase(workflow) and waited > GIVE_UP_SECONDS:
            what = f"no Argo controller has looked at it in {GIVE_UP_SECONDS:g} s, so it does not start"
            mend = (
                f"start the controller, or let it watch namespace {self.cluster.namespace}: then it runs; "
                f"or take it away: kubectl delete workflow {self.run} -n {self.cluster.namespace}"
            )
            raise Unreachable(Finding(what, where, mend))

    def _events(self, step: StepState) -> str:
        try:
            names = pods.of_run(self.cluster, self.run)
        except PipelineError:
            return ""
        return next((pods.warnings(self.cluster, names[node]) for node in step.pods if node in names), "")

    def tell(self, text: str, key: str = "") -> None:
        """Makes a remark, once."""
        if (key or text) not in self.told:
            self.told.add(key or text)
            self.console.print(text, style="yellow", soft_wrap=True)


def follow(
    cluster: Cluster, workflow: dict[str, Any], console: Console, *, live: bool, timeout: float = 0.0
) -> dict[str, Any]:
    """Waits for the end of a run, and shows meanwhile how it goes.

    Args:
        cluster: see Cluster.
        workflow: the run, as it was read.
        console: standard error.
        live: whether steps are shown as they run and end.
        timeout: seconds after which the run is not waited for any longer; 0 for none.

    Returns:
        The run as it ended.

    Raises:
        PipelineError: it was deleted, did not end in time, or the cluster is out of reach for long.
    """
    name = workflow["metadata"]["name"]
    with Progress(console=console) if live else nullcontext() as progress:
        for state in observed(Board(cluster, name, progress, console, timeout), workflow):
            workflow = state
    return workflow


def observed(board: Board, workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A run's states until it has ended, and again after a while in which nothing changed.

    Args:
        board: on which they are shown, and what hinders the run.
        workflow: the run, as it was read.

    Raises:
        PipelineError: as `follow` does.
    """

    def lost(error: Unreachable) -> None:
        board.console.print(f"{error.findings[0].what}; the run goes on, trying again", style="yellow")

    for state in states(board.cluster, workflow, lost):
        if state is None:
            board.hindrances(workflow, steps(workflow))
        else:
            workflow = state
            board.update(workflow)
        yield workflow
        board.patience(workflow)


def _running(found: Sequence[StepState]) -> Iterator[tuple[str, float]]:
    """What runs or waits, and since when on the clock that the terminal's lines use."""
    for each in found:
        if each.step and not each.done:
            why = f"{each.phase.lower()}: {each.message}" if each.message else each.phase.lower()
            label = each.path if each.phase == "Running" else f"{each.path}  ({why})"
            yield label, time.perf_counter() - each.seconds


def record(step: StepState, found: Sequence[StepState], workflow: Mapping[str, Any]) -> TaskRecord:
    """A step in the form in which a local run's are shown.

    Args:
        step: the step, or a group.
        found: all steps of the run.
        workflow: the run.
    """
    return TaskRecord(
        name=step.path,
        status=status(step, workflow),
        seconds=step.seconds,
        outputs=step.outputs,
        message=message(step),
        step=step.step,
        culprit="" if step.step else culprit(step, found),
        attempts=len(step.pods),
    )


def status(step: StepState, workflow: Mapping[str, Any]) -> Status:
    """How a step ended, in the words of KFP."""
    stopped = (workflow.get("spec") or {}).get("shutdown")
    if stopped and step.phase in FAILED and "shutdown" in step.message:
        return Status.CANCELLED
    return _STATUS.get(step.phase, Status.CANCELLED)


def message(step: StepState) -> str:
    """Why a step did not succeed, in a few words."""
    if step.phase == "Skipped":
        return "its condition is false" if "evaluated false" in step.message else step.message
    if step.phase == "Omitted":
        return "what it waits for did not succeed"
    code = f"exit code {step.exit_code}"
    if step.phase in FAILED and step.exit_code and code not in step.message:
        return f"{step.message} ({code})".strip()
    return step.message if step.phase in FAILED else ""


def culprit(group: StepState, found: Sequence[StepState]) -> str:
    """The step because of which a group failed; empty where none is known."""
    inside = (f"{group.path}/", f"{group.path}.")
    failed = (each for each in found if each.step and each.phase in FAILED)
    return next((each.path for each in failed if each.path.startswith(inside)), "")
