"""What a backend hands to the launcher and gets back: plain JSON at the edge, frozen dataclasses inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .records import dataclass, field
from .task import TaskDocument, reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

Record: TypeAlias = "Mapping[str, Any]"
"""An artifact: `{"name", "type": {"schemaTitle", "schemaVersion"}, "uri", "metadata"}`."""


@dataclass(frozen=True)
class Context:
    """Facts about the run that placeholders such as `{{$.pipeline_job_name}}` stand for.

    Args:
        job_name: name of the run as people see it.
        job_resource_name: name of the run as the system has it.
        job_id: unique id of the run.
        task_name: name of the task.
        task_id: unique id of this execution of it.
        create_time: of the run, UTC, RFC 3339.
        schedule_time: for which the run was meant, UTC, RFC 3339.
        pipeline_root: where the run's artifacts go.
        workspace: folder shared by the run's steps; empty where there is none.
    """

    job_name: str = ""
    job_resource_name: str = ""
    job_id: str = ""
    task_name: str = ""
    task_id: str = ""
    create_time: str = ""
    schedule_time: str = ""
    pipeline_root: str = ""
    workspace: str = ""


@dataclass(frozen=True)
class Request:
    """One execution of a step.

    Args:
        task: the step.
        root: folder (or URI of one) of this execution, for its outputs; nothing else may write there.
        parameters: wire text by name. An absent name and the text `null` both mean: no value. Names that
            the step does not declare serve placeholders in the values of others.
        templates: names of the parameters whose text was written by the pipeline's author and may hold
            placeholders; everything else is data and is never looked into.
        artifacts: records by name.
        context: facts about the run.
        mounts: local folder for each scheme; those not named keep KFP's own.
        uris: of output artifacts by name; those not named are below the root.
    """

    task: TaskDocument
    root: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    templates: frozenset[str] = frozenset()
    artifacts: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    mounts: Mapping[str, str] = field(default_factory=dict)
    uris: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Request:
        """From the form in which a backend writes it into a file.

        Raises:
            LaunchError: the document lacks something.
        """
        return reading("request", _request, document)

    def to_json(self) -> dict[str, Any]:
        """The way back."""
        return {
            "task": self.task.to_json(),
            "root": self.root,
            "parameters": dict(self.parameters),
            "templates": sorted(self.templates),
            "artifacts": {name: list(records) for name, records in self.artifacts.items()},
            "context": dict(vars(self.context)),
            "mounts": dict(self.mounts),
            "uris": dict(self.uris),
        }


@dataclass(frozen=True)
class Problem:
    """Why a step has no result; see LaunchError for the parts."""

    what: str
    where: str = ""
    mend: str = ""


@dataclass(frozen=True)
class Result:
    """What a step gave.

    Args:
        parameters: wire text of every declared output; `null` for one that has no value.
        artifacts: records of every declared output.
        error: why there is none of that; None where all went well.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    error: Problem | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Result:
        """From `{"parameters", "artifacts"}` or `{"error": {"what", "where", "mend"}}`.

        Raises:
            LaunchError: it is neither.
        """
        return reading("result", _result, document)

    def to_json(self) -> dict[str, Any]:
        """The way back."""
        if self.error:
            return {"error": dict(vars(self.error))}
        artifacts = {name: list(records) for name, records in self.artifacts.items()}
        return {"parameters": dict(self.parameters), "artifacts": artifacts}


def _request(document: Mapping[str, Any]) -> Request:
    return Request(
        task=TaskDocument.from_json(document["task"]),
        root=document["root"],
        parameters=document.get("parameters") or {},
        templates=frozenset(document.get("templates") or ()),
        artifacts=document.get("artifacts") or {},
        context=Context(**(document.get("context") or {})),
        mounts=document.get("mounts") or {},
        uris=document.get("uris") or {},
    )


def _result(document: Mapping[str, Any]) -> Result:
    if "error" in document:
        return Result(error=Problem(**document["error"]))
    return Result(parameters=document["parameters"], artifacts=document["artifacts"])
