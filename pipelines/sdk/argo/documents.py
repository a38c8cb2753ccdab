"""The documents of a compiled pipeline: ConfigMaps, WorkflowTemplate, CronWorkflow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.argo.names import digest
from pipelines.sdk.argo.options import MANAGER_LABELS, NAME_LABEL, PIPELINE_ANNOTATION, Options
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.launch import WireError, encode
from pipelines.sdk.launch.pod import MODULES
from pipelines.sdk.plan import Plan
from pipelines.sdk.values import Parameter

SOURCE = "{source}"  # stands in a command for what is in the file beside it
MAX_BYTES = 900_000  # of a ConfigMap's data; Kubernetes takes 1 MiB with everything
MAX_TEMPLATES = 200  # maxItems of the kind
MAX_CRON_NAME = 52  # Argo puts a time behind it
MAX_NAME = 63
DEADLINE_SECONDS = 86_400
TTL = {"secondsAfterSuccess": 259_200, "secondsAfterFailure": 1_209_600}


def launcher_files() -> dict[str, str]:
    """The launcher, file by file."""
    folder = Path(launch.__file__).parent
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py"))}


def step_files(documents: Mapping[str, Mapping[str, Any]], modules: Mapping[str, str]) -> dict[str, str]:
    """The steps' documents and sources as files, sorted by name.

    Args:
        documents: by name of the step.
        modules: of the project, that its own steps are to find in their image: hash by name.
    """
    files: dict[str, str] = {}
    for name, document in sorted(documents.items()):
        task = dict(document["task"])
        if task["python"]:
            source = task["python"]["source"]
            # KFP puts an empty line first, with which YAML would show all of it as one long string.
            files[f"{name}.py"] = source.lstrip("\n")
            task["python"] = {"function": task["python"]["function"]}
            # The source is in the command too; once is enough to review.
            task["command"] = [SOURCE if word == source else word for word in task["command"]]
        files[f"{name}.json"] = _readable_json({**document, "task": task})
    if modules and any(document.get("own") for document in documents.values()):
        files[MODULES] = _readable_json(modules)
    return files


def _readable_json(document: Mapping[str, Any]) -> str:
    """A step's document as text that people can read."""
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def config_maps(name: str, files: Mapping[str, str], options: Options, pipeline: str) -> list[dict[str, Any]]:
    """Immutable ConfigMaps that hold files, as few as Kubernetes' limit allows.

    Args:
        name: that each name begins with.
        files: texts by name.
        options: of the compilation.
        pipeline: name of the WorkflowTemplate.

    Raises:
        BadPipeline: a single file is over the limit.
    """
    parts: list[dict[str, str]] = [{}]
    size = 0
    for key, text in files.items():
        weight = len(key.encode()) + len(text.encode())
        if weight > MAX_BYTES:
            what = f"{key} has {weight:,} bytes, more than the {MAX_BYTES:,} that a ConfigMap can take"
            raise BadPipeline(
                Finding(what, mend="put large data into an artifact or the image, not the source")
            )
        if size + weight > MAX_BYTES:
            parts.append({})
            size = 0
        parts[-1][key] = text
        size += weight
    made = []
    for data in parts:
        metadata = _metadata(f"{name}-{digest(data)}", options, pipeline)
        made.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": data}
        )
    return made


def _metadata(name: str, options: Options, pipeline: str) -> dict[str, Any]:
    namespace = {"namespace": options.namespace} if options.namespace else {}
    return {"name": name, **namespace, "labels": {**MANAGER_LABELS, NAME_LABEL: pipeline}}


def workflow_template(name: str, spec: Mapping[str, Any], plan: Plan, options: Options) -> dict[str, Any]:
    """The WorkflowTemplate around a spec.

    Args:
        name: of it.
        spec: of its workflows.
        plan: the pipeline.
        options: of the compilation.
    """
    metadata = _metadata(name, options, name)
    annotations = {PIPELINE_ANNOTATION: plan.name}
    if plan.display_name:
        annotations["workflows.argoproj.io/title"] = _readable(plan.display_name)
    if plan.description:
        annotations["workflows.argoproj.io/description"] = _readable(plan.description.partition("\n\n")[0])
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {**metadata, "annotations": annotations},
        "spec": dict(spec),
    }


def _readable(text: str) -> str:
    return " ".join(text.split())


def cron_workflow(name: str, options: Options) -> dict[str, Any]:
    """The schedule of a WorkflowTemplate.

    Args:
        name: of both.
        options: with a schedule.

    Raises:
        BadPipeline: the name is too long: Argo puts the time of each run behind it.
    """
    if len(name) > MAX_CRON_NAME:
        what = f"the name has {len(name)} characters, and a CronWorkflow's at most {MAX_CRON_NAME}"
        raise BadPipeline(Finding(what, name, "give a shorter one with --name"))
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": _metadata(name, options, name),
        "spec": {
            "schedules": [options.schedule],
            "timezone": options.timezone,
            "suspend": options.suspend,
            "concurrencyPolicy": "Forbid",
            # A controller that was down at the time makes up for it; without this the night is lost.
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 7,
            "failedJobsHistoryLimit": 14,
            "workflowSpec": {"workflowTemplateRef": {"name": name}},
        },
    }


def volumes(launcher: str, steps: Sequence[str]) -> list[dict[str, Any]]:
    """The volumes that bring a step its launcher and its document.

    Args:
        launcher: name of the ConfigMap with the launcher.
        steps: of those with the steps' documents.
    """
    sources = [{"configMap": {"name": name}} for name in steps]
    return [
        {"name": "launcher", "configMap": {"name": launcher}},
        {"name": "steps", "projected": {"sources": sources}},
    ]


def workflow_arguments(plan: Plan) -> list[dict[str, Any]]:
    """The pipeline's inputs as parameters of the workflow, in the form that people give them."""
    found: list[dict[str, Any]] = []
    for name, parameter in plan.root.interface.parameters.items():
        entry: dict[str, Any] = {"name": name}
        if parameter.has_default and parameter.default is not None:
            entry["value"] = _default(name, parameter)
        elif parameter.optional or parameter.has_default:
            entry["value"] = "wire:null"
        if parameter.literals:
            entry["enum"] = [launch_text(each, parameter.type == "STRING") for each in parameter.literals]
        if parameter.description:
            entry["description"] = _readable(parameter.description)
        found.append(entry)
    for name, artifact in plan.root.interface.artifacts.items():
        absent = {"value": "wire:null"} if artifact.optional else {}
        found.append({"name": name, **absent, "description": _readable(artifact.description or "URI")})
    return found


def _default(name: str, parameter: Parameter) -> str:
    try:
        return launch_text(parameter.default, parameter.type == "STRING")
    except WireError as error:
        mend = "let the pipeline take the URI of an artifact instead"
        raise BadPipeline(Finding(error.what, f"parameter {name}, its default", mend)) from None


def launch_text(value: Any, text: bool) -> str:
    """A value as the text of a workflow's parameter: raw where it is plain text, marked where it is not."""
    if not text:
        return encode(value)
    plain = value.isascii() and value.isprintable()
    safe = plain and "{{" not in value and "$(" not in value and not value.startswith("wire:")
    return value if safe else f"wire:{encode(value)}"


def merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Fields that steps ask of the whole workflow: lists are joined, without repetition."""
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if isinstance(value, list):
                known = found.setdefault(key, [])
                known.extend(each for each in value if each not in known)
            else:
                found[key] = value
    return found
