"""Local deployment: detached model servers; a service has one that serves, and challengers."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipelines.sdk.errors import Finding, PipelineError, UsageError
from pipelines.sdk.serving import processes, state
from pipelines.sdk.serving.probe import difference
from pipelines.sdk.serving.starting import await_ready, failed, launch
from pipelines.sdk.serving.state import Endpoint as Endpoint
from pipelines.sdk.serving.state import Place, Record

# Longer than a server takes to drain, so that only one that hangs is killed.
_GRACE: Final = 30.0


def start_challenger(
    service: str,
    model_uri: str,
    version: str,
    run_id: str,
    *,
    home: Path | None = None,
    timeout: float = 60,
    owner: int = 0,
) -> Endpoint:
    """Start a server beside the one that serves, and wait until it answers with the right model.

    An earlier challenger of the same run is replaced.

    Args:
        service: name of the model in the server's URLs.
        model_uri: a folder, `runs:/...`, `models:/m-...`, `models:/NAME/VERSION` or `models:/NAME@alias`.
        version: of the registered model; empty for none.
        run_id: of the pipeline run.
        home: where the state is kept; by default $PIPELINES_HOME or `./.pipelines`.
        timeout: seconds for the server to become ready.
        owner: number of a process; once that has ended, the next `discard` ends this challenger too.

    Raises:
        PipelineError: no such model, it cannot be loaded, or the time is over; only the log is left.
    """
    from pipelines.sdk.serving.models.source import identify

    place = Place.of(service, home)
    file = place.challenger(run_id)
    identity = identify(model_uri)
    discard(service, run_id, home=home)
    endpoint = Endpoint(service, "", 0, 0, identity.model_id, version, run_id, _now())
    record = launch(place, file, endpoint, identity, owner)
    try:
        return await_ready(place, file, record, time.monotonic() + timeout).endpoint
    except BaseException:
        processes.end([record], grace=0)
        _forget(place, file, record.token)
        raise
    finally:
        place.port_file(record.token).unlink(missing_ok=True)


def challenger(service: str, run_id: str, *, home: Path | None = None) -> Endpoint | None:
    """The run's challenger, if there is one and it answers."""
    return _answering(Place.of(service, home).challenger(run_id))


def current(service: str, *, home: Path | None = None) -> Endpoint | None:
    """Who serves now; None where nobody does, or where the record is of a process that is gone."""
    return _answering(Place.of(service, home).serving)


def _answering(file: Path) -> Endpoint | None:
    record = state.read(file)
    if record is None or not record.endpoint.port or not processes.lives(record) or difference(record):
        return None
    return record.endpoint


def switch(service: str, endpoint: Endpoint, *, home: Path | None = None) -> None:
    """Make a challenger the one that serves; the server before it finishes its requests and ends.

    Switching again to the one that serves already does nothing.

    Raises:
        PipelineError: the challenger is not known, or does not answer; the old server goes on serving.
    """
    place = Place.of(service, home)
    file = place.challenger(endpoint.run_id)
    with place.locked():
        old, new = state.read(place.serving), state.read(file)
        # Asked, not looked up: a process that was just killed is in the system's list for a moment longer.
        if _answering(place.serving) == endpoint:
            return
        if new is None or new.endpoint != endpoint:
            raise PipelineError(
                Finding("there is no such challenger", f"service {service}", "deploy it again")
            )
        wrong = difference(new) if processes.lives(new) else "the server has ended"
        if wrong:
            raise failed(new, wrong)
        if old is not None:
            state.write(place.retired(old), old)
        # One step for every reader: the challenger's record becomes the endpoint's.
        file.replace(place.serving)
    _end(place, [])


def discard(service: str, run_id: str, *, home: Path | None = None) -> None:
    """End the run's challenger, if it left one, and those of killed runs. Whoever serves is not touched."""
    place = Place.of(service, home)
    others = [file for file in place.all_challengers() if (r := state.read(file)) and processes.abandoned(r)]
    _end(place, list(dict.fromkeys([place.challenger(run_id), *others])))


def stop(service: str, *, home: Path | None = None) -> None:
    """End every server of the service, challengers too."""
    place = Place.of(service, home)
    _end(place, place.everyone())


def _end(place: Place, files: list[Path]) -> None:
    """End the servers of these records, and those that someone else asked to end and could not wait for."""
    if not place.folder.exists():
        return
    with place.locked():
        for file in files:
            record = state.read(file)
            if record is not None and file != place.retired(record):
                file.replace(place.retired(record))
            elif record is None:
                file.unlink(missing_ok=True)
        serving = state.read(place.serving)
        leaving = {file: state.read(file) for file in place.all_retired()}
    # A deployer that was killed in the middle of a switch may have noted as leaving who still serves.
    kept = serving.token if serving else ""
    processes.end([each for each in leaving.values() if each and each.token != kept], _GRACE)
    for file in leaving:
        file.unlink(missing_ok=True)


def ensure(
    service: str, model_uri: str, version: str, *, home: Path | None = None, timeout: float = 60
) -> Endpoint:
    """The service's server for this model: the one that serves it already, else a new one put in its place.

    Raises:
        PipelineError: as `start_challenger` and `switch`.
    """
    from pipelines.sdk.serving.models.source import identify

    serving = current(service, home=home)
    if serving is not None and serving.model_id == identify(model_uri).model_id:
        return serving
    # A name of its own: two that ensure the same at once should not end each other's challenger.
    run_id = f"ensure-{secrets.token_hex(4)}"
    endpoint = start_challenger(service, model_uri, version, run_id, home=home, timeout=timeout)
    switch(service, endpoint, home=home)
    return endpoint


def serve(
    model_uri: str,
    service: str,
    *,
    version: str = "",
    host: str = "127.0.0.1",
    port: int = 8080,
    home: Path | None = None,
) -> None:
    """Serve in this process until Ctrl-C or SIGTERM, known to `current` as long as it lasts.

    Args:
        model_uri: as for `start_challenger`.
        service: name of the model in URLs.
        version: of the registered model.
        host: to listen on.
        port: to listen on; 0 for any that is free.
        home: as for `start_challenger`.

    Raises:
        UsageError: the service is served already.
        PipelineError: the model cannot be loaded, or the port is taken.
    """
    from pipelines.sdk.serving.models.served import ServedModel
    from pipelines.sdk.serving.server import Settings, run

    place = Place.of(service, home)
    _refuse_second(service, home)
    token = secrets.token_hex(16)

    def listening(at: int, model: ServedModel) -> None:
        mine = Endpoint(
            service, f"http://127.0.0.1:{at}", at, os.getpid(), model.model_id, version, "", _now()
        )
        _announce(place, Record(mine, token, processes.birth(os.getpid()), ""))

    try:
        run(Settings(model_uri, service, version, host, port, instance=token), listening)
    finally:
        _forget(place, place.serving, token)


def _refuse_second(service: str, home: Path | None) -> None:
    if serving := current(service, home=home):
        where = f"service {service}"
        raise UsageError(Finding(f"is served already, at {serving.url}", where, "stop it first"))


def _announce(place: Place, record: Record) -> None:
    with place.locked():
        state.write(place.serving, record)


def _forget(place: Place, file: Path, token: str) -> None:
    # Only the server's own record: another may have taken its place in the file since.
    with place.locked():
        record = state.read(file)
        if record is not None and record.token == token:
            file.unlink()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
