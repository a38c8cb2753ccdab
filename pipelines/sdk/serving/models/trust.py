"""Whether this process would answer as the model did where it was trained."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from pipelines.sdk.errors import Finding
from pipelines.sdk.serving.models import closure, shipped
from pipelines.sdk.serving.models.closure import ABSENT, SkewedModel, installed
from pipelines.sdk.serving.models.source import Found

_REQUIREMENTS: Final = "requirements.txt"
_PYTHON: Final = "python_env.yaml"


def compare(found: Found, where: str, allow_skew: bool) -> list[str]:
    """Compare a model's packages and code with this process's, and let its own code be what runs.

    A model with a serving closure must find the same one. Any other is served whatever it asks for, with a
    warning.

    Args:
        found: the model; nothing of it has been loaded yet.
        where: its URI.
        allow_skew: whether a model of another closure is served too.

    Returns:
        Warnings, one line each.

    Raises:
        SkewedModel: the model would be asked in another environment than it was trained in.
    """
    recorded = found.card.metadata
    metadata = recorded if isinstance(recorded, dict) else {}
    accepted = closure.check(metadata, found.code, where, allow_skew)
    stuck = shipped.make_way(found.code) if found.code else []
    if stuck and not allow_skew:
        mend = "log it without that in code_paths, or accept this with --allow-skew"
        raise SkewedModel(*(Finding(each, where, mend) for each in stuck))
    if closure.HASH_KEY in metadata:
        return [*accepted, *stuck]
    other = mismatches(found.folder)
    return [*([other] if other else []), *stuck]


def mismatches(model: Path) -> str:
    """One line that names each package whose version is not what the model asks for; empty where all are.

    MLflow says the same in as many lines as there are packages, and takes mlflow-skinny for no mlflow.

    Args:
        model: its folder; files that it lacks say nothing.
    """
    found = [*_python(model / _PYTHON), *_packages(model / _REQUIREMENTS)]
    return f"the model asks for other packages: {', '.join(found)}; predictions may differ" if found else ""


def _python(file: Path) -> Iterator[str]:
    try:
        wanted = str((yaml.safe_load(file.read_text("utf-8")) or {}).get("python", ""))
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if wanted and ".".join(wanted.split(".")[:2]) != here:
        yield f"python {wanted} (here {here})"


def _packages(file: Path) -> Iterator[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        try:
            wanted = Requirement(line.partition(" #")[0].strip())
            if wanted.marker is not None and not wanted.marker.evaluate():
                continue
        except (InvalidRequirement, UndefinedEnvironmentName):  # an option, a comment, a file of someone's
            continue
        here = installed(wanted.name)
        if here == ABSENT or not wanted.specifier.contains(here, prereleases=True):
            yield f"{wanted.name}{wanted.specifier} (here {here})"
