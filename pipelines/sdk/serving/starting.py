"""Starting a server process, and waiting until it answers with the right model."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.sdk.errors import Finding, PipelineError
from pipelines.sdk.serving import processes, state
from pipelines.sdk.serving.probe import difference
from pipelines.sdk.serving.state import Endpoint, Place, Record

if TYPE_CHECKING:
    from pipelines.sdk.serving.models.source import Identity

_LOGS_KEPT: Final = 20
_STEP: Final = 0.02


def launch(place: Place, file: Path, endpoint: Endpoint, identity: Identity, owner: int) -> Record:
    """Start a server and record it; it is not ready yet.

    Args:
        place: of the service.
        file: for its record.
        endpoint: as far as it is known before there is a process.
        identity: of the model.
        owner: as for `start_challenger`.
    """
    token = secrets.token_hex(16)
    log = place.folder / "logs" / f"{endpoint.run_id}-{token[:8]}.log"
    port_file = place.port_file(token)
    # The server asks for the same lock before it does anything, and leaves if it is not recorded by then: a
    # deployer that is killed between the two lines leaves nothing behind.
    with place.locked():
        _prune(log.parent)
        arguments = ["--name", endpoint.service, "--version", endpoint.version, "--port", "0"]
        arguments += [
            "--port-file",
            str(port_file),
            "--instance",
            token,
            "--claim",
            str(file),
            "--",
            identity.uri,
        ]
        pid = processes.start(arguments, log, _tracking())
        known = replace(endpoint, pid=pid)
        awaited = processes.birth(owner) if owner else ""
        record = Record(known, token, processes.birth(pid), str(log), owner, awaited)
        state.write(file, record)
    return record


def _tracking() -> dict[str, str]:
    # What this process would ask, even where it was told in code and not by the environment.
    import mlflow

    return {
        "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(),
        "MLFLOW_REGISTRY_URI": mlflow.get_registry_uri(),
    }


def _prune(logs: Path) -> None:
    by_age = sorted(logs.glob("*.log"), key=lambda log: log.stat().st_mtime)
    for log in by_age[: -_LOGS_KEPT + 1]:
        log.unlink(missing_ok=True)


def await_ready(place: Place, file: Path, record: Record, deadline: float) -> Record:
    """Wait until a server answers, and note where.

    Args:
        place: of the service.
        file: of its record.
        record: as it was launched.
        deadline: on the monotonic clock.

    Raises:
        PipelineError: the process died, the deadline passed, or another model answers.
    """
    port = _port(place, record, deadline)
    endpoint = replace(record.endpoint, url=f"http://127.0.0.1:{port}", port=port)
    ready = replace(record, endpoint=endpoint)
    wrong = difference(ready, timeout=max(1.0, deadline - time.monotonic()))
    if wrong:
        raise failed(record, wrong)
    with place.locked():
        if state.read(file) != record:
            raise failed(record, "it was discarded while it started")
        state.write(file, ready)
    return ready


def _port(place: Place, record: Record, deadline: float) -> int:
    port_file = place.port_file(record.token)
    while not port_file.exists():
        if not processes.lives(record):
            raise failed(record, "the server ended before it was ready")
        if time.monotonic() > deadline:
            raise failed(record, "the server was not ready in time")
        time.sleep(_STEP)
    return int(json.loads(port_file.read_text(encoding="utf-8"))["port"])


def failed(record: Record, what: str) -> PipelineError:
    """The error for a server that does not do, with the last lines that it wrote."""
    lines = processes.last_lines(Path(record.log))
    said = f"; it wrote:\n{lines}" if lines else ""
    return PipelineError(
        Finding(f"{what}{said}", f"service {record.endpoint.service}", f"its log: {record.log}")
    )
