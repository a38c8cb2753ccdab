"""A native step as two templates: the program's own, and a group around it that speaks the wire format.

```
step (DAG: takes p-x, a-y; gives p-out, a-out as a launched step does)
└── run (the pod: takes texts, gives what the program wrote)
```
Whatever can fail is an expression of the group: there Argo stops with the message, while in a pod's template
it would hand the expression itself to the program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipelines.sdk.argo.book import Body, Book
from pipelines.sdk.argo.exprlang import literal, tag
from pipelines.sdk.argo.names import parameter_names
from pipelines.sdk.argo.native.command import Command, command, image
from pipelines.sdk.argo.native.facts import TASK, output_uri
from pipelines.sdk.argo.native.naming import Files, StepNaming
from pipelines.sdk.argo.native.texts import wire_text
from pipelines.sdk.argo.native.words import Word
from pipelines.sdk.argo.pods import PodFields
from pipelines.sdk.argo.storage import directory, location
from pipelines.sdk.argo.tasks import handed_over
from pipelines.sdk.argo.travel import Carrier, Text
from pipelines.sdk.errors import Finding
from pipelines.sdk.launch import encode
from pipelines.sdk.plan import Step
from pipelines.sdk.values import ParameterType

RUN = "run"


def files_of(step: Step) -> Files:
    """Names for what goes into a step and comes out of it.

    Args:
        step: the step.
    """
    inputs, outputs = parameter_names(), parameter_names()
    interface = step.interface
    return Files(
        {name: inputs.unique(name) for name in interface.artifacts},
        {name: outputs.unique(name) for name in interface.output_parameters},
        {name: outputs.unique(name) for name in interface.output_artifacts},
    )


def write(
    naming: StepNaming,
    words: Mapping[str, tuple[Word, ...]],
    pod: PodFields,
    retry: Mapping[str, Any] | None,
    path: str,
    book: Book,
    twins: bool,
) -> Body:
    """Writes the templates of a native step.

    Args:
        naming: of its placeholders.
        words: from `parts`.
        pod: its settings.
        retry: its `retryStrategy`.
        path: of its task.
        book: to write into.
        twins: whether a loop collects its outputs.

    Raises:
        Inexpressible: a launcher is needed after all.
    """
    step, root = naming.step, book.root
    written = command(words["command"], words["args"])
    arguments = dict(written.arguments)
    made_of = image(words["image"][0], arguments)
    fetched, keys = _fetched(naming)
    arguments |= keys
    passed = _asked_for(pod, naming.inputs)
    leaf: dict[str, Any] = {
        "inputs": _section([*arguments, *passed, "task"], fetched),
        "outputs": _leaf_outputs(step, naming.files, root),
        **_with_patch(pod.template, written),
        **({"retryStrategy": dict(retry)} if retry else {}),
        "container": _container(made_of, written, pod, book),
    }
    leaf = {key: value for key, value in leaf.items() if value}
    name = book.templates.add(f"{naming.component}-run", leaf)
    values = {each: tag(expression) for each, expression in arguments.items()} | passed | {"task": TASK}
    run = {"name": RUN, "template": name, "arguments": _as_arguments(values)}
    _, received = handed_over(naming.inputs)
    outputs, body = _outputs(naming, path, twins)
    group: dict[str, Any] = {
        "inputs": {"parameters": [{"name": each} for each in [*received, "task"]]},
        "dag": {"failFast": False, "tasks": [run]},
        "outputs": {"parameters": outputs},
    }
    if not outputs:
        del group["outputs"]
    return Body(book.templates.add(naming.component, group), body.outputs, body.twins)


def _section(parameters: list[str], artifacts: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"parameters": [{"name": each} for each in parameters]}
    return found | ({"artifacts": artifacts} if artifacts else {})


def _as_arguments(values: Mapping[str, str]) -> dict[str, Any]:
    return {"parameters": [{"name": name, "value": value} for name, value in values.items()]}


def _fetched(naming: StepNaming) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The input artifacts that Argo brings, and the expressions of their keys."""
    scheme, _, rest = naming.root.partition("://")
    prefix = f"{scheme}://{rest.partition('/')[0]}/"
    artifacts, keys = [], {}
    for name in sorted(naming.fetched):
        file = naming.files.inputs[name]
        parameter = f"k-{file}"
        keys[parameter] = naming.key(name, prefix)
        place = location(naming.root, tag(f"inputs.parameters['{parameter}']"))
        artifacts.append({"name": file, "path": Files.given(file), "optional": True, **place})
    return artifacts, keys


def _asked_for(pod: PodFields, inputs: Mapping[str, Carrier]) -> dict[str, str]:
    """The group's parameters that the pod's settings refer to, handed on as they are."""
    _, received = handed_over(inputs)
    text = json.dumps([pod.template, pod.container, pod.spec])
    return {
        name: tag(f"inputs.parameters['{name}']")
        for name in received
        if f"inputs.parameters['{name}']" in text or f"inputs.parameters.{name}}}" in text
    }


