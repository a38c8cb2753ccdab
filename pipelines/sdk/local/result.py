"""How a run ended, as data: for the summary, `--json` and `run.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.scope import Artifacts, Outcome, Status, Value
from pipelines.sdk.plan import Step, Task
from pipelines.sdk.values import Json


@dataclass(frozen=True)
class TaskRecord:
    """How one task of a run ended.

    Args:
        name: its path.
        status: how.
        seconds: from the start of its first process to its end; waiting for a free core is not in it.
        outputs: values; artifacts as records.
        message: why, where it did not succeed.
        cached: whether an earlier result stood for running it.
        step: whether it is a step, and not a group or importer.
        culprit: of a group, the path of the task because of which it did not succeed.
        attempts: how often a step was run.
    """

    name: str
    status: Status
    seconds: float
    outputs: Mapping[str, Json] = field(default_factory=dict)
    message: str = ""
    cached: bool = False
    step: bool = True
    culprit: str = ""
    attempts: int = 0

    def to_json(self) -> dict[str, Any]:
        """For `--json` and `run.json`."""
        record = {"name": self.name, "status": str(self.status), "seconds": round(self.seconds, 3)}
        extra: dict[str, Any] = {"message": self.message} if self.message else {}
        if self.attempts > 1:
            extra["attempts"] = self.attempts
        return {**record, "outputs": dict(self.outputs), "cached": self.cached, **extra}


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Args:
        run: its id.
        pipeline: name of the pipeline.
        status: how.
        seconds: it took, imports included.
        folder: of its files.
        tasks: in the order in which they ended.
        outputs: of the pipeline.
        preload_seconds: that imports took; steps can have run meanwhile.
        message: why, where it did not succeed.
        notes: what else its user should know.
    """

    run: str
    pipeline: str
    status: Status
    seconds: float
    folder: Path
    tasks: tuple[TaskRecord, ...]
    outputs: Mapping[str, Json]
    preload_seconds: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--json` and `run.json`."""
        return {
            "run": self.run,
            "pipeline": self.pipeline,
            "status": str(self.status),
            "seconds": round(self.seconds, 3),
            "preload_seconds": round(self.preload_seconds, 3),
            "folder": str(self.folder),
            "tasks": [task.to_json() for task in self.tasks],
            "outputs": dict(self.outputs),
            **({"message": self.message} if self.message else {}),
            **({"notes": list(self.notes)} if self.notes else {}),
        }


@dataclass(frozen=True)
class Watcher:
    """Called while a run goes on. That nobody can be told any more (a closed terminal) stops no run.

    Args:
        opened: with the run's folder, before anything starts.
        started: with a task's path and the task, when its process starts.
        ended: with its record.
    """

    opened: Callable[[RunFolder], None] = lambda folder: None
    started: Callable[[str, Task], None] = lambda path, task: None
    ended: Callable[[TaskRecord], None] = lambda record: None


@dataclass(frozen=True)
class Recorder:
    """Keeps the records of a run's tasks, and tells the watcher.

    Args:
        watcher: see Watcher.
        records: in the order in which the tasks ended.
    """

    watcher: Watcher
    records: list[TaskRecord] = field(default_factory=list)

    def started(self, path: str, task: Task) -> None:
        """A task has started."""
        with suppress(OSError):
            self.watcher.started(path, task)

    def ended(self, path: str, task: Task, outcome: Outcome, seconds: float) -> None:
        """A task has ended."""
        record = TaskRecord(
            name=path,
            status=outcome.status,
            seconds=max(seconds, 0.0),
            outputs=plain(outcome.outputs),
            message=outcome.message,
            cached=outcome.cached,
            step=isinstance(task.body, Step),
            culprit=outcome.culprit,
            attempts=outcome.attempts,
        )
        self.records.append(record)
        with suppress(OSError):
            self.watcher.ended(record)


def plain(outputs: Mapping[str, Value]) -> dict[str, Json]:
    """Outputs as JSON."""
    return {n: value.to_json() if isinstance(value, Artifacts) else value for n, value in outputs.items()}
