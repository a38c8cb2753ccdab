"""One step inside a pod of Argo: from the arguments of its container to the files that Argo picks up."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence

from . import incoming, outgoing, wire
from .documents import Context, Request, Result
from .errors import LaunchError, together
from .execute import execute
from .inputs import problems_of
from .options import Options, read
from .paths import WORKSPACE, lay_out
from .records import dataclass, field, replace
from .task import TaskDocument, reading
from .values import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOURCE = "{source}"
"""Stands in a document's command for the source, which is beside it in a file of its own."""

MODULES = "project.modules.json"
"""Beside the documents: hashes of the project's modules, by name. No step's document is called so."""


@dataclass(frozen=True)
class Step:
    """A step's document.

    Args:
        task: the step.
        parameters: file of each output parameter.
        artifacts: file of each output artifact.
        own: whether it runs in the project's own image; the project's modules there are then compared.
    """

    task: TaskDocument
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    own: bool = False


def main(arguments: Sequence[str]) -> int:
    """Run a pod's step and leave what it gave in `out`, beside the launcher's folder.

    Args:
        arguments: see `options.read`.

    Returns:
        The exit code of the step's program; 1 or 2 for any other mistake, which one line on standard error
        names.
    """
    # Not resolved: in a mounted ConfigMap every file is a link into a folder of another name.
    base = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        _run(read(arguments), base)
    except LaunchError as error:
        sys.stderr.write(f"error: {' '.join(str(error).splitlines())}\n")
        return error.exit_code
    return 0


def _run(options: Options, base: str) -> None:
    place = f"task {options.task}"
    try:
        step = _step(os.path.join(base, "steps"), options.step)
        if step.own:
            _compare(os.path.join(base, "steps"))
        request, problems = incoming.place(_request(step.task, options), options)
        layout = lay_out(request)
        way = outgoing.Exit(os.path.join(base, "out"), options.root, step.artifacts)
        outgoing.prepare(layout, request, way)
    except LaunchError as error:
        raise error.at(place) from error
    try:
        result = _execute(request, layout.output_file)
    except LaunchError as error:
        what = "; ".join([*problems, error.what])
        raise LaunchError(what, error.where, error.mend, error.exit_code) from error
    try:
        records = outgoing.hand_over(result, layout, request, way)
        _write_results(way.folder, step, result, records)
    except LaunchError as error:
        raise error.at(place) from error


def _execute(request: Request, output_file: str) -> Result:
    if request.task.python is None:
        return execute(request)
    from .lightweight import executed

    return executed(request, os.path.join(os.path.dirname(output_file), ".component"))


def _step(folder: str, key: str) -> Step:
    try:
        document = json.loads(_text(folder, f"{key}.json"))
        task = dict(document["task"])
        if task.get("python"):
            source = _text(folder, f"{key}.py")
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
            bool(document.get("own")),
        )

    return reading("step's document", parts, document)


def _compare(folder: str) -> None:
    from .project import check  # only steps of one's own

    try:
        modules = json.loads(_text(folder, MODULES))
    except (OSError, ValueError) as error:
        raise LaunchError(f"the project's hashes cannot be read: {error}") from None
    check(modules)


def _text(folder: str, name: str) -> str:
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
        return file.read()


def _request(task: TaskDocument, options: Options) -> Request:
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
        workspace=WORKSPACE if os.path.isdir(WORKSPACE) else "",
    )
    env = {"PIPELINE_TASK": options.task, "PIPELINE_RUN_ID": options.run["uid"], **task.env}
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
    """With what it is given; names such as `x.u` only serve the placeholders in others.

    Raises:
        LaunchError: everything that is wrong with it.
    """
    task = request.task
    parameters: dict[str, str] = {}
    artifacts: dict[str, Sequence[Mapping[str, Any]]] = {}
    problems: dict[str, LaunchError] = {}
    for name in [*values.options.parameters, *values.options.artifacts]:
        if "." in name and name not in task.parameters and name not in task.artifacts:
            continue
        try:
            if name in values.options.artifacts:
                if (records := values.records(name)) is not None:
                    artifacts[name] = records
            else:
                # What a loop collected may be longer than what a step gives.
                parameters[name] = wire.encode(values.value(name), limit=None)
        except LaunchError as error:
            problems[name] = error
    templates = frozenset(name for name in parameters if values.is_template(name))
    request = replace(request, parameters=parameters, templates=templates, artifacts=artifacts)
    if problems:
        known = tuple(f"input {name!r}" for name in problems)
        others = [each for each in problems_of(request, lay_out(request)) if each.where not in known]
        raise together([*problems.values(), *others])
    return request


def _write_results(out: str, step: Step, result: Result, records: Mapping[str, Sequence[Any]]) -> None:
    try:
        for name, file in step.parameters.items():
            _write(out, "p", "c", file, result.parameters[name])
        for name, file in step.artifacts.items():
            is_list = step.task.output_artifacts[name].is_list
            value = list(records[name]) if is_list else records[name][0]
            _write(out, "a", "ac", file, wire.encode(value, limit=None))
    except KeyError as error:
        raise LaunchError(f"the step's document names a file for {error}, which is no output") from None
    except OSError as error:
        raise LaunchError(f"the step's results cannot be written: {error}") from None


def _write(out: str, plain: str, collected: str, file: str, text: str) -> None:
    for prefix, content in ((plain, text), (collected, wire.twin(text))):
        with open(os.path.join(out, f"{prefix}-{file}"), "w", encoding="ascii") as opened:
            opened.write(content)
