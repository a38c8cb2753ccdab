"""Rules about tasks and steps: what they run, and with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.finding import WARNING, Hit, Rule
from pipelines.sdk.argo.lint.nodes import close_to, entries, has, mapping, names, repeated, text
from pipelines.sdk.argo.lint.rules.arguments import argument_source, artifact_source, unfilled
from pipelines.sdk.argo.lint.rules.specs import hooks
from pipelines.sdk.argo.lint.views import Task, Template, runs


def _names(template: Template) -> Iterator[Hit]:
    for at, name in repeated([((*task.at, "name"), task.name) for task in template.tasks]):
        yield Hit(at, f"there are two tasks {name!r}", "rename one of them")


def _runs(task: Task) -> Iterator[Hit]:
    found = [key for key in ("template", "templateRef", "inline") if task.node.get(key)]
    if len(found) > 1:
        yield Hit((*task.at, found[1]), f"the task has both {' and '.join(found)}", "keep one of them")
    if not found:
        yield Hit((*task.at, "template"), f"the task {task.name!r} runs no template", "add `template`")


def _template(task: Task) -> Iterator[Hit]:
    name = text(task.node.get("template"))
    if (
        name
        and "{{" not in name
        and not has(task.node, "templateRef")
        and not runs(task.node, task.owner.spec)
    ):
        known = set(task.owner.spec.by_name)
        yield Hit((*task.at, "template"), f"there is no template {name!r}", close_to(name, known) or "add it")


def _template_ref(task: Task) -> Iterator[Hit]:
    ref = mapping(task.node.get("templateRef"))
    at = (*task.at, "templateRef")
    name, wanted = text(ref.get("name")), text(ref.get("template"))
    if not ref or "{{" in name + wanted:
        return
    for key in ("name", "template"):
        if not ref.get(key):
            yield Hit((*at, key), f"templateRef has no `{key}`", f"add `{key}`")
    found = task.owner.spec.manifest.library.find(name, ref.get("clusterScope") is True)
    if name and not found:
        what = f"the template {name!r} is in none of the files: what depends on it is not checked"
        yield Hit((*at, "name"), what, "lint both files at once", WARNING)
    elif found and wanted and wanted not in found.by_name:
        what = f"WorkflowTemplate {name!r} has no template {wanted!r}"
        yield Hit((*at, "template"), what, close_to(wanted, set(found.by_name)))


def _given(node: Mapping[str, Any]) -> set[str]:
    return names(node, "arguments", "parameters") | names(node, "arguments", "artifacts")


def _missing(task: Task) -> Iterator[Hit]:
    for at, node in _calls(task):
        template = task.target if node is task.node else runs(node, task.owner.spec)
        for name in unfilled(template, _given(node)) if template else ():
            what = f"template {template.name!r} needs the input {name!r}" if template else ""
            yield Hit((*at, "arguments"), what, "add it to `arguments`, or give the input a default")


def _calls(task: Task) -> list[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """The task itself, and its hooks: all that run templates."""
    found = [
        (key, hook) for key, hook in mapping(task.node.get("hooks")).items() if isinstance(hook, Mapping)
    ]
    return [(task.at, task.node), *(((*task.at, "hooks", str(key)), hook) for key, hook in found)]


def _unused(task: Task) -> Iterator[Hit]:
    for at, node in _calls(task):
        template = task.target if node is task.node else runs(node, task.owner.spec)
        for kind in ("parameters", "artifacts") if template else ():
            known = names(template.node, "inputs", kind) if template else set()
            for path, each in entries(node, at, "arguments", kind):
                name = text(each.get("name"))
                if name and name not in known:
                    what = f"template {template.name if template else ''!r} has no input {name!r}"
                    yield Hit((*path, "name"), what, close_to(name, known) or "leave it out")


def _values(task: Task) -> Iterator[Hit]:
    for at, node in _calls(task):
        for path, each in entries(node, at, "arguments", "parameters"):
            if not has(each, "value") and not has(each, "valueFrom"):
                yield Hit(path, f"the argument {text(each.get('name'))!r} has no value", "add `value`")
        for path, each in entries(node, at, "arguments", "artifacts"):
            yield from artifact_source(each, path)


def _sources(task: Task) -> Iterator[Hit]:
    for at, node in _calls(task):
        for path, each in entries(node, at, "arguments", "parameters"):
            yield from argument_source(each, path)


def _argument_names(task: Task) -> Iterator[Hit]:
    for kind in ("parameters", "artifacts"):
        found = entries(task.node, task.at, "arguments", kind)
        for at, name in repeated([((*at, "name"), text(each.get("name"))) for at, each in found]):
            yield Hit(at, f"the argument {name!r} stands twice", "keep one of them")


def _hooks(task: Task) -> Iterator[Hit]:
    handler, spec = text(task.node.get("onExit")), task.owner.spec
    if handler and "{{" not in handler and not spec.template(handler):
        mend = close_to(handler, set(spec.by_name))
        yield Hit((*task.at, "onExit"), f"there is no template {handler!r}", mend)
    yield from hooks(task.node, task.at, task.owner.spec)


_REFUSED = "Argo refuses the workflow."
TEMPLATE: tuple[Rule[Template], ...] = (Rule("duplicate-task", _REFUSED, _names),)
TASK: tuple[Rule[Task], ...] = (
    Rule("task-template", _REFUSED, _runs),
    Rule("unknown-template", _REFUSED, _template),
    Rule("template-ref", _REFUSED, _template_ref),
    Rule("missing-argument", "Argo refuses the workflow: `was not supplied`.", _missing),
    Rule(
        "unused-argument",
        "Argo passes it on, and nobody reads it: often a name is misspelt.",
        _unused,
        WARNING,
    ),
    Rule("argument-value", _REFUSED, _values),
    Rule("argument-source", "Argo refuses other sources of arguments.", _sources),
    Rule("duplicate-argument", _REFUSED, _argument_names),
    Rule("hook", "Argo refuses the workflow, or fails when the hook is to run.", _hooks),
)
