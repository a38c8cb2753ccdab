"""The folder of a run: what went in, what came out, what was printed."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.files import write_whole

_ODD = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its files.

    Args:
        path: `<home>/runs/<id>`.
        id: the run's id, unique on this machine.
    """

    path: Path
    id: str

    @property
    def artifacts(self) -> Path:
        """Outputs of the steps: the pipeline root."""
        return self.path / "artifacts"

    @property
    def workspace(self) -> Path:
        """The folder that all steps share, where the pipeline asks for one."""
        return self.path / "workspace"

    @property
    def mounts(self) -> dict[str, str]:
        """The folder that stands for each kind of remote address, by scheme."""
        return {f"{scheme}://": f"{self.path}/mounts/{scheme}/" for scheme in ("gs", "s3", "minio")}

    def mount(self, uri: str) -> Path:
        """Where the bytes behind a remote address are."""
        scheme, _, rest = uri.partition("://")
        return self.path / "mounts" / scheme / rest.rstrip("/")

    def log(self, task: str, attempt: int = 1) -> Path:
        """What one attempt of a task prints; its folder is made."""
        return self._made("logs", task, f"{_suffix(attempt)}.log")

    def log_of(self, task: str, attempt: int = 1) -> Path:
        """Like `log`, but nothing is made."""
        return self._file("logs", task, f"{_suffix(attempt)}.log")

    def work(self, task: str, attempt: int) -> Path:
        """A new folder for the request and the result of one attempt of a task."""
        folder = self._made("tasks", task, _suffix(attempt))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def root(self, task: str, attempt: int) -> Path:
        """The folder that gets the outputs of one attempt of a task."""
        return self._made("artifacts", task, _suffix(attempt))

    def _made(self, kind: str, task: str, suffix: str) -> Path:
        path = self._file(kind, task, suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _file(self, kind: str, task: str, suffix: str) -> Path:
        path = self.path.joinpath(kind, *map(file_name, task.split("/")))
        return path.with_name(path.name + suffix)

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Writes `run.json`, whole or not at all."""
        write_whole(self.path / "run.json", json.dumps(record, indent=2) + "\n")


def _suffix(attempt: int) -> str:
    return "" if attempt == 1 else f"~attempt-{attempt}"  # no name of a task has a ~; see file_name


def file_name(name: str) -> str:
    """A name that every file system takes; a hash keeps apart what would fall together."""
    safe = _ODD.sub("_", name)[:100]
    if safe == name and safe not in {"", ".", ".."}:
        return name
    return f"{safe.strip('.')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def create(home: Path, pipeline: str, now: datetime) -> RunFolder:
    """Makes the folder of a new run.

    Args:
        home: folder for all local state.
        pipeline: name of the pipeline.
        now: the time that becomes part of the id.

    Raises:
        EnvironmentProblem: where it cannot be made.
    """
    run_id = f"{file_name(pipeline)}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    path = home.absolute() / "runs" / run_id
    try:
        for folder in (path / "artifacts", path / "logs", path / "tasks"):
            folder.mkdir(parents=True)
    except OSError as error:
        finding = Finding(
            f"the run's folder cannot be made: {error.strerror}",
            str(error.filename or path),
            "set PIPELINES_HOME to a folder that you can write to",
        )
        raise EnvironmentProblem(finding) from error
    return RunFolder(path, run_id)
