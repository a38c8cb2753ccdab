"""What local deployment remembers: who serves, who might, who is on the way out. One folder a service.

    <home>/serving/<service>/endpoint.json            who serves now
                             challenger-<run>.json    started beside it, not yet switched to
                             retired-<token>.json     asked to end, and not yet known to have ended
                             lock                     held by whoever changes the others
                             logs/                    of the servers

A file is written whole or not at all, so reading takes no lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.sdk.errors import EnvironmentProblem, Finding, UsageError
from pipelines.sdk.files import write_whole

HOME_VARIABLE: Final = "PIPELINES_HOME"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Endpoint:
    """A model server on this machine.

    Args:
        service: what it serves; the name of the model in its URLs.
        url: base, without a trailing slash: `http://127.0.0.1:PORT`.
        port: where it listens; 0 while it starts.
        pid: of its process.
        model_id: MLflow's `m-...`, or the model's uuid where it was only saved to a folder.
        version: of the registered model; empty where there is none.
        run_id: of the pipeline run that started it.
        started: when, ISO 8601 in UTC.
    """

    service: str
    url: str
    port: int
    pid: int
    model_id: str
    version: str
    run_id: str
    started: str


@dataclass(frozen=True)
class Record:
    """An endpoint, and what tells its process from any other.

    Args:
        endpoint: where it is.
        token: text that the server has in its metadata, and no other server.
        birth: when its process began, as the system counts it.
        log: where it writes.
        owner: number of the process without which nobody would ever switch to it; 0 where there is none.
        owner_birth: when that began.
    """

    endpoint: Endpoint
    token: str
    birth: str
    log: str
    owner: int = 0
    owner_birth: str = ""


def write_json(path: Path, value: Any) -> None:
    """Write a file so that a reader sees all of it or what was there before; only its owner may read it."""
    write_whole(path, json.dumps(value, indent=2) + "\n", 0o600)


def write(path: Path, record: Record) -> None:
    """Write a record; flat, so that other programs find `url` where they look for it."""
    fields = asdict(record)
    write_json(path, fields.pop("endpoint") | fields)


def read(path: Path) -> Record | None:
    """The record in a file; None where there is no file, or no record in it."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        token, birth, log = fields.pop("token"), fields.pop("birth"), fields.pop("log")
        owner, owner_birth = fields.pop("owner", 0), fields.pop("owner_birth", "")
        return Record(Endpoint(**fields), token, birth, log, owner, owner_birth)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


@dataclass(frozen=True)
class Place:
    """The folder of one service.

    Args:
        folder: absolute.
    """

    folder: Path

    @classmethod
    def of(cls, service: str, home: Path | None) -> Place:
        """The service's folder below `home`, by default $PIPELINES_HOME or `./.pipelines`; not yet created.

        Raises:
            UsageError: the service cannot be the name of a folder.
        """
        base = home or Path(os.environ.get(HOME_VARIABLE) or ".pipelines")
        return cls(base.absolute() / "serving" / checked(service, "service"))

    @property
    def serving(self) -> Path:
        """The record of who serves."""
        return self.folder / "endpoint.json"

    def challenger(self, run_id: str) -> Path:
        """The record of a run's challenger.

        Raises:
            UsageError: the run's id cannot be part of a file's name.
        """
        return self.folder / f"challenger-{checked(run_id, 'run_id')}.json"

    def retired(self, record: Record) -> Path:
        """The record of a server that was asked to end."""
        return self.folder / f"retired-{record.token}.json"

    def port_file(self, token: str) -> Path:
        """Where a server that starts says its port."""
        return self.folder / f".port-{token}.json"

    def all_retired(self) -> list[Path]:
        """The records of servers that were asked to end."""
        return sorted(self.folder.glob("retired-*.json"))

    def all_challengers(self) -> list[Path]:
        """The records of servers that nobody was switched to."""
        return sorted(self.folder.glob("challenger-*.json"))

    def everyone(self) -> list[Path]:
        """The records of all servers, whatever they do."""
        return [self.serving, *self.all_challengers(), *self.all_retired()]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who changes the folder. Creates it; the lock goes with the process that holds it.

        Raises:
            EnvironmentProblem: the folder cannot be written.
        """
        try:
            (self.folder / "logs").mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            finding = Finding(
                f"cannot be written: {error.strerror}", str(self.folder), f"set {HOME_VARIABLE}"
            )
            raise EnvironmentProblem(finding) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def names_me(self, record_file: Path, token: str) -> bool:
        """Whether a record is of this very process."""
        with self.locked():
            record = read(record_file)
        return record is not None and record.token == token and record.endpoint.pid == os.getpid()


def checked(name: str, what: str) -> str:
    """The name, if a file can have it.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(Finding(f"{name!r} is not a name", what, "use letters, digits, '.', '_' and '-'"))
    return name
