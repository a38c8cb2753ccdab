"""What an emitter writes down while it walks through a pipeline: templates, and the steps' documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.sdk.argo.names import Names, digest, task_names
from pipelines.sdk.argo.options import Options, StepInfo
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.errors import Finding

MAIN = "main"
"""Name of the entrypoint."""


@dataclass(frozen=True)
class Body:
    """What a task runs, as a template.

    Args:
        template: its name.
        outputs: what each output is called there, and how it travels.
        twins: likewise, in the form that Argo can collect from a loop's iterations.
    """

    template: str
    outputs: Mapping[str, Carrier] = field(default_factory=dict)
    twins: Mapping[str, Carrier] = field(default_factory=dict)


class Shelf:
    """Things of one kind by name; equal things share a name.

    Args:
        taken: names that none of them can have.
    """

    def __init__(self, *taken: str) -> None:
        self.entries: dict[str, Any] = {}
        self._names: Names = task_names()
        for name in taken:
            self._names.unique(name)
        self._known: dict[str, str] = {}

    def add(self, wished: str, thing: Mapping[str, Any]) -> str:
        """Puts something on the shelf, unless an equal thing is there.

        Args:
            wished: what it should be called.
            thing: plain JSON.

        Returns:
            Its name.
        """
        key = digest(thing, 64)
        if key not in self._known:
            self._known[key] = self._names.unique(wished)
            self.entries[self._known[key]] = thing
        return self._known[key]


@dataclass(frozen=True)
class Book:
    """What has been written down so far.

    Args:
        options: of the compilation.
        pipeline: its name.
        root: where artifacts go.
        image: in place of the project's own.
        workspace: whether the run has a folder that all its steps share.
        parameters: names of the pipeline's own.
        templates: by name, each without its name.
        documents: of the launched steps.
        steps: of the whole pipeline.
        spec: fields that a step asks of the whole workflow.
        warnings: so far.
        problems: so far; with one, there is no result.
    """

    options: Options
    pipeline: str
    root: str
    image: str
    workspace: bool
    parameters: tuple[str, ...] = ()
    templates: Shelf = field(default_factory=lambda: Shelf(MAIN))
    documents: Shelf = field(default_factory=Shelf)
    steps: list[StepInfo] = field(default_factory=list)
    spec: list[Mapping[str, Any]] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
