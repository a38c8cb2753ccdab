"""What a pipeline needs of this machine, checked before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.plan import Plan, Step, walk


def preflight(plan: Plan, *, host: bool) -> None:
    """Checks that every step can run here.

    Args:
        plan: the pipeline.
        host: whether container components run as plain processes.

    Raises:
        EnvironmentProblem: with all that is missing.
    """
    findings = [finding for path, task in walk(plan.root) for finding in _step(path, task.body, host)]
    if findings:
        raise EnvironmentProblem(*findings)


def _step(path: str, body: object, host: bool) -> Iterator[Finding]:
    if not isinstance(body, Step):
        return
    if body.python is None and not host:
        yield Finding(
            f"it is a container component ({body.image}), and no container engine is used here",
            f"task {path}",
            "--host runs its command as a plain process of this machine",
        )
    elif body.python is not None:
        missing = [text for text in body.python.packages if not _installed(text)]
        if missing:
            quoted = " ".join(f"'{text}'" for text in missing)
            yield Finding(
                f"it needs packages that are not installed here: {', '.join(missing)}",
                f"task {path}",
                f"pip install {quoted}",
            )


def _installed(text: str) -> bool:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:  # a path or an URL: nothing to look up
        return True
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False
