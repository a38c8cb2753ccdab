"""`doctor`: is everything there that the commands need?"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import click
from packaging.requirements import Requirement

from pipelines.sdk.errors import Exit
from pipelines.sdk.local.containers import find_engine
from pipelines.sdk.local.mlflow_store import tracking_uri
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings

LOCK = Path(__file__).resolve().parents[3] / "requirements.lock"
FREE_BYTES = 1 << 30
SHOWN = 5  # packages that differ
STORES = {"sqlite", "postgresql", "mysql", "mssql", "file", "databricks"}


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
    if not LOCK.exists():
        return Check("packages", True, "not compared: there is no requirements.lock beside the code")
    wrong = []
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line[:1].isalnum():
            wrong += _differs(Requirement(line.rstrip(" \\")))
    more = ", ..." if len(wrong) > SHOWN else ""
    found = f"{len(wrong)} differ from the lock: {', '.join(wrong[:SHOWN])}{more}"
    return Check("packages", not wrong, found if wrong else "as in requirements.lock", "run `make setup`")


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
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        what = "cannot be written" if folder == settings.home else f"cannot be made in {folder}"
        return Check("PIPELINES_HOME", False, f"{settings.home} {what}", "set it to a folder of yours")
    free = shutil.disk_usage(folder).free
    found = f"{settings.home}, {free / FREE_BYTES:.1f} GiB free"
    return Check("PIPELINES_HOME", free > FREE_BYTES, found, "free some space, or set it to another disk")


def _tracking(settings: Settings) -> Check:
    """MLflow's server answers; a local store can be made."""
    uri = tracking_uri(settings.home)
    scheme, _, rest = uri.partition("://")
    if scheme in {"http", "https"}:
        return _server(uri)
    if scheme.partition("+")[0] not in STORES:
        known = ", ".join(sorted({"http", "https", *STORES}))
        return Check("MLflow", False, f"{uri} is no store", f"set MLFLOW_TRACKING_URI to one of {known}")
    folder = Path(rest.removeprefix("/").partition("?")[0]).parent
    if scheme == "sqlite" and rest != "/:memory:" and folder != settings.home and not folder.is_dir():
        return Check("MLflow", False, f"{uri}: there is no folder {folder}", "make the folder")
    return Check("MLflow", True, uri)


def _server(uri: str) -> Check:
    health = f"{uri.rstrip('/')}/health"
    mend = "start the server, or set MLFLOW_TRACKING_URI to one that answers"
    try:
        with urllib.request.urlopen(health, timeout=5):  # noqa: S310 - http(s), checked above
            return Check("MLflow", True, f"{uri} answers")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Check("MLflow", False, f"{health}: {getattr(error, 'reason', error)}", mend)


def _engine(settings: Settings) -> Check:
    engine = find_engine()
    return Check(
        "containers", True, engine or "neither docker nor podman answers: container components need --host"
    )


def _google(settings: Settings) -> Check:
    file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    if emulator or not file:
        found = f"emulator at {emulator}" if emulator else "no credentials: only data that is public"
        return Check("gs:// access", True, found)
    mend = "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or unset it"
    try:
        key = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        return Check("gs:// access", False, f"{file}: {error.strerror}", mend)
    except ValueError:
        return Check("gs:// access", False, f"{file} is no JSON", mend)
    known = isinstance(key, dict) and "type" in key
    return Check("gs:// access", known, file if known else f"{file} is no key of Google's", mend)


CHECKS: tuple[Callable[[Settings], Check], ...] = (_python, _packages, _home, _tracking, _engine, _google)
