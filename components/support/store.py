"""The MLflow store: how to reach it, quietly and patiently, with many processes at it at once."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote, unquote, urlsplit

from pipelines.sdk.errors import EnvironmentProblem, Finding, Unreachable, UsageError

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

ATTEMPTS: Final = 8
FIRST_PAUSE_SECONDS: Final = 0.1
CONNECT_SECONDS: Final = 5.0
# sqlite's lock, and a broken unique constraint in the words of sqlite, PostgreSQL and MySQL: MLflow looks
# whether a row is there before it writes it, and in between another can.
_PASSING: Final = ("database is locked", "UNIQUE constraint", "UniqueViolation", "Duplicate entry")
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect() -> MlflowClient:
    """A client of the store that MLFLOW_TRACKING_URI names, else of one in PIPELINES_HOME or `.pipelines`.

    Raises:
        Unreachable: no server answers at that address.
        EnvironmentProblem: this is a pod, and neither of the two is set.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    named = os.environ.get("MLFLOW_TRACKING_URI") or os.environ.get("PIPELINES_HOME")
    if "KUBERNETES_SERVICE_HOST" in os.environ and not named:
        # A store in the pod would be gone with it, and no other step would see it.
        mend = "set MLFLOW_TRACKING_URI, on Argo in the ConfigMap pipeline-environment"
        raise EnvironmentProblem(Finding("no MLflow server is named", "MLFLOW_TRACKING_URI", mend))
    import mlflow

    for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # warns where uv left pip out
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        home = Path(os.environ.get("PIPELINES_HOME") or ".pipelines").absolute()
        home.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(f"sqlite:///{home / 'mlflow.db'}")
    uri = mlflow.get_tracking_uri()
    if urlsplit(uri).scheme in ("http", "https"):
        _knock(uri)
    else:
        # MLflow imports them at the first request; named here, a runner that forks loads them once.
        import mlflow.store.model_registry.sqlalchemy_store
        import mlflow.store.tracking.sqlalchemy_store
    return mlflow.MlflowClient()


def patiently(call: Callable[[], T]) -> T:
    """What `call` returns; it is called again, after growing pauses, while others are at the same place.

    A transaction that met a lock, or a row that another had just written, was rolled back, so repeating it
    is safe. Where a server did not answer, MLflow's own client has repeated the request for minutes by then;
    that is not done again.
    """
    from mlflow.exceptions import MlflowException

    for attempt in range(ATTEMPTS):
        try:
            return call()
        except MlflowException as error:
            passing = any(sign in str(error) for sign in _PASSING)
            if attempt == ATTEMPTS - 1 or not (passing or error.error_code == "TEMPORARILY_UNAVAILABLE"):
                raise
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def experiment_id(client: MlflowClient, name: str) -> str:
    """Id of the experiment; made where there is none, also when others make it at the same moment.

    Raises:
        UsageError: somebody deleted it, and MLflow keeps its name.
    """
    from mlflow.exceptions import MlflowException

    experiment = patiently(lambda: client.get_experiment_by_name(name))
    if experiment is None:
        try:
            return str(patiently(lambda: client.create_experiment(name, _artifact_location(name))))
        except MlflowException as error:
            # SQL stores report the broken unique constraint in more than one way; asking again is the test.
            experiment = patiently(lambda: client.get_experiment_by_name(name))
            if experiment is None:
                raise error
    if experiment.lifecycle_stage == "deleted":
        mend = f"`mlflow experiments restore -x {experiment.experiment_id}`, or set MLFLOW_EXPERIMENT_NAME"
        raise UsageError(Finding("the MLflow experiment is deleted", name, mend))
    return str(experiment.experiment_id)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process of this machine at a time.

    Raises:
        EnvironmentProblem: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "mlflow-runs.lock").open("a")
    except OSError as error:
        mend = "set PIPELINES_HOME to a folder that you can write to"
        raise EnvironmentProblem(Finding(f"cannot write: {error.strerror}", str(folder), mend)) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _artifact_location(experiment: str) -> str | None:
    """Beside a sqlite file, where MLflow would take the working folder; else the server's own place."""
    import mlflow

    uri = mlflow.get_tracking_uri()
    if not uri.startswith("sqlite:///"):
        return None
    database = Path(unquote(uri.removeprefix("sqlite:///").partition("?")[0])).absolute()
    return (database.parent / "mlartifacts" / quote(experiment, safe="")).as_uri()


def _knock(uri: str) -> None:
    """Find out in seconds what MLflow's client would need minutes of retries for: that nobody is there."""
    parts = urlsplit(uri)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for attempt in range(3):
        try:
            socket.create_connection((parts.hostname or "", port), CONNECT_SECONDS).close()
            return
        except OSError as error:
            reason = error
            time.sleep(attempt)
    shown = f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"  # an address can hold a password
    mend = "start the server, or correct MLFLOW_TRACKING_URI"
    raise Unreachable(Finding(f"no MLflow server answers ({reason})", shown, mend))
