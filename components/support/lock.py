"""The lock: what of it a model records, and the hash that names it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.serving.models.closure import PACKAGES, PROJECT

LOCK: Final = "requirements.lock"


def locked_requirements() -> list[str]:
    """The serving closure's packages as `name==version`, as the lock has them for this machine.

    Raises:
        EnvironmentProblem: there is no lock, or it lacks one of the packages.
    """
    pins = dict(_pins(lock_file().read_text()))
    if missing := [name for name in PACKAGES if name not in pins]:
        raise EnvironmentProblem(
            Finding(f"no version of {', '.join(missing)} for this machine", str(lock_file()), "lock again")
        )
    return [f"{name}=={pins[name]}" for name in PACKAGES]


def lock_hash() -> str:
    """SHA-256 of the lock.

    Raises:
        EnvironmentProblem: there is none.
    """
    return hashlib.sha256(lock_file().read_bytes()).hexdigest()


def lock_file() -> Path:
    """Where the lock is: beside the project's packages, or in the working folder of an image.

    Raises:
        EnvironmentProblem: there is none.
    """
    for folder in (PROJECT, Path.cwd()):
        if (folder / LOCK).is_file():
            return folder / LOCK
    raise EnvironmentProblem(
        Finding(f"no {LOCK} there, so a model's requirements are unknown", str(PROJECT), "put the lock there")
    )


def _pins(lock: str) -> list[tuple[str, str]]:
    """Name and version of every requirement whose marker holds here."""
    from packaging.requirements import Requirement

    found = []
    for line in lock.splitlines():
        if not line or line[0] in " #":
            continue
        requirement = Requirement(line.rstrip("\\ "))
        pinned = [spec.version for spec in requirement.specifier if spec.operator == "=="]
        if pinned and (requirement.marker is None or requirement.marker.evaluate()):
            found.append((requirement.name.lower(), pinned[0]))
    return found
