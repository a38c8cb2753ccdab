"""Documents as rules look at them: a manifest has a spec, a spec has templates, a template has tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipelines.sdk.argo.lint import depends
from pipelines.sdk.argo.lint.cel import TEMPLATE_TYPES
from pipelines.sdk.argo.lint.finding import Path
from pipelines.sdk.argo.lint.nodes import dig, entries, has, mapping, names, sequence, text
from pipelines.sdk.argo.lint.shape import KINDS
from pipelines.sdk.argo.lint.structure import Schema

API_VERSION = "argoproj.io/v1alpha1"
CRON = "CronWorkflow"
REUSABLE = frozenset({"WorkflowTemplate", "ClusterWorkflowTemplate"})


@dataclass(frozen=True, eq=False)
class Library:
    """The templates of all documents together, so that one can refer to another.

    Args:
        specs: by scope (`cluster` or not) and name.
    """

    specs: dict[tuple[bool, str], Spec] = field(default_factory=dict)

    def find(self, name: str, cluster: bool) -> Spec | None:
        """A WorkflowTemplate; None where it is in none of the documents."""
        return self.specs.get((cluster, name))


@dataclass(frozen=True, eq=False)
class Manifest:
    """A document.

    Args:
        node: the document itself.
        at: its path: empty, unless it is an item of a list.
        schema: for Argo's kinds.
        library: what other documents have.
    """

    node: Mapping[str, Any]
    at: Path
    schema: Schema
    library: Library

    @property
    def kind(self) -> str:
        """Its kind."""
        return text(self.node.get("kind"))

    @property
    def name(self) -> str:
        """Its name, or the start of it."""
        metadata = mapping(self.node.get("metadata"))
        return text(metadata.get("name")) or text(metadata.get("generateName"))

    @property
    def is_argo(self) -> bool:
        """Whether it is of a kind that has templates."""
        return self.node.get("apiVersion") == API_VERSION and self.kind in KINDS

    @cached_property
    def spec(self) -> Spec | None:
        """Its workflow's spec."""
        if not self.is_argo:
            return None
        keys = ("spec", "workflowSpec") if self.kind == CRON else ("spec",)
        return Spec(mapping(dig(self.node, *keys)), (*self.at, *keys), self)


@dataclass(frozen=True, eq=False)
class Spec:
    """The spec of a workflow."""

    node: Mapping[str, Any]
    at: Path
    manifest: Manifest

    @property
    def reusable(self) -> bool:
        """Whether others run its templates, with parameters and labels that are not known here."""
        return self.manifest.kind in REUSABLE

    @cached_property
    def templates(self) -> tuple[Template, ...]:
        """Those of its list."""
        return tuple(Template(node, at, self) for at, node in entries(self.node, self.at, "templates"))

    @cached_property
    def by_name(self) -> Mapping[str, Template]:
        """Likewise, by name."""
        return {template.name: template for template in reversed(self.templates)}

    @cached_property
    def everything(self) -> tuple[Template, ...]:
        """Those of its list, and those that stand inside tasks."""
        found = list(self.templates)
        for template in found:  # grows while it is walked
            found += [task.inline for task in template.tasks if task.inline]
        return tuple(found)

    @cached_property
    def referenced(self) -> Spec | None:
        """What `workflowTemplateRef` names, where it is known."""
        ref = mapping(self.node.get("workflowTemplateRef"))
        return self.manifest.library.find(text(ref.get("name")), ref.get("clusterScope") is True)

    @property
    def refers(self) -> bool:
        """Whether its templates are in another document."""
        return has(self.node, "workflowTemplateRef")

    def value(self, key: str) -> Any:
        """A field, its own or that of the template that it runs."""
        own = self.node.get(key)
        return self.referenced.node.get(key) if own is None and self.referenced else own

    def template(self, name: str) -> Template | None:
        """A template that it can run by name."""
        below = self.referenced.by_name if self.referenced else {}
        return self.by_name.get(name) or below.get(name)

    def names(self, *keys: str) -> set[str]:
        """The names in a list of its own and of the template that it runs."""
        return names(self.node, *keys) | (names(self.referenced.node, *keys) if self.referenced else set())


@dataclass(frozen=True, eq=False)
class Template:
    """A template.

    Args:
        node: the template itself.
        at: its path.
        spec: in which it is.
        around: the task in which it stands; None for those of the list.
    """

    node: Mapping[str, Any]
    at: Path
    spec: Spec
    around: Task | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return text(self.node.get("name"))

    @cached_property
    def type(self) -> str:
        """`container`, `dag`, ...; "" where it has none."""
        return next((each for each in TEMPLATE_TYPES if has(self.node, each)), "")

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks of a DAG, or the steps of all groups."""
        if self.type == "dag":
            return tuple(Task(node, at, self, 0) for at, node in entries(self.node, self.at, "dag", "tasks"))
        return tuple(self._steps()) if self.type == "steps" else ()

    def _steps(self) -> Iterator[Task]:
        for group, steps in enumerate(sequence(self.node.get("steps"))):
            for index, node in enumerate(sequence(steps)):
                if isinstance(node, Mapping):
                    yield Task(node, (*self.at, "steps", group, index), self, group)

    @cached_property
    def by_name(self) -> Mapping[str, Task]:
        """Its tasks."""
        return {task.name: task for task in reversed(self.tasks)}

    @cached_property
    def order(self) -> depends.Order:
        """Which task of a DAG comes before which."""
        return depends.order({task.name: [need.task for need in task.needs] for task in self.tasks})

    @property
    def retried(self) -> bool:
        """Whether it has a retry strategy, its own or the default one."""
        defaults = mapping(self.spec.value("templateDefaults"))
        return any(has(each, "retryStrategy") for each in (self.node, defaults, self.spec.node))


@dataclass(frozen=True, eq=False)
class Task:
    """A task of a DAG, or a step.

    Args:
        node: the task itself.
        at: its path.
        owner: the template in which it is.
        group: of steps that run at the same time, from 0.
    """

    node: Mapping[str, Any]
    at: Path
    owner: Template
    group: int

    @property
    def name(self) -> str:
        """Its name."""
        return text(self.node.get("name"))

    @property
    def loops(self) -> bool:
        """Whether it runs several times."""
        return any(has(self.node, key) for key in ("withItems", "withParam", "withSequence"))

    @cached_property
    def inline(self) -> Template | None:
        """The template that stands in it."""
        node = self.node.get("inline")
        return (
            Template(node, (*self.at, "inline"), self.owner.spec, self) if isinstance(node, Mapping) else None
        )

    @cached_property
    def target(self) -> Template | None:
        """The template that it runs, where that is known."""
        return self.inline or runs(self.node, self.owner.spec)

    @cached_property
    def needs(self) -> tuple[depends.Need, ...]:
        """What it waits for."""
        if has(self.node, "depends"):
            return depends.read(text(self.node["depends"]))[0]
        return tuple(depends.Need(text(each)) for each in sequence(self.node.get("dependencies")))


def runs(node: Mapping[str, Any], spec: Spec) -> Template | None:
    """The template that a task or hook names, where it is known.

    Args:
        node: with `template` or `templateRef`.
        spec: in which it stands.
    """
    ref = mapping(node.get("templateRef"))
    if not ref:
        return spec.template(text(node.get("template")))
    found = spec.manifest.library.find(text(ref.get("name")), ref.get("clusterScope") is True)
    return found.by_name.get(text(ref.get("template"))) if found else None
