"""MLflow's sqlite store, made and migrated before any step uses it.

MLflow does that on first use, without a lock: of several first uses at once, most crash.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.logs import tail
from pipelines.sdk.local.pool import Call, Pool

MODULES = ("mlflow.store.tracking.sqlalchemy_store",)
KEY = "MLflow's store"
"""Under it, a pool imports MODULES."""

BUSY_SECONDS = 20.0  # to wait while other processes write; MLflow's own sessions wait as long
_SQLITE = "sqlite:///"


def default_tracking_uri(home: Path) -> str:
    """The store used where MLFLOW_TRACKING_URI says nothing.

    Args:
        home: folder for all local state.
    """
    return f"{_SQLITE}{home.absolute() / 'mlflow.db'}"


def tracking_uri(home: Path, env: Mapping[str, str] = os.environ) -> str:
    """The store that steps use: a relative path is one of this folder, wherever a step runs.

    Args:
        home: folder for all local state.
        env: variables by name; MLFLOW_TRACKING_URI counts.
    """
    uri = env.get("MLFLOW_TRACKING_URI") or default_tracking_uri(home)
    path = _database(uri)
    return f"{_SQLITE}{Path.cwd() / uri.removeprefix(_SQLITE)}" if path and not path.is_absolute() else uri


def _database(uri: str) -> Path | None:
    """The file behind a sqlite URI; None for other stores, and for one in memory."""
    name = uri.removeprefix(_SQLITE).partition("?")[0] if uri.startswith(_SQLITE) else ""
    return None if name in {"", ":memory:"} or name.startswith("file:") else Path(name)


@dataclass(frozen=True)
class TrackingStore:
    """The MLflow store of a run.

    Args:
        uri: the tracking URI.
        making: the task that makes it; see `opened`.
    """

    uri: str
    making: asyncio.Task[None]

    async def ready(self) -> None:
        """Waits until many steps at once can use it.

        Raises:
            EnvironmentProblem: where it cannot be made.
        """
        await asyncio.shield(self.making)

    async def identity(self) -> str:
        """What tells it from any other: results that name its models mean nothing in another."""
        if (path := _database(self.uri)) is None:
            return self.uri
        if not (born := _born(path)):
            await self.ready()
            born = _born(path)
        return f"{self.uri} {born}"


def _born(path: Path) -> str:
    """When the store was made; '' where it was not yet."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
            return str(database.execute("select min(creation_time) from experiments").fetchone()[0] or "")
    except sqlite3.Error:
        return ""


@asynccontextmanager
async def opened(
    pool: Pool, uri: str, home: Path, folder: RunFolder, *, used: bool
) -> AsyncIterator[TrackingStore | None]:
    """The store, which is made in a process of its own meanwhile; a server is taken as it is.

    Args:
        pool: of whose processes one does the work.
        uri: the tracking URI.
        home: gets the folder for artifacts of the default store.
        folder: the run's; gets what MLflow prints.
        used: whether a step uses it; else there is none.
    """
    if not used:
        yield None
        return
    making = asyncio.create_task(_make(pool, uri, home, folder.log("mlflow")))
    try:
        yield TrackingStore(uri, making)
    finally:
        making.cancel()
        await asyncio.wait({making})
        if not making.cancelled():
            making.exception()  # or asyncio would complain that nobody has asked


async def _make(pool: Pool, uri: str, home: Path, log: Path) -> None:
    if _database(uri) is None:
        return
    argument = json.dumps({"uri": uri, "artifacts": str(home.absolute() / "mlartifacts")})
    code = await pool.run(Call("pipelines.sdk.local.mlflow_store:make_store", argument, log, {}, needs=KEY))
    if code != 0:
        what = f"MLflow's store cannot be made: {tail(log) or f'exit code {code}'}"
        raise EnvironmentProblem(Finding(what, uri, f"see {log}; or set MLFLOW_TRACKING_URI to a server"))


def make_store(argument: str) -> int:
    """Runs in a process of its own; see opened.

    Args:
        argument: `{"uri", "artifacts"}` as JSON.

    Returns:
        0, or 1 where the last line of the log says what went wrong.
    """
    given = json.loads(argument)
    name, question, options = given["uri"].removeprefix(_SQLITE).partition("?")
    database = Path(name)
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with database.with_name(f"{database.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make_whole(database, f"{question}{options}", Path(given["artifacts"]).as_uri())
        with closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as connection:
            connection.execute("begin immediate")  # refused where it can only be read
    except Exception as error:  # noqa: BLE001 - a library's, a database's or the system's: the user needs the cause
        sys.stderr.write(f"{_cause(error)}\n")
        return 1
    return 0


def _make_whole(database: Path, options: str, artifacts: str) -> None:
    """Makes a new database beside its place first: half of one, when we are killed, could not be mended."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    if database.exists() and database.stat().st_size:
        SqlAlchemyStore(f"{_SQLITE}{database}{options}", artifacts)  # type: ignore[no-untyped-call]
        return
    part = database.with_name(f".{database.name}.part")
    part.unlink(missing_ok=True)
    store = SqlAlchemyStore(f"{_SQLITE}{part}{options}", artifacts)  # type: ignore[no-untyped-call]
    store.engine.dispose()
    part.replace(database)


def _cause(error: BaseException) -> str:
    """The first of a chain of errors, without what each layer has wrapped around it."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return " ".join(str(error).split()) or type(error).__name__
