"""Rules about a workflow's spec: what it runs, with which arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.cel import LOCATIONS
from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import close_to, dig, entries, has, mapping, repeated, sequence, text
from pipelines.sdk.argo.lint.rules.templates import pod_resources
from pipelines.sdk.argo.lint.views import CRON, Spec, Template, runs

_ARGUMENTS = (("arguments", "parameters"), ("arguments", "artifacts"))


def _entrypoint(spec: Spec) -> Iterator[Hit]:
    name, at = spec.value("entrypoint"), (*spec.at, "entrypoint")
    if not name and not spec.reusable and not (spec.refers and not spec.referenced):
        yield Hit(at, "the workflow has no entrypoint", "name the template with which it starts")
    if isinstance(name, str):
        yield from _exists(name, spec, at)


def _on_exit(spec: Spec) -> Iterator[Hit]:
    name = spec.node.get("onExit")
    if isinstance(name, str) and name:
        yield from _exists(name, spec, (*spec.at, "onExit"))


def _exists(name: str, spec: Spec, at: Path) -> Iterator[Hit]:
    unknown = spec.refers and not spec.referenced
    if name and "{{" not in name and not unknown and not spec.template(name):
        known = set((spec.referenced or spec).by_name)
        yield Hit(at, f"there is no template {name!r}", close_to(name, known) or "add it to spec.templates")


def _templates_and_ref(spec: Spec) -> Iterator[Hit]:
    if spec.refers and spec.node.get("templates"):
        what = "there are templates beside workflowTemplateRef"
        yield Hit(
            (*spec.at, "templates"), what, "put them into the WorkflowTemplate, or leave the reference out"
        )


def _ref(spec: Spec) -> Iterator[Hit]:
    name = text(dig(spec.node, "workflowTemplateRef", "name"))
    if spec.refers and not spec.referenced and "{{" not in name:
        what = f"the template {name!r} is in none of the files: what depends on it is not checked"
        yield Hit((*spec.at, "workflowTemplateRef", "name"), what, "lint both files at once")


def _template_names(spec: Spec) -> Iterator[Hit]:
    for at, name in repeated([((*each.at, "name"), each.name) for each in spec.templates]):
        yield Hit(at, f"there are two templates {name!r}", "rename one of them")


def _argument_names(spec: Spec) -> Iterator[Hit]:
    for keys in _ARGUMENTS:
        found = [((*at, "name"), text(each.get("name"))) for at, each in entries(spec.node, spec.at, *keys)]
        for at, name in repeated(found):
            yield Hit(at, f"the argument {name!r} stands twice", "keep one of them")


def _enum(spec: Spec) -> Iterator[Hit]:
    choices = _enums(spec)
    for at, each in entries(spec.node, spec.at, "arguments", "parameters"):
        known = sequence(each.get("enum")) or choices.get(text(each.get("name")), ())
        value = each.get("value")
        if known and value is not None and value not in known and "{{" not in str(value):
            listed = ", ".join(str(one) for one in known)
            yield Hit(
                (*at, "value"), f"{value!r} is not one of {listed}", "write one of them, or add it to `enum`"
            )


def _enums(spec: Spec) -> Mapping[str, Any]:
    below = spec.referenced.node if spec.referenced else {}
    found = entries(below, (), "arguments", "parameters")
    return {text(each.get("name")): sequence(each.get("enum")) for _, each in found}


def _sources(spec: Spec) -> Iterator[Hit]:
    for at, each in entries(spec.node, spec.at, "arguments", "parameters"):
        source = each.get("valueFrom")
        if not isinstance(source, Mapping):
            continue
        wrong = [
            key for key in ("path", "jsonPath", "jqFilter", "parameter", "expression") if source.get(key)
        ]
        if wrong or not any(has(source, key) for key in ("configMapKeyRef", "supplied", "event")):
            what = "the value of a workflow's argument comes from a ConfigMap, or is supplied"
            yield Hit((*at, "valueFrom"), what, "write valueFrom.configMapKeyRef, or a `value`")


def _cron_values(spec: Spec) -> Iterator[Hit]:
    if spec.manifest.kind != CRON or (spec.refers and not spec.referenced):
        return
    own = {
        text(each.get("name")): (at, each)
        for at, each in entries(spec.node, spec.at, "arguments", "parameters")
    }
    below = entries(spec.referenced.node if spec.referenced else {}, (), "arguments", "parameters")
    valued = {text(each.get("name")) for _, each in below if has(each, "value") or has(each, "valueFrom")}
    wanted = {text(each.get("name")) for _, each in below} | set(own)
    for name in sorted(wanted - valued - {""}):
        at, each = own.get(name, ((*spec.at, "arguments", "parameters"), {}))
        if not has(each, "value") and not has(each, "valueFrom"):
            what = f"the parameter {name!r} has no value, and nobody gives one to a scheduled run"
            yield Hit(at, what, "add a `value` in spec.workflowSpec.arguments")


def _artifacts(spec: Spec) -> Iterator[Hit]:
    for at, each in entries(spec.node, spec.at, "arguments", "artifacts"):
        yield from artifact_source(each, at)


def artifact_source(artifact: Mapping[str, Any], at: Path) -> Iterator[Hit]:
    """What an artifact lacks to be passed on.

    Args:
        artifact: an argument.
        at: its path.
    """
    sources = [key for key in ("from", "fromExpression") if artifact.get(key)]
    if len(sources) == 2:
        yield Hit(at, "the artifact has both `from` and `fromExpression`", "keep one of them")
    if not sources and not any(has(artifact, key) for key in LOCATIONS):
        yield Hit(at, "nothing says where the artifact is", "add `from`, or a location as `s3: {key: ...}`")


def _inputs(spec: Spec) -> Iterator[Hit]:
    """The inputs of the template with which a workflow starts are its arguments."""
    if spec.refers and not spec.referenced:
        return
    given = spec.names("arguments", "parameters") | spec.names("arguments", "artifacts")
    for key in ("entrypoint", "onExit"):
        template = spec.template(text(spec.value(key)))
        for name in unfilled(template, given) if template else ():
            what = f"{text(spec.value(key))!r} needs the input {name!r}, which is no argument of the workflow"
            severity = WARNING if spec.reusable else ""
            yield Hit(
                (*spec.at, key), what, "declare it in spec.arguments, or give the input a default", severity
            )


def unfilled(template: Template, given: set[str]) -> list[str]:
    """The inputs of a template that nobody gives a value.

    Args:
        template: to be run.
        given: the names of the arguments.
    """
    parameters = [
        text(each.get("name"))
        for _, each in entries(template.node, (), "inputs", "parameters")
        if not any(has(each, key) for key in ("value", "default", "valueFrom"))
    ]
    artifacts = [
        text(each.get("name"))
        for _, each in entries(template.node, (), "inputs", "artifacts")
        if not each.get("optional") and not any(has(each, key) for key in LOCATIONS)
    ]
    return [name for name in (*parameters, *artifacts) if name and name not in given]


def _hooks(spec: Spec) -> Iterator[Hit]:
    yield from hooks(spec.node, spec.at, spec)


def hooks(node: Mapping[str, Any], at: Path, spec: Spec) -> Iterator[Hit]:
    """What is wrong with the hooks of a workflow or task.

    Args:
        node: that has them.
        at: its path.
        spec: whose templates they run.
    """
    for name, hook in mapping(node.get("hooks")).items():
        path = (*at, "hooks", str(name))
        if not isinstance(hook, Mapping):
            continue
        if name != "exit" and not hook.get("expression"):
            yield Hit(
                path, f"the hook {name!r} has no expression", "say when it runs; only `exit` needs none"
            )
        wanted = text(hook.get("template"))
        if wanted and "{{" not in wanted and not spec.refers and not runs(hook, spec):
            yield Hit(
                (*path, "template"), f"there is no template {wanted!r}", close_to(wanted, set(spec.by_name))
            )


def _pod_resources(spec: Spec) -> Iterator[Hit]:
    yield from pod_resources(spec.node, spec.at)


def _defaults(spec: Spec) -> Iterator[Hit]:
    if has(spec.node.get("templateDefaults"), "retryStrategy"):
        at = (*spec.at, "templateDefaults", "retryStrategy")
        yield Hit(at, "templateDefaults has a retryStrategy", "give each template that runs a pod its own")


RULES: tuple[Rule[Spec], ...] = (
    Rule("entrypoint", "Argo does not know with which template to start.", _entrypoint),
    Rule("on-exit", "The handler cannot run, and the workflow ends with an error.", _on_exit),
    Rule("templates-and-ref", "Argo refuses a workflow that has both.", _templates_and_ref),
    Rule(
        "unknown-workflow-template", "A reference is checked where both documents are given.", _ref, WARNING
    ),
    Rule("duplicate-template", "Argo refuses it: tasks name templates.", _template_names),
    Rule("duplicate-argument", "Argo refuses it.", _argument_names),
    Rule("value-not-in-enum", "Argo refuses the run.", _enum),
    Rule("argument-source", "Argo refuses other sources for the arguments of a workflow.", _sources),
    Rule("cron-argument-value", "Argo refuses the CronWorkflow, or each of its runs.", _cron_values),
    Rule("artifact-source", "Argo refuses an artifact argument that is nowhere.", _artifacts),
    Rule("entrypoint-input", "The run ends at once with `was not supplied`.", _inputs),
    Rule("hook", "Argo refuses the workflow, or fails when the hook is to run.", _hooks),
    Rule("pod-resources", "Kubernetes would refuse the pod.", _pod_resources),
    Rule(
        "default-retries",
        "Argo merges defaults into DAGs and steps too: a whole group is run again, and retries multiply.",
        _defaults,
        WARNING,
    ),
)
