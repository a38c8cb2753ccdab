"""What is known inside one pipeline or group while it runs, and how bindings are looked up in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from pipelines.sdk.errors import Finding, RunFailed
from pipelines.sdk.launch.errors import shorten
from pipelines.sdk.values import (
    Binding,
    Constant,
    DagInput,
    FinalStatus,
    Interface,
    Json,
    Selector,
    TaskOutput,
)

Record: TypeAlias = dict[str, Any]
"""An artifact as it travels: name, type, uri, metadata."""


@dataclass(frozen=True)
class Artifacts:
    """The value of an artifact input or output: one record, or a list of them.

    Args:
        records: the artifacts.
        many: whether it is a list.
    """

    records: tuple[Record, ...]
    many: bool = False

    def to_json(self) -> Json:
        """The record, or the list of records."""
        return list(self.records) if self.many else self.records[0]


Value: TypeAlias = "Json | Artifacts"


class Status(StrEnum):
    """How a task or run ended; names as in KFP."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Args:
        status: how.
        outputs: by name; an output that was not written is absent or None.
        message: why, where it did not succeed.
        cached: whether an earlier result stood for running it.
        culprit: of a group, the path of the task because of which it did not succeed.
        attempts: how often a step was run.
        waited: seconds before a step's first process started.
    """

    status: Status
    outputs: Mapping[str, Value] = field(default_factory=dict)
    message: str = ""
    cached: bool = False
    culprit: str = ""
    attempts: int = 0
    waited: float = 0.0

    @property
    def reason(self) -> str:
        """The message, with the task that it is about."""
        named = f"task {self.culprit}"
        return f"{named}: {self.message}" if self.culprit and named not in self.message else self.message


@dataclass(frozen=True)
class Scope:
    """One running pipeline or group.

    Args:
        inputs: its inputs by name.
        outcomes: of its tasks, as far as they have ended.
        job: name of the run, for the final status of a task.
    """

    inputs: Mapping[str, Value]
    outcomes: dict[str, Outcome]
    job: str = ""

    def look_up(self, binding: Binding, item: Value = None) -> Value:
        """The value that a binding stands for; None where there is none.

        Args:
            binding: of a task of this scope.
            item: the loop's element, for the arguments of an iteration.
        """
        if isinstance(binding, Constant):
            return binding.value
        if isinstance(binding, DagInput):
            return _follow(self.inputs.get(binding.name), binding.path, binding.name)
        if isinstance(binding, TaskOutput):
            outcome = self.outcomes.get(binding.task)
            value = outcome.outputs.get(binding.output) if outcome else None
            return _follow(value, binding.path, f"{binding.task}.{binding.output}")
        if isinstance(binding, FinalStatus):
            return final_status(self.outcomes[binding.task], binding.task, self.job)
        return item

    def select(self, selectors: Mapping[str, Selector]) -> dict[str, Value]:
        """The outputs of this pipeline or group; of several sources (`dsl.OneOf`) the one that ran."""
        return {name: self._first(selector) for name, selector in selectors.items()}

    def _first(self, selector: Selector) -> Value:
        for source in selector.sources:
            outcome = self.outcomes.get(source.task)
            if outcome is not None and outcome.status is Status.SUCCEEDED:
                return self.look_up(source)
        return None


def final_status(outcome: Outcome, task: str, job: str) -> Json:
    """What a `PipelineTaskFinalStatus` input receives, in KFP's spelling."""
    error = {} if outcome.status is Status.SUCCEEDED else {"code": 1, "message": outcome.reason}
    return {
        "state": str(outcome.status),
        "pipelineJobResourceName": job,
        "pipelineTaskName": task,
        "error": error,
    }


def _follow(value: Value, path: tuple[str, ...], where: str) -> Value:
    for key in path:
        if isinstance(value, Artifacts):
            raise RunFailed(Finding(f"it is an artifact, and has no {key!r}", where))
        if isinstance(value, str):  # a dict that travels as text: KFP's parseJson(string_value)
            try:
                value = json.loads(value)
            except ValueError as error:
                what = f"{shorten(value)} is no JSON, so it has no {key!r}"
                raise RunFailed(Finding(what, where)) from error
        if not isinstance(value, dict) or key not in value:
            raise RunFailed(Finding(f"the value has no key {key!r}: {json.dumps(value)[:120]}", where))
        value = value[key]
    return value


def with_defaults(interface: Interface, given: Mapping[str, Value]) -> dict[str, Value]:
    """The inputs of a pipeline or group: what was given, and the default where nothing was."""
    defaults = {name: p.default for name, p in interface.parameters.items() if p.has_default}
    return {**defaults, **{name: value for name, value in given.items() if value is not None}}


def collected(values: list[Value], *, artifacts: bool) -> Value:
    """What `dsl.Collected` makes of one output over all iterations, in their order.

    Parameters give a list with None for an iteration that was skipped. Artifacts give one flat list, also
    over nested loops, as KFP's executor expects them.

    Args:
        values: the output of each iteration.
        artifacts: whether it is one of artifacts.
    """
    if not artifacts:
        return [value for value in values if not isinstance(value, Artifacts)]
    parts = [value.records for value in values if isinstance(value, Artifacts)]
    return Artifacts(tuple(record for part in parts for record in part), many=True)


def worst(outcomes: Iterable[Outcome]) -> Status:
    """How a group of tasks ended; a skipped task is no failure."""
    statuses = {outcome.status for outcome in outcomes}
    return next((s for s in (Status.CANCELLED, Status.FAILED) if s in statuses), Status.SUCCEEDED)


def ended(outcomes: Mapping[str, Outcome], outputs: Mapping[str, Value]) -> Outcome:
    """The outcome of a group.

    Args:
        outcomes: of its tasks or iterations, by path, in order.
        outputs: those it has where it succeeded.
    """
    status = worst(outcomes.values())
    if status is Status.SUCCEEDED:
        return Outcome(status, outputs)
    # What failed explains more than what was stopped because of it.
    bad = {path: each for path, each in outcomes.items() if each.status in (Status.FAILED, Status.CANCELLED)}
    path, first = min(bad.items(), key=lambda each: each[1].status is not Status.FAILED)
    return Outcome(status, message=first.message, culprit=first.culprit or path)
