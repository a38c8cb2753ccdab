"""Rules about `{{...}}` and expressions: what they name exists, is there in time, and can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipelines.sdk.argo.lint import expression, scope
from pipelines.sdk.argo.lint.exits import misplaced_failures
from pipelines.sdk.argo.lint.finding import Family, Hit, Path
from pipelines.sdk.argo.lint.tags import Text, references, tagged
from pipelines.sdk.argo.lint.verdict import Place
from pipelines.sdk.argo.lint.views import Manifest, Spec, Template

_Found = Iterator[tuple[str, Hit]]
# What Argo adds for one field only.
_LOCAL = {"transformation": frozenset({"data"}), "http": frozenset({"response", "request"})}
_CRON = frozenset({"cronworkflow"})
# Filled in for each template by itself: what they name is not known where they stand.
_ELSEWHERE = ("templates", "templateDefaults", "metrics", "arguments")


def _in_template(template: Template) -> _Found:
    spec = template.spec
    for found in tagged(template.node, template.at, ("steps", "dag")):
        yield from _in_text(found, Place(spec, template))
    dag = template.node.get("dag")
    if isinstance(dag, Mapping):
        for found in tagged(dag, (*template.at, "dag"), ("tasks",)):
            yield from _in_text(found, Place(spec, template))
    for task in template.tasks:
        for found in tagged(task.node, task.at, ("inline",)):
            own = "hooks" in found.at[len(task.at) : len(task.at) + 1]
            yield from _in_text(found, Place(spec, template, task, own))


def _in_spec(spec: Spec) -> _Found:
    for found in tagged(spec.node, spec.at, _ELSEWHERE):
        yield from _in_text(found, Place(spec))
    for key in ("arguments", "metrics", "templateDefaults"):
        for found in tagged(spec.node.get(key), (*spec.at, key)):
            yield from _readable(found, frozenset())


def _in_cron(manifest: Manifest) -> _Found:
    spec = manifest.spec
    if spec and len(spec.at) > len(manifest.at) + 1:
        for found in tagged(
            manifest.node.get("spec"), (*manifest.at, "spec"), ("workflowSpec", "workflowMetadata")
        ):
            yield from _readable(found, _CRON)


def _in_text(text: Text, place: Place) -> _Found:
    yield from _readable(text, _extra(text.at))
    for reference in references(text):
        verdict = scope.judge(reference, place) or misplaced_failures(reference, place)
        if verdict:
            yield verdict.rule, Hit(text.at, verdict.what, verdict.mend, verdict.severity)


def _extra(at: Path) -> frozenset[str]:
    return next((names for key, names in _LOCAL.items() if key in at[-3:]), frozenset())


def _readable(text: Text, extra: frozenset[str]) -> _Found:
    if text.open:
        what = "a {{ has no }} after it"
        yield "unclosed-tag", Hit(text.at, what, "close it, or write the braces as \\u007b in JSON")
    for body in text.simple:
        root = body.split(".")[0]
        if not scope.known(root) and root not in extra:
            mend = "write the name of a variable; text with double braces is safe in a ConfigMap"
            yield "unknown-variable", Hit(text.at, f"Argo has no variable {{{{{body[:60]}}}}}", mend)
    for body in text.expressions:
        found = expression.read(body)
        if found.fault:
            what = f"the expression {_short(body)} cannot be read: {found.fault}"
            yield "expression-syntax", Hit(text.at, what, "see expr-lang.org; quote texts with '")
        for name in sorted(set(found.functions) - expression.FUNCTIONS):
            yield "unknown-function", Hit(text.at, f"expressions have no function {name}", _function(name))
        yield from _names(text.at, found, extra)


def _names(at: Path, found: expression.Expression, extra: frozenset[str]) -> _Found:
    for chain in found.chains:
        root = chain.parts[0]
        if root == "sprig" and chain.parts[1:2] in (("env",), ("expandenv",)):
            yield (
                "unknown-function",
                Hit(at, "Argo has taken sprig's env away", "pass the value as a parameter"),
            )
        elif not scope.known(root) and root not in extra:
            what = f"the expression names {root}, and Argo has no such variable"
            mend = "a name with a `-` is written tasks['my-task']; a text needs quotes"
            yield "expression-variable", Hit(at, what, mend)


def _function(name: str) -> str:
    near = {each.lower(): each for each in expression.FUNCTIONS}.get(name.lower())
    return f"did you mean {near}?" if near else "sprig's functions are called as sprig.NAME"


def _short(body: str) -> str:
    body = " ".join(body.split())
    return body if len(body) <= 60 else f"{body[:57]}..."


_HANGS = "Argo stops with `failed to resolve`, or waits for ever."
_WHY: Mapping[str, str] = {
    "unresolved-reference": _HANGS,
    "unknown-workflow-parameter": f"{_HANGS} A run may give the parameter, and then it has to every time.",
    "unknown-input": "Only declared inputs are filled in; the text would stay as it stands.",
    "unknown-output": _HANGS,
    "unknown-task": _HANGS,
    "missing-dependency": "Argo starts the task before the value exists; its own lint seldom sees it.",
    "refers-to-itself": "A task's result exists after it has run.",
    "item-outside-loop": "Only a task that loops has an item; elsewhere the text stays as it stands.",
    "failures-outside-exit": "It exists when the workflow is over.",
    "unclosed-tag": "Argo reads the whole template as one text: `cannot find end tag`.",
    "unknown-variable": "Argo leaves it as it stands, and the program sees the braces.",
    "expression-syntax": "Argo's own lint reads no expressions; the workflow fails when it comes to it.",
    "expression-variable": "The expression fails, or stays as it stands, when the workflow comes to it.",
    "unknown-function": "The expression fails when the workflow comes to it.",
}
_WARNINGS = frozenset({"unknown-variable"})

TEMPLATE: Family[Template] = Family(_WHY, _in_template, _WARNINGS)
SPEC: Family[Spec] = Family(_WHY, _in_spec, _WARNINGS)
MANIFEST: Family[Manifest] = Family(_WHY, _in_cron, _WARNINGS)
