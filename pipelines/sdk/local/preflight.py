"""What a pipeline needs of this machine, checked before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.local.containers import find_engine
from pipelines.sdk.plan import Plan, Step, walk

ON_A_CLUSTER_ALONE = {"argostub/createpvc": "makes", "argostub/deletepvc": "deletes"}
"""Images that do not exist: KFP's backend does what they stand for itself."""


def preflight(plan: Plan, *, host: bool) -> str:
    """Checks that every step can run here.

    Args:
        plan: the pipeline.
        host: whether container components run as plain processes.

    Returns:
        The container engine to use; '' where none is needed.

    Raises:
        EnvironmentProblem: with all that is missing.
    """
    steps = {path: task.body for path, task in walk(plan.root) if isinstance(task.body, Step)}
    contained = not host and any(step.python is None for step in steps.values())
    engine = find_engine() if contained else ""
    findings = [each for path, step in steps.items() for each in _step(path, step, engine, host=host)]
    if findings:
        raise EnvironmentProblem(*findings)
    return engine


def _step(path: str, body: Step, engine: str, *, host: bool) -> Iterator[Finding]:
    if body.image in ON_A_CLUSTER_ALONE:
        yield Finding(
            f"it {ON_A_CLUSTER_ALONE[body.image]} a volume of a cluster, and this machine is none",
            f"task {path}",
            "run the pipeline on a cluster; or pass the data on as artifacts",
        )
    elif body.python is None and host and not body.command:
        yield Finding(
            f"it names no command, and the entry point of its image ({body.image}) is unknown here",
            f"task {path}",
            "name the command; or run it without --host, with docker or podman",
        )
    elif body.python is None and not host and not engine:
        yield Finding(
            f"it is a container component ({body.image}), and neither docker nor podman answers here",
            f"task {path}",
            "start one; or --host runs the command as a plain process of this machine",
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
