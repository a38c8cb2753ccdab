"""The life of a server process: bind, load, warm up, serve, drain, end."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import uvicorn

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.serving.app import create
from pipelines.sdk.serving.handlers import Limits
from pipelines.sdk.serving.life import Life
from pipelines.sdk.serving.models.served import ServedModel, load


@dataclass(frozen=True)
class Settings:
    """What to serve, and where.

    Args:
        model_uri: a model's folder or MLflow URI.
        name: of the model, in URLs.
        version: of the registered model; empty for none.
        host: to listen on; the machine itself unless said otherwise.
        port: to listen on; 0 for any that is free.
        limits: of a request.
        instance: text that tells this server from every other.
        drain: seconds for which a server that was asked to end still takes requests, closing each connection
            after its answer.
        grace: seconds for requests that are still under way after that.
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


def run(settings: Settings, on_listening: Callable[[int, ServedModel], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        settings: see there.
        on_listening: called with the port and the model once requests are answered.

    Raises:
        EnvironmentProblem: the port is taken.
        PipelineError: the model cannot be loaded.
    """
    # The port first: that it is taken should not take a model's loading to find out.
    with bind(settings.host, settings.port) as listener:
        port = int(listener.getsockname()[1])
        model = load(settings.model_uri, settings.name, settings.version)
        life = Life()
        config = uvicorn.Config(
            create(model, life, settings.limits, settings.instance),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(settings.grace),
        )
        # What is there now stays: the collector need never look at it again.
        gc.collect()
        gc.freeze()
        Server(config, life, settings.drain, lambda: on_listening(port, model)).run(sockets=[listener])


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


class Server(uvicorn.Server):
    """Uvicorn with another end: it drains first, and a server that was asked to end exits with 0.

    Args:
        config: uvicorn's.
        life: of the server.
        drain: seconds, as in Settings.
        on_listening: called once requests are answered.
    """

    def __init__(
        self, config: uvicorn.Config, life: Life, drain: float, on_listening: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._life = life
        self._drain = drain
        self._drain_until = 0.0
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._life.ready = True
        self._on_listening()

    async def on_tick(self, counter: int) -> bool:
        """Whether to leave the main loop; asked ten times a second."""
        leave = await super().on_tick(counter)
        return leave or (self._life.draining and time.monotonic() >= self._drain_until)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and finish what is under way."""
        self._life.drain()
        await super().shutdown(sockets)
        # Answers that are written but not yet sent.
        await asyncio.sleep(0)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM drains; Ctrl-C finishes what is under way, and twice does not even that."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note that the process was asked to end."""
        if sig == signal.SIGINT:
            self.force_exit = self.should_exit
            self.should_exit = True
        elif not self._life.draining:
            # Asked twice is asked once: two who end the same server should not cut its requests short.
            self._drain_until = time.monotonic() + self._drain
            self._life.drain()
