"""Container steps as templates: each is one pod."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipelines.sdk.argo import exprlang
from pipelines.sdk.argo.book import Body, Book
from pipelines.sdk.argo.names import Names, parameter_names
from pipelines.sdk.argo.native import native_body
from pipelines.sdk.argo.options import StepInfo
from pipelines.sdk.argo.pods import PodFields, is_claim_step, pod_fields, resource_template, with_task_config
from pipelines.sdk.argo.storage import directory, location, run_prefix
from pipelines.sdk.argo.tasks import handed_over
from pipelines.sdk.argo.travel import Carrier, Resolve, Text, program, readings
from pipelines.sdk.errors import Finding
from pipelines.sdk.plan import Retry, Step, Task
from pipelines.sdk.settings import STEP_IMAGE
from pipelines.sdk.task_documents import task_document

TASK = "{{inputs.parameters.task}}"
RUN = (
    '{"name":"{{workflow.name}}","uid":"{{workflow.uid}}","created":"{{workflow.creationTimestamp.RFC3339}}",'
    '"scheduled":"{{=workflow.scheduledTime ?? \'\'}}"}'
)


def step_body(
    task: Task, step: Step, inputs: Mapping[str, Carrier], path: str, book: Book, twins: bool
) -> Body:
    """Writes the template of a step.

    Args:
        task: whose body it is.
        step: the step.
        inputs: as its template receives them.
        path: of the task.
        book: to write into.
        twins: whether a loop collects its outputs.
    """
    claim = is_claim_step(step)
    step = with_task_config(step, path, inputs)
    if claim:
        pod = resource_template(step, path, inputs, twins=twins)
    else:
        pod = pod_fields(step, path, inputs, workspace=book.workspace)
    book.spec.append(pod.spec)
    book.warnings.extend(pod.warnings)
    retry = {"retryStrategy": _retries(task.retry)} if task.retry else {}
    if task.retry and task.retry.backoff_seconds and task.retry.factor % 1:
        what = f"the pause between attempts grows by {task.retry.factor:g}, which Argo can only round"
        book.warnings.append(Finding(what, f"task {path}", "give set_retry a whole backoff_factor"))
    if claim:
        return _claim(step, inputs, {**pod.template, **retry}, path, book)
    native = native_body(step, inputs, path, book, twins, pod, retry.get("retryStrategy"))
    return native or _launched(step, inputs, path, book, twins, pod, retry)


def _claim(
    step: Step, inputs: Mapping[str, Carrier], template: Mapping[str, Any], path: str, book: Book
) -> Body:
    book.steps.append(StepInfo(path, "native", step.image))
    _, arguments = handed_over(inputs)
    declared = {"inputs": {"parameters": [{"name": name} for name in [*arguments, "task"]]}}
    name = book.templates.add(_component(step), {**declared, **template})
    files = _Files(step)
    return Body(name, files.carriers("p", "a", path), files.carriers("c", "ac", path))


def _launched(
    step: Step,
    inputs: Mapping[str, Carrier],
    path: str,
    book: Book,
    twins: bool,
    pod: PodFields,
    retry: Mapping[str, Any],
) -> Body:
    files = _Files(step)
    is_own = step.image == STEP_IMAGE
    image = book.image if book.image and is_own else step.image
    env = {"PIPELINE_NAME": book.pipeline, **(_own_environment(image, book) if is_own else {})}
    held, artifacts = _artifacts(inputs, step, files, book.root)
    book.steps.append(StepInfo(path, "launched", image))
    _, arguments = handed_over(inputs)
    template: dict[str, Any] = {
        "inputs": {"parameters": [{"name": name} for name in [*arguments, "task"]]}
        | ({"artifacts": artifacts} if artifacts else {}),
        "outputs": _outputs(step, files, book.root, twins),
        **pod.template,
        **retry,
    }
    template["container"] = {
        "image": image,
        "command": ["python3", "/kfp/launch"],
        "args": [f"--step={_document(step, files, book)}", *_common(book.root), *_inputs(inputs), *held],
        **pod.container,
        "env": [*({"name": n, "value": v} for n, v in env.items()), *pod.container.get("env", [])],
    }
    name = book.templates.add(_component(step), _without_empty(template))
    return Body(name, files.carriers("p", "a", path), files.carriers("c", "ac", path) if twins else {})


def _own_environment(image: str, book: Book) -> dict[str, str]:
    """What the project's own steps note in MLflow: where they ran, and what the run was started with."""
    told = {"PIPELINE_PARAMETERS": f"{{{{={exprlang.told(book.parameters)}}}}}"} if book.parameters else {}
    return {"PIPELINE_IMAGE": image, **told}


def _common(root: str) -> list[str]:
    return [f"--task={TASK}", f"--root={root}", f"--run={RUN}", "--pod={{pod.name}}"]


