"""What a rule says of a reference, and where the reference stands."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.sdk.argo.lint.tags import Reference
from pipelines.sdk.argo.lint.views import Spec, Task, Template


@dataclass(frozen=True)
class Place:
    """Where a reference stands.

    Args:
        spec: of the workflow.
        template: in which it is; None beside all templates.
        task: of that template, likewise.
        own: whether it may name the task itself: in its hooks.
    """

    spec: Spec
    template: Template | None = None
    task: Task | None = None
    own: bool = False


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a reference: the rule that it breaks, why, and how to mend it."""

    rule: str
    what: str
    mend: str
    severity: str = ""


def unresolved(reference: Reference, mend: str, what: str = "") -> Verdict:
    """Nothing gives a reference a value.

    Args:
        reference: as it stands.
        mend: what to do about it.
        what: the problem, where more can be said.
    """
    what = what or f"nothing gives {reference.shown} a value here"
    return Verdict("unresolved-reference", what, mend or "remove it")
