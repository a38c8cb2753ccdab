"""One step inside a pod of Argo: from the arguments of its container to the files that Argo picks up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import placed, wire
from .documents import Context, Request, Result
from .errors import LaunchError
from .execute import execute
from .options import Options, read
from .paths import WORKSPACE, lay_out
from .task import TaskDocument, reading
from .values import Values

SOURCE = "{source}"
"""Stands in a document's command for the source, which is beside it in a file of its own."""

STATES: Mapping[str, str] = {
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Error": "FAILED",
    "Skipped": "SKIPPED",
    "Omitted": "SKIPPED",
}
"""How a task ended, in Argo's words and in KFP's."""


@dataclass(frozen=True)
class Step:
    """A step's document.

    Args:
        task: the step.
        parameters: file of each output parameter.
        artifacts: file of each output artifact.
        project: hash of each package of the project that it imports.
    """

    task: TaskDocument
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    project: Mapping[str, str] = field(default_factory=dict)


def run_pod(arguments: Sequence[str]) -> None:
    """Run a pod's step and leave what it gave in `out`, beside the launcher's folder.

    Args:
        arguments: see `options.read`.

    Raises:
        LaunchError: as `execute` does; also where an argument cannot be understood.
    """
    base = Path(__file__).absolute().parent.parent  # not resolved: a mounted file is a link
    options = read(arguments)
    try:
        step = _step(base / "steps", options.step)
        if step.project:
            from .project import check

            check(step.project)
        request, problems = placed.place(_request(step.task, options), options)
    except LaunchError as error:
        raise error.at(f"task {options.task}") from error
    try:
        result = _execute(request)
    except LaunchError as error:
        what = "; ".join([*problems, error.what])
        raise LaunchError(what, error.where, error.mend, error.exit_code) from error
    try:
        _leave(base / "out", step, request, result)
    except LaunchError as error:
        raise error.at(f"task {options.task}") from error


def _execute(request: Request) -> Result:
    if request.task.python is None:
        return execute(request)
    from .lightweight import executed

    return executed(request)


def _step(folder: Path, key: str) -> Step:
    try:
        document = json.loads((folder / f"{key}.json").read_bytes())
        task = dict(document["task"])
        if task.get("python"):
            source = (folder / f"{key}.py").read_text(encoding="utf-8")
            task["python"] = {**task["python"], "source": source}
            task["command"] = [source if word == SOURCE else word for word in task["command"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LaunchError(f"the step's document cannot be read: {error}", f"step {key}") from None

    def parts(document: Mapping[str, Any]) -> Step:
        files = document["files"]
        return Step(
            TaskDocument.from_json(task),
            files["parameters"],
            files["artifacts"],
            document.get("project") or {},
        )

    return reading("step's document", parts, document)


def _request(task: TaskDocument, options: Options) -> Request:
    workspace = WORKSPACE if Path(WORKSPACE).is_dir() else ""
    run = f"{options.root}/{options.run['name']}"
    context = Context(
        job_name=options.run["name"],
        job_resource_name=options.run["name"],
        job_id=options.run["uid"],
        task_name=options.task.rpartition("/")[2],
        task_id=options.pod,
        create_time=options.run["created"],
        schedule_time=options.run["scheduled"],
        pipeline_root=run,
        workspace=workspace,
    )
    env = {**task.env, "PIPELINE_TASK": options.task, "PIPELINE_RUN_ID": options.run["uid"]}
    request = Request(
        task=replace(task, name=options.task, env=env),
        # A dot: no output has such a name.
        root=f"{run}/{options.task}/.task/{options.pod}",
        context=context,
        mounts=options.mounts,
        uris={name: f"{run}/{options.task}/{name}/{options.pod}" for name in task.output_artifacts},
    )
    return _with_inputs(request, Values(options, request))


def _with_inputs(request: Request, values: Values) -> Request:
    """With what it is given; names such as `x.u` only serve the placeholders in others."""
    task, parameters = request.task, {}
    for name in values.options.parameters:
        if "." in name and name not in task.parameters:
            continue
        value = values.value(name)
        spec = task.parameters.get(name)
        if spec and spec.type == "TASK_FINAL_STATUS" and isinstance(value, dict):
            value = _status(value)
        # What a loop collected may be longer than what a step gives.
        parameters[name] = wire.encode(value, limit=None)
    artifacts = {name: values.records(name) for name in task.artifacts if name in values.options.artifacts}
    return replace(
        request,
        parameters=parameters,
        templates=frozenset(name for name in parameters if values.is_template(name)),
        artifacts={name: records for name, records in artifacts.items() if records is not None},
    )


def _status(given: Mapping[str, Any]) -> dict[str, Any]:
    state = STATES.get(given.get("state", ""), given.get("state", ""))
    if state == "SUCCEEDED":
        return {**given, "state": state, "error": {}}
    error = given.get("error") or {"code": 1, "message": f"it ended as {state}"}
    return {**given, "state": state, "error": error}


def _leave(out: Path, step: Step, request: Request, result: Result) -> None:
    declared = lay_out(request).records
    try:
        (out / "artifacts").mkdir(parents=True, exist_ok=True)
        for name, file in step.parameters.items():
            _write(out, "p", "c", file, result.parameters[name])
        for name, file in step.artifacts.items():
            records = placed.give(result.artifacts[name], declared[name], request, out / "artifacts" / file)
            value: Any = list(records)
            if not request.task.output_artifacts[name].is_list:
                value = records[0]
            _write(out, "a", "ac", file, wire.encode(value, limit=None))
    except KeyError as error:
        raise LaunchError(f"the step's document names a file for {error}, which is no output") from None
    except OSError as error:
        raise LaunchError(f"the step's results cannot be written: {error}") from None


def _write(out: Path, plain: str, collected: str, file: str, text: str) -> None:
    (out / f"{plain}-{file}").write_text(text, encoding="ascii")
    (out / f"{collected}-{file}").write_text(wire.twin(text), encoding="ascii")
