"""All rules, by what they look at."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from pipelines.sdk.argo.lint.finding import Family, Rule
from pipelines.sdk.argo.lint.rules import (
    arguments,
    artifacts,
    cron,
    dags,
    documents,
    loops,
    pods,
    references,
    specs,
    tasks,
    templates,
    values,
)
from pipelines.sdk.argo.lint.views import Manifest, Spec, Task, Template

_S = TypeVar("_S")
Rules: TypeAlias = tuple[Rule[_S] | Family[_S], ...]

MANIFEST: Rules[Manifest] = (*documents.RULES, documents.SCHEMA, *cron.RULES, references.MANIFEST)
SPEC: Rules[Spec] = (*specs.RULES, *arguments.RULES, *values.SPEC, references.SPEC)
TEMPLATE: Rules[Template] = (
    *templates.RULES,
    *pods.RULES,
    *artifacts.RULES,
    *tasks.TEMPLATE,
    *dags.TEMPLATE,
    *values.TEMPLATE,
    references.TEMPLATE,
)
TASK: Rules[Task] = (*tasks.TASK, *loops.TASK, *dags.TASK, *values.TASK)