class _Files:
    """The names of a step's outputs as files, and so as Argo's parameters and artifacts."""

    def __init__(self, step: Step) -> None:
        names: Names = parameter_names()
        self.parameters = {name: names.unique(name) for name in step.interface.output_parameters}
        self.artifacts = {name: names.unique(name) for name in step.interface.output_artifacts}
        self.inputs = {name: names.unique(name) for name in step.interface.artifacts}
        self._lists = {name for name, spec in step.interface.output_artifacts.items() if spec.is_list}

    def carriers(self, parameter: str, artifact: str, path: str) -> dict[str, Carrier]:
        """The outputs as they travel."""
        found = {n: Carrier(Text(output=f"{parameter}-{file}")) for n, file in self.parameters.items()}
        for name, file in self.artifacts.items():
            text = Text(output=f"{artifact}-{file}")
            found[name] = Carrier(text, artifact=True, folders=(f"{path}/{name}",))
        return found


def _document(step: Step, files: _Files, book: Book) -> str:
    document = task_document("", replace(step, component=_component(step))).to_json()
    whole: dict[str, Any] = {
        "task": document,
        "files": {"parameters": files.parameters, "artifacts": files.artifacts},
    }
    if book.options.project and step.image == STEP_IMAGE:
        whole["own"] = True
    return book.documents.add(_component(step), whole)


def _component(step: Step) -> str:
    """The component's own name: KFP numbers every use of one, as if they were different."""
    if step.python:
        return step.python.function.replace("_", "-")
    return re.sub(r"(?<=.)-[0-9]+$", "", step.component)


def _inputs(inputs: Mapping[str, Carrier]) -> Iterator[str]:
    for name, whole in inputs.items():
        for each, carrier in readings(name, whole):
            yield f"--{'artifact' if carrier.artifact else 'in'}={each}={carrier.text.value()}"
            if carrier.via:
                yield f"--via={each}={program(each, carrier)}"


def _artifacts(
    inputs: Mapping[str, Carrier], step: Step, files: _Files, root: str
) -> tuple[list[str], list[dict[str, Any]]]:
    """What the launcher is told of the files that Argo brings, and Argo of which to bring."""
    told: list[str] = []
    brought: list[dict[str, Any]] = []
    for name, carrier in inputs.items():
        if not carrier.artifact or any(isinstance(each, Resolve) for each in carrier.via):
            continue  # where an imported artifact is, only the launcher will know
        file = files.inputs[name]
        many = bool(carrier.via) or step.interface.artifacts[name].is_list
        if not many:
            told.append(f"--held={name}=/kfp/in/{file}")
            key = _key(carrier, root)
            brought.append({"name": file, "path": f"/kfp/in/{file}", "optional": True, **location(root, key)})
            continue
        for number, folder in enumerate(carrier.folders):
            path = f"{file}-{number}"
            told.append(f"--held-below={run_prefix(root)}/{folder}=/kfp/in/{path}")
            place = location(root, f"{directory(root)}/{folder}/")
            brought.append({"name": path, "path": f"/kfp/in/{path}", "optional": True, **place})
    return told, brought


def _key(carrier: Carrier, root: str) -> str:
    scheme, _, rest = root.partition("://")
    bucket = f"{scheme}://{rest.partition('/')[0]}/"
    # A URI elsewhere gives a key that is not there, and the launcher looks after it.
    return (
        f"{{{{=sprig.trimPrefix('{bucket}', fromJSON({carrier.text.expression})?.uri ?? '{bucket}none')}}}}"
    )


def _outputs(step: Step, files: _Files, root: str, twins: bool) -> dict[str, Any]:
    found = []
    for prefix, names in (("p", files.parameters), ("a", files.artifacts)):
        for file in names.values():
            found.append(f"{prefix}-{file}")
            if twins:
                found.append(f"{'c' if prefix == 'p' else 'ac'}-{file}")
    artifacts = [
        {
            "name": file,
            "path": f"/kfp/out/artifacts/{file}",
            "optional": True,
            "archive": {"none": {}},
            **location(root, f"{directory(root)}/{TASK}/{name}/{{{{pod.name}}}}"),
        }
        for name, file in files.artifacts.items()
    ]
    parameters = [{"name": name, "valueFrom": {"path": f"/kfp/out/{name}"}} for name in found]
    return {"parameters": parameters, "artifacts": artifacts}


def _retries(retry: Retry) -> dict[str, Any]:
    strategy: dict[str, Any] = {"limit": str(retry.limit), "retryPolicy": "Always"}
    if retry.backoff_seconds:
        strategy["backoff"] = {
            "duration": _seconds(retry.backoff_seconds),
            "factor": str(round(retry.factor) or 1),
        }
        if retry.max_seconds:
            strategy["backoff"]["cap"] = _seconds(retry.max_seconds)
    return strategy


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds))}s"


def _without_empty(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template without sections that say nothing."""
    sections = {
        key: {k: v for k, v in value.items() if v} if key in ("inputs", "outputs") else value
        for key, value in template.items()
    }
    return {key: value for key, value in sections.items() if value != {} and value != []}
