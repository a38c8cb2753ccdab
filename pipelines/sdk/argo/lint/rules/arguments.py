"""Rules about the arguments of a workflow, and about what is passed on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.cel import LOCATIONS
from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import entries, has, repeated, sequence, text
from pipelines.sdk.argo.lint.views import CRON, Spec, Template

_ARGUMENTS = (("arguments", "parameters"), ("arguments", "artifacts"))


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
        yield from argument_source(each, at)


def argument_source(parameter: Mapping[str, Any], at: Path) -> Iterator[Hit]:
    """What is wrong with where an argument's value comes from.

    Args:
        parameter: the argument.
        at: its path.
    """
    source = parameter.get("valueFrom")
    if not isinstance(source, Mapping):
        return
    wrong = [key for key in ("path", "jsonPath", "parameter", "expression") if source.get(key)]
    if wrong or not any(has(source, key) for key in ("configMapKeyRef", "supplied", "event")):
        what = "the value of an argument comes from a ConfigMap, or is supplied"
        yield Hit((*at, "valueFrom"), what, "write valueFrom.configMapKeyRef, or a `value`")


def _values(spec: Spec) -> Iterator[Hit]:
    below = {text(each.get("name")) for each in _valued(spec)}
    found = entries(spec.node, spec.at, "arguments", "parameters")
    for at, each in found if spec.manifest.kind == "Workflow" else ():
        name = text(each.get("name"))
        if not _has_value(each) and name not in below:
            yield Hit(
                at, f"the parameter {name!r} has no value", "add a `value`, or give one with `argo submit -p`"
            )


def _has_value(parameter: Mapping[str, Any]) -> bool:
    return has(parameter, "value") or has(parameter, "valueFrom")


def _valued(spec: Spec) -> list[Mapping[str, Any]]:
    """The arguments of the template that it runs, those with values."""
    below = entries(spec.referenced.node if spec.referenced else {}, (), "arguments", "parameters")
    return [each for _, each in below if _has_value(each)]


def _cron_values(spec: Spec) -> Iterator[Hit]:
    if spec.manifest.kind != CRON or (spec.refers and not spec.referenced):
        return
    own = {
        text(each.get("name")): (at, each)
        for at, each in entries(spec.node, spec.at, "arguments", "parameters")
    }
    below = entries(spec.referenced.node if spec.referenced else {}, (), "arguments", "parameters")
    valued = {text(each.get("name")) for each in _valued(spec)}
    wanted = {text(each.get("name")) for _, each in below} | set(own)
    for name in sorted(wanted - valued - {""}):
        at, each = own.get(name, ((*spec.at, "arguments", "parameters"), {}))
        if not _has_value(each):
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


RULES: tuple[Rule[Spec], ...] = (
    Rule("duplicate-argument", "Argo refuses it.", _argument_names),
    Rule("value-not-in-enum", "Argo refuses the run.", _enum),
    Rule("argument-source", "Argo refuses other sources of arguments.", _sources),
    Rule("workflow-argument-value", "`kubectl create` gives none: Argo refuses the run.", _values, WARNING),
    Rule("cron-argument-value", "Argo refuses the CronWorkflow, or each of its runs.", _cron_values),
    Rule("artifact-source", "Argo refuses an artifact argument that is nowhere.", _artifacts),
    Rule("entrypoint-input", "The run ends at once with `was not supplied`.", _inputs),
)
