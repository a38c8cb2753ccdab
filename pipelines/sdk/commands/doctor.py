"""`doctor`: is everything there that the commands need?"""

from __future__ import annotations

import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import click
from packaging.requirements import Requirement

from pipelines.sdk.errors import Exit
from pipelines.sdk.local.containers import find_engine
from pipelines.sdk.local.mlflow_store import default_tracking_uri
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings

LOCK = Path(__file__).resolve().parents[3] / "requirements.lock"
FREE_BYTES = 1 << 30


@dataclass(frozen=True)
class Check:
    """One answer.

    Args:
        name: what was looked at.
        ok: whether it is as it should be.
        found: what was found.
        mend: what to do where it is not; '' for what is only good to know.
    """

    name: str
    ok: bool
    found: str
    mend: str = ""


def command(plan: Plan, settings: Settings) -> click.Command:
    """`doctor`.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @click.command("doctor", help="Check this machine and its settings.")
    def doctor_command() -> int:
        checks = [check(settings) for check in CHECKS]
        width = max(len(check.name) for check in checks)
        for each in checks:
            click.echo(f"{'ok  ' if each.ok else 'FAIL'}  {each.name:<{width}}  {each.found}")
            if not each.ok:
                click.echo(f"      {'':<{width}}  -> {each.mend}")
        return Exit.OK if all(check.ok for check in checks) else Exit.ENVIRONMENT

    return doctor_command


def _python(settings: Settings) -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Check("Python", ok, version, "use Python 3.11, 3.12 or 3.13")


def _packages(settings: Settings) -> Check:
    """Installed versions against the lock."""
    wrong = []
    for line in LOCK.read_text(encoding="utf-8").splitlines() if LOCK.exists() else []:
        if line[:1].isalnum():
            wrong += _differs(Requirement(line.rstrip(" \\")))
    found = (
        f"{len(wrong)} differ from the lock: {', '.join(wrong[:5])}" if wrong else "as in requirements.lock"
    )
    return Check("packages", not wrong, found, "run `make setup`")


def _differs(requirement: Requirement) -> list[str]:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return []
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return [f"{requirement.name} is missing"]
    return (
        [] if requirement.specifier.contains(version, prereleases=True) else [f"{requirement.name} {version}"]
    )


def _home(settings: Settings) -> Check:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    writable = folder.is_dir() and os.access(folder, os.W_OK)
    free = shutil.disk_usage(folder).free
    found = f"{settings.home}, {free / FREE_BYTES:.0f} GiB free"
    return Check(
        "PIPELINES_HOME", writable and free > FREE_BYTES, found, "set it to a folder with a GiB free"
    )


def _tracking(settings: Settings) -> Check:
    uri = os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(settings.home)
    if not uri.startswith(("http://", "https://")):
        return Check("MLflow", True, uri)
    health = f"{uri.rstrip('/')}/health"
    try:
        with urllib.request.urlopen(health, timeout=5) as answer:  # noqa: S310 - http(s), checked above
            return Check("MLflow", answer.status == 200, f"{uri} answers")
    except (urllib.error.URLError, OSError) as error:
        return Check(
            "MLflow", False, f"{health}: {error}", "set MLFLOW_TRACKING_URI to a server that answers"
        )


def _engine(settings: Settings) -> Check:
    engine = find_engine()
    return Check(
        "containers", True, engine or "neither docker nor podman answers: container components need --host"
    )


def _google(settings: Settings) -> Check:
    file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    found = f"emulator at {emulator}" if emulator else file or "not set: only data that is public"
    ok = not file or Path(file).is_file()
    return Check("gs:// access", ok, found, "GOOGLE_APPLICATION_CREDENTIALS names no file")


CHECKS: tuple[Callable[[Settings], Check], ...] = (_python, _packages, _home, _tracking, _engine, _google)
