"""Settings, read from the environment once, at the edge (https://12factor.net/config)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.sdk.errors import Finding, UsageError

STEP_IMAGE = "kfp-on-argo/step:0.1.0"
"""The image that components name; `compile` replaces it by PIPELINE_IMAGE."""


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Args:
        home: folder for all local state (PIPELINES_HOME, `.pipelines`).
        workers: steps at once (PIPELINES_WORKERS, as many as this process has cores).
        fork: whether steps are forked (PIPELINES_START `fork` or `spawn`; fork, but on macOS spawn).
        image: of the project's own steps in compiled pipelines (PIPELINE_IMAGE).
    """

    home: Path
    workers: int
    fork: bool
    image: str


def from_environment(env: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings.

    Args:
        env: variables by name.

    Raises:
        UsageError: with every variable that makes no sense.
    """
    findings: list[Finding] = []
    workers = env.get("PIPELINES_WORKERS") or str(_cores())
    if not workers.isdecimal() or not 1 <= int(workers) <= 1024:
        findings.append(Finding(f"{workers!r} is no number of steps", "PIPELINES_WORKERS", "set 1 to 1024"))
    start = env.get("PIPELINES_START") or ("spawn" if sys.platform == "darwin" else "fork")
    if start not in {"fork", "spawn"}:
        findings.append(Finding(f"{start!r} is unknown", "PIPELINES_START", "set fork or spawn"))
    if findings:
        raise UsageError(*findings)
    return Settings(
        home=Path(env.get("PIPELINES_HOME") or ".pipelines").expanduser().absolute(),
        workers=int(workers),
        fork=start == "fork",
        image=env.get("PIPELINE_IMAGE") or STEP_IMAGE,
    )


def _cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
