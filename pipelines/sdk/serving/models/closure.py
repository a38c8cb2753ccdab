"""The serving closure: all that can change a prediction, of an environment and of a model; do they agree?

A model records the closure that it was trained in. Its hash names the server's image (its label
`serving-closure`) and the runtime on the cluster (`mlflow-<hash>`), so that a model meets the packages that
it was trained with.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from pipelines.sdk.errors import EnvironmentProblem, Finding

PACKAGES: Final = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")
PROJECT: Final = Path(__file__).parents[4]
HASH_KEY: Final = "serving_closure"
PARTS_KEY: Final = "serving_packages"
ABSENT: Final = "none"

# Below the project, and below the code that each of its models brings.
_FEATURES: Final = "components/support/features.py"
# mlflow and mlflow-skinny are released together; a serving image has only the second.
_STANDS_FOR: Final = {"mlflow": "mlflow-skinny"}
_WAYS_OUT: Final = "serve it with the image or runtime {}, or accept other predictions with --allow-skew"


class SkewedModel(EnvironmentProblem):
    """A model that was trained with other packages than this server has, or whose code was changed since."""


def serving_closure(code: Path | None = PROJECT) -> dict[str, str]:
    """The closure of this environment: Python (minor), each package, and the hash of the feature code.

    Args:
        code: folder with the feature code's package: the project, or what a model brings; None for no code.

    Returns:
        Version, or hash, by name; `none` for what is not there.
    """
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        **{name: installed(name) for name in PACKAGES},
        "features": _digest(code / _FEATURES) if code else ABSENT,
    }


def closure_hash(closure: Mapping[str, str]) -> str:
    """Twelve hexadecimal digits that name a serving closure; they fit in a Kubernetes name."""
    return hashlib.sha256(json.dumps(dict(closure), sort_keys=True).encode()).hexdigest()[:12]


def runtime_name(digits: str) -> str:
    """Name of the ServingRuntime that serves the models of a closure.

    Args:
        digits: of `closure_hash`.
    """
    return f"mlflow-{digits}"


def record() -> dict[str, Any]:
    """What a model that is logged here says of its closure, as `metadata` of MLflow's `log_model`."""
    closure = serving_closure()
    return {HASH_KEY: closure_hash(closure), PARTS_KEY: closure}


def described() -> str:
    """This environment's closure for people and scripts: the hash, then a line for each part of it."""
    closure = serving_closure()
    return "\n".join([closure_hash(closure), *(f"{name} {value}" for name, value in closure.items())])


@cache
def installed(package: str) -> str:
    """Version of a package in this environment; `none` where it is not installed."""
    for name in (_STANDS_FOR.get(package, package), package):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ABSENT


def check(metadata: Mapping[str, Any], code: Path | None, where: str, allow_skew: bool) -> list[str]:
    """Compare the closure that a model records with what would serve it: these packages, and its own code.

    Args:
        metadata: of the model; one that records nothing passes.
        code: the folder of code that the model brings; None for none.
        where: the model, as its user knows it.
        allow_skew: whether differences are accepted.

    Returns:
        Accepted differences, one line each.

    Raises:
        SkewedModel: they differ, one finding each, and that is not accepted.
    """
    wanted = metadata.get(HASH_KEY)
    if wanted is None:
        return []
    # What runs is the feature code that the model brings, not the project's, which may be newer.
    here = serving_closure(code)
    recorded = metadata.get(PARTS_KEY)
    known = {str(key): str(value) for key, value in recorded.items()} if isinstance(recorded, dict) else {}
    found = _differences(known, here) if known else [f"it does not say what its closure {wanted} is made of"]
    if known and not found and closure_hash(known) != wanted:
        found = [f"what it records has the hash {closure_hash(known)}, not {wanted}"]
    if not found or allow_skew:
        return found
    what = f"the model was trained in serving closure {wanted}, which is not this server's"
    mend = _WAYS_OUT.format(runtime_name(str(wanted)))
    raise SkewedModel(*(Finding(each) for each in found), Finding(what, where, mend))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ABSENT


def _differences(recorded: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    names = [*here, *(name for name in recorded if name not in here)]
    pairs = {name: (recorded.get(name, ABSENT), here.get(name) or installed(name)) for name in names}
    return [_difference(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]]


def _difference(name: str, trained: str, mine: str) -> str:
    if name == "features":
        return f"feature code: trained with {trained[:12]}, the model now brings {mine[:12]}"
    return f"{name}: trained with {trained}, here {mine}"
