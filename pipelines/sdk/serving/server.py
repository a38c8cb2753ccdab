"""The life of a server: bind, load, warm up, serve, drain, end."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import uvloop

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.serving.access_log import AccessLog
from pipelines.sdk.serving.app import Application
from pipelines.sdk.serving.handlers import Handlers, Service
from pipelines.sdk.serving.http.connection import Connection
from pipelines.sdk.serving.http.limits import Life, Limits, Shared
from pipelines.sdk.serving.http.messages import Handler, Refuse
from pipelines.sdk.serving.http.server import Server
from pipelines.sdk.serving.metrics import Metrics
from pipelines.sdk.serving.models.served import ServedModel, load
from pipelines.sdk.serving.openapi.document import document
from pipelines.sdk.serving.page.document import render
from pipelines.sdk.serving.prediction_log.log import Options as LogOptions
from pipelines.sdk.serving.prediction_log.log import PredictionLog
from pipelines.sdk.serving.protocols import predictions
from pipelines.sdk.serving.workers import supervise

_log = logging.getLogger(__name__)
_LOG_SECONDS: Final = 5.0
# A thousand rows are as many new lists, gone with their request: no reason to look for cycles in each.
_NEW_OBJECTS: Final = 20_000


@dataclass(frozen=True)
class Settings:
    """What to serve, and where.

    Args:
        model_uri: a model's folder or MLflow URI.
        name: of the model, in URLs.
        version: of the registered model; empty for none.
        host: to listen on; the machine itself unless said otherwise.
        port: to listen on; 0 for any that is free.
        limits: of requests and connections.
        instance: text that tells this server from every other.
        drain: seconds for which a server that was asked to end still takes requests, closing each connection
            after its answer.
        grace: seconds for requests that are still under way after that.
        workers: processes that answer; they share the memory of the loaded model.
        log: of predictions; None for none.
        access_log: whether each request is a line of JSON on standard output.
        allow_skew: whether to serve a model that was trained with other packages too.
    """

    model_uri: str
    name: str = "model"
    version: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    limits: Limits = field(default_factory=Limits)
    instance: str = ""
    drain: float = 0.5
    grace: float = 25.0
    workers: int = 1
    log: LogOptions | None = None
    access_log: bool = False
    allow_skew: bool = False


def run(settings: Settings, on_listening: Callable[[int, ServedModel], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        settings: see there.
        on_listening: called with the port and the model once requests are answered.

    Raises:
        EnvironmentProblem: the port is taken, or workers cannot live.
        PipelineError: the model cannot be loaded.
    """
    # The port first: that it is taken should not take a model's loading to find out.
    with bind(settings.host, settings.port) as listener:
        port = int(listener.getsockname()[1])
        service = _service(settings)
        # What is there now stays: the collector need never look at it again, nor copy it into a worker.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS)
        gc.enable()
        serve = partial(_serve, settings, service, listener)
        listening = partial(on_listening, port, service.model)
        if settings.workers == 1:
            serve(0, listening)
        else:
            supervise(listener, settings.workers, serve, listening, settings.drain + settings.grace)


def _service(settings: Settings) -> Service:
    model = load(settings.model_uri, settings.name, settings.version, allow_skew=settings.allow_skew)
    return Service(
        model=model,
        page=render(model, model.example),
        openapi=predictions.dumps(document(model, settings.limits)),
        metrics=Metrics(model, settings.workers),
        limits=settings.limits,
        log=PredictionLog(settings.log) if settings.log else None,
        instance=settings.instance,
    )


def _serve(
    settings: Settings,
    service: Service,
    listener: socket.socket,
    worker: int,
    on_listening: Callable[[], None],
) -> None:
    metrics, log = service.metrics, service.log
    metrics.use(worker)
    if log:
        log.start(metrics.logged)
    life = Life()
    shared = Shared(settings.limits, life)
    on = Handlers(service, life)
    handler: Handler = Application(service.model, on)
    refuse: Refuse = on.refuse
    if settings.access_log:
        handler = noted = AccessLog(handler, refuse, sys.stdout)
        refuse = noted.refuse
    server = Server(
        listener,
        shared,
        partial(Connection, shared, handler, refuse),
        drain=settings.drain,
        grace=settings.grace,
        alone=settings.workers == 1,
    )
    uvloop.run(server.run(on_listening))
    if log and not log.close(_LOG_SECONDS):
        _log.warning("the prediction log was not written to its end in %.0f s", _LOG_SECONDS)


def bind(host: str, port: int) -> socket.socket:
    """A socket on that address, not yet listening.

    Raises:
        EnvironmentProblem: the address is not this machine's, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise EnvironmentProblem(Finding(str(error), host, "give an address of this machine")) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        where = f"{host}:{port}"
        finding = Finding(
            f"cannot listen there: {error.strerror}", where, "choose another --port, or 0 for any free one"
        )
        raise EnvironmentProblem(finding) from error
    return listener
