"""Local deployment: model servers as detached processes, one serving and any number of challengers a service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Endpoint:
    """A model server on this machine.

    Args:
        service: what it serves; the name of the model in its URLs.
        url: base, without a trailing slash: `http://127.0.0.1:PORT`.
        port: where it listens.
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


def start_challenger(
    service: str,
    model_uri: str,
    version: str,
    run_id: str,
    *,
    home: Path | None = None,
    timeout: float = 60,
) -> Endpoint:
    """Start a server beside the one that serves, and wait until it answers with the right model.

    An earlier challenger of the same run is replaced.

    Raises:
        PipelineError: the model cannot be loaded, the process died, or `timeout` seconds passed; nothing is left.
    """
    raise NotImplementedError


def challenger(service: str, run_id: str, *, home: Path | None = None) -> Endpoint | None:
    """The run's challenger, if there is one and it answers."""
    raise NotImplementedError


def current(service: str, *, home: Path | None = None) -> Endpoint | None:
    """Who serves now; None where nobody does, or where the record is of a process that is gone."""
    raise NotImplementedError


def switch(service: str, endpoint: Endpoint, *, home: Path | None = None) -> None:
    """Make a challenger the one that serves; the server before it finishes its requests and ends.

    Switching again to the one that serves already does nothing.

    Raises:
        PipelineError: the challenger is not known, or does not answer; the old server goes on serving.
    """
    raise NotImplementedError


def discard(service: str, run_id: str, *, home: Path | None = None) -> None:
    """End the run's challenger, if it left one. Whoever serves is not touched."""
    raise NotImplementedError


def stop(service: str, *, home: Path | None = None) -> None:
    """End every server of the service, challengers too."""
    raise NotImplementedError


def ensure(service: str, model_uri: str, version: str, *, home: Path | None = None, timeout: float = 60) -> Endpoint:
    """The service's server for this model: the one that serves it already, else a new one put in its place."""
    raise NotImplementedError
