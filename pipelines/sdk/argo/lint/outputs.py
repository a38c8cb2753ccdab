"""What a task leaves for those after it."""

from __future__ import annotations

from pipelines.sdk.argo.lint.nodes import close_to, entries, names, text
from pipelines.sdk.argo.lint.tags import Reference
from pipelines.sdk.argo.lint.views import Task, Template

_ALWAYS = frozenset({"id", "startedAt", "finishedAt", "hostNodeName", "status"})
_FIELDS = _ALWAYS | {"ip", "exitCode", "outputs"}
_TALKING = frozenset({"container", "script", "data", "http", "plugin"})


def missing(reference: Reference, task: Task) -> tuple[str, str]:
    """Why a task has not what a reference wants of it, and what to do; "" where it has, or nobody can know.

    Args:
        reference: `tasks.NAME.outputs.parameters.score` or the like.
        task: that it names.
    """
    rest = reference.parts[2:]
    if not rest:
        return (
            ("", "")
            if reference.expression or not reference.whole
            else ("the task itself is no value", "name an output")
        )
    if rest[0] not in _FIELDS:
        return f"a task has no {rest[0]!r}", close_to(rest[0], _FIELDS)
    template = task.target
    if rest[0] in _ALWAYS or not template or not template.type:
        return "", ""
    if rest[0] == "ip":
        return ("", "") if template.node.get("daemon") else ("only a daemon has an ip", "set `daemon: true`")
    if rest[0] == "exitCode" or rest[1:2] == ("result",):
        return _spoken(rest[-1], template)
    return _named(reference, rest[1:], task, template)


def _spoken(name: str, template: Template) -> tuple[str, str]:
    main = template.type == "containerSet" and "main" in names(template.node, "containerSet", "containers")
    if template.type in _TALKING or main:
        return "", ""
    return f"a template of type {template.type} has no {name}", "give it an output parameter"


def _named(reference: Reference, rest: tuple[str, ...], task: Task, template: Template) -> tuple[str, str]:
    if not rest:
        return ("", "") if reference.expression else ("the outputs are no single value", "name one")
    if rest[0] not in ("parameters", "artifacts"):
        return f"outputs have no {rest[0]!r}", close_to(rest[0], {"result", "parameters", "artifacts"})
    if len(rest) == 1:
        plain = task.loops or reference.expression or not reference.whole
        return ("", "") if plain else ("all outputs at once exist for a loop only", "name one")
    declared = {text(each.get("name")) for _, each in entries(template.node, (), "outputs", rest[0])}
    if rest[1] in declared:
        return "", ""
    what = f"template {template.name!r} has no output {rest[0].removesuffix('s')} {rest[1]!r}"
    return what, close_to(rest[1], declared - {""}) or f"declare it in outputs.{rest[0]} of the template"