def _with_patch(template: Mapping[str, Any], written: Command) -> dict[str, Any]:
    """The pod's own fields with those that the command needs."""
    own, more = template.get("podSpecPatch", ""), written.template.get("podSpecPatch", "")
    if not own or not more:
        return {**template, **written.template}
    opening = '"containers":[{"name":"main",'
    if opening in own:
        args = more.partition(opening)[2].removesuffix("}]}")
        return {**template, "podSpecPatch": own.replace(opening, f"{opening}{args},", 1)}
    return {**template, "podSpecPatch": f"{own[:-1]},{more[1:]}"}


def _container(made_of: str, written: Command, pod: PodFields, book: Book) -> dict[str, Any]:
    run = [
        {"name": "PIPELINE_NAME", "value": book.pipeline},
        {"name": "PIPELINE_TASK", "value": TASK},
        {"name": "PIPELINE_RUN_ID", "value": "{{workflow.uid}}"},
    ]
    fields = {"image": made_of, **written.container, **pod.container}
    own = {each["name"] for each in fields.get("env", [])}
    return {
        **fields,
        "env": [*(e for e in (*run, *written.env) if e["name"] not in own), *fields.get("env", [])],
    }


def _leaf_outputs(step: Step, files: Files, root: str) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": f"o-{file}", "valueFrom": {"path": Files.made(file)}} for file in files.parameters.values()
    ]
    artifacts = []
    for name, file in files.artifacts.items():
        # The URI has the pod's name in it, which nobody but the pod's own template knows.
        parameters.append({"name": f"u-{file}", "value": output_uri(root, name)})
        place = location(root, f"{directory(root)}/{TASK}/{name}/{{{{pod.name}}}}")
        bare = {"archive": {"none": {}}, **place}
        artifacts.append({"name": file, "path": Files.made(file), "optional": True, **bare})
    found: dict[str, Any] = {"parameters": parameters} if parameters else {}
    return found | ({"artifacts": artifacts} if artifacts else {})


def _outputs(naming: StepNaming, path: str, twins: bool) -> tuple[list[dict[str, Any]], Body]:
    """The outputs of the group, and how they travel."""
    entries: list[dict[str, Any]] = []
    plain: dict[str, Carrier] = {}
    paired: dict[str, Carrier] = {}

    def add(name: str, expression: str) -> Text:
        entries.append({"name": name, "valueFrom": {"expression": expression}})
        return Text(output=name)

    interface, files = naming.step.interface, naming.files
    for name, file in files.parameters.items():
        where = f"{naming.where}, output {name!r}"
        wire = wire_text(interface.output_parameters[name].type, _written(f"o-{file}"), where)
        plain[name] = Carrier(add(f"p-{file}", wire))
        if twins:
            paired[name] = Carrier(add(f"c-{file}", f"toJson({wire})"))
    for name, file in files.artifacts.items():
        folders, record = (f"{path}/{name}",), _record(naming, name, _written(f"u-{file}"))
        plain[name] = Carrier(add(f"a-{file}", record), artifact=True, folders=folders)
        if twins:
            paired[name] = Carrier(add(f"ac-{file}", f"toJson({record})"), artifact=True, folders=folders)
    return entries, Body("", plain, paired)


def _written(output: str) -> str:
    return f"tasks['{RUN}'].outputs.parameters['{output}']"


def _record(naming: StepNaming, name: str, uri: str) -> str:
    spec = naming.step.interface.output_artifacts[name]
    kind = {"schemaTitle": spec.schema_title, "schemaVersion": spec.schema_version}
    head = encode({"name": name, "type": kind})[:-1] + ',"uri":"'
    tail = f'","metadata":{encode(dict(spec.metadata))}}}'
    return f"{literal(head)} + {uri} + {literal(tail)}"


def trimmed(naming: StepNaming) -> tuple[Finding, ...]:
    """What differs from a launched step: Argo takes a newline from the end of what a program wrote.

    Args:
        naming: of the step.
    """
    outputs = naming.step.interface.output_parameters
    names = [name for name, each in outputs.items() if each.type is ParameterType.STRING]
    if not names:
        return ()
    what = f"a newline at the end of {', '.join(names)} is dropped by Argo, which reads it without a launcher"
    return (Finding(what, naming.where, "write it without one, as printf does"),)


def rewritten(naming: StepNaming) -> tuple[Finding, ...]:
    """Another difference: without a launcher, only Argo can take a list or struct out of another.

    Args:
        naming: of the step, after its words have been read.
    """
    if not naming.rewritten:
        return ()
    what = f"{', '.join(sorted(naming.rewritten))} is a part of another value, which Argo writes anew: keys "
    what += "in the order of the alphabet, 1 for 1.0, whole numbers exact up to 2^53"
    return (Finding(what, naming.where, "name the component with --launched if its image has python3"),)
