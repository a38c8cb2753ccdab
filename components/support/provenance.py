"""Where a run comes from: the commit, the lock and the image, as tags."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from components.support.lock import lock_hash
from pipelines.sdk.errors import EnvironmentProblem
from pipelines.sdk.serving.models.closure import PROJECT


def provenance(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags `git_commit`, `lock_hash` and `image`, each only where it can be known.

    An image has no git folder: there GIT_COMMIT and PIPELINE_IMAGE say what it was built from.
    """
    env = os.environ if env is None else env
    found = {
        "git_commit": env.get("GIT_COMMIT") or _commit(),
        "lock_hash": _lock_hash(),
        "image": env.get("PIPELINE_IMAGE", ""),
    }
    return {name: value for name, value in found.items() if value}


def _commit() -> str:
    """The commit that is checked out, with `-dirty` where files differ from it; empty where there is none."""
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _lock_hash() -> str:
    try:
        return lock_hash()
    except EnvironmentProblem:
        return ""
