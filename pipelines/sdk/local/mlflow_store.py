"""MLflow's sqlite store, made and migrated before any step uses it.

MLflow does that on first use, without a lock: of several first uses at once, most crash.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.local.pool import Pool
from pipelines.sdk.local.steps import tail

_SQLITE = "sqlite:///"


def default_tracking_uri(home: Path) -> str:
    """The store used where MLFLOW_TRACKING_URI says nothing.

    Args:
        home: folder for all local state.
    """
    return f"{_SQLITE}{home.absolute() / 'mlflow.db'}"


async def prepare_store(pool: Pool, uri: str, home: Path, log: Path) -> None:
    """Makes the store usable by many steps at once; does nothing for a server, or where no step uses MLflow.

    Args:
        pool: a process of it does the work, since MLflow is imported there.
        uri: the tracking URI.
        home: gets the folder for artifacts of the default store.
        log: what MLflow prints meanwhile.

    Raises:
        EnvironmentProblem: where the store cannot be made.
    """
    if not uri.startswith(_SQLITE):
        return
    ready = await pool.ready
    if not any(name.partition(".")[0] == "mlflow" for name in ready["modules"]):
        return
    argument = json.dumps({"uri": uri, "artifacts": str(home.absolute() / "mlartifacts")})
    code = await pool.run("pipelines.sdk.local.mlflow_store:make_store", argument, log, {})
    if code != 0:
        what = f"MLflow's store cannot be made: {tail(log) or f'exit code {code}'}"
        raise EnvironmentProblem(Finding(what, uri, f"see {log}; or set MLFLOW_TRACKING_URI to a server"))


def make_store(argument: str) -> int:
    """Runs in a process of its own; see prepare_store.

    Args:
        argument: `{"uri", "artifacts"}` as JSON.
    """
    given = json.loads(argument)
    database = Path(given["uri"].removeprefix(_SQLITE).partition("?")[0])
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        SqlAlchemyStore(given["uri"], Path(given["artifacts"]).as_uri())  # type: ignore[no-untyped-call]
    return 0
