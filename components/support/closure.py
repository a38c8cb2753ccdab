"""What can change a model's predictions: the packages and the code a server needs to answer alike."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pipelines.sdk.errors import EnvironmentProblem, Finding

PACKAGES: Final = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")
PROJECT: Final = Path(__file__).parents[2]
LOCK: Final = "requirements.lock"

# mlflow and mlflow-skinny are released together; a serving image has only the second.
_STANDS_FOR: Final = {"mlflow": "mlflow-skinny"}


def serving_closure() -> dict[str, str]:
    """This environment's version of each package, of Python (minor), and the hash of the feature code."""
    code = Path(__file__).with_name("features.py").read_bytes()
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        **{name: _version(_STANDS_FOR.get(name, name)) for name in PACKAGES},
        "features": hashlib.sha256(code).hexdigest(),
    }


def closure_hash(closure: Mapping[str, str]) -> str:
    """Twelve hexadecimal digits that name a serving closure; they fit in a Kubernetes name."""
    return hashlib.sha256(json.dumps(closure, sort_keys=True).encode()).hexdigest()[:12]


def locked_requirements() -> list[str]:
    """The closure's packages as `name==version`, as the lock has them for this machine.

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


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        missing = Finding(f"package {package} is not installed", mend=f"install what {LOCK} names")
        raise EnvironmentProblem(missing) from None


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
