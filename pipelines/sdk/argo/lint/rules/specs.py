"""Rules about a workflow's spec: what it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import close_to, dig, has, mapping, repeated, text
from pipelines.sdk.argo.lint.rules.templates import pod_resources
from pipelines.sdk.argo.lint.views import Spec, runs


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
    Rule("hook", "Argo refuses the workflow, or fails when the hook is to run.", _hooks),
    Rule("pod-resources", "Kubernetes would refuse the pod.", _pod_resources),
    Rule(
        "default-retries",
        "Argo merges defaults into DAGs and steps too: a whole group is run again, and retries multiply.",
        _defaults,
        WARNING,
    ),
)
