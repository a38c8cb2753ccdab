"""A server from its start to its first right answer, and to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.serving import load
from tests.bench.serving.load import BadAnswer
from tests.bench.serving.processes import Running
from tests.bench.serving.results import SCENARIOS, Scenario
from tests.bench.serving.servers import Server
from tests.bench.serving.subject import Protocol, Subject

_START: Final = 180.0  # seconds until a server must have answered rightly
_STEP: Final = 0.005
_LOG_LINES: Final = 12


class Fault(Exception):
    """A server that does not come up, or does not answer as it should."""


@dataclass(frozen=True)
class Up:
    """A server that answers rightly.

    Args:
        server: which.
        running: its processes.
        port: that it listens at.
        seconds: from its start to its first right answer.
    """

    server: Server
    running: Running
    port: int
    seconds: float


@contextmanager
def up(server: Server, python: Path, subject: Subject, folder: Path) -> Iterator[Up]:
    """A server, until it is no longer wanted.

    Args:
        server: which.
        python: of its environment.
        subject: what it serves.
        folder: for its settings and its log.

    Raises:
        Fault: see there.
    """
    begun = time.perf_counter()
    running, port = server.start(python, subject.folder, folder)
    try:
        _await(running, port, server.protocols[0], subject, begun)
        yield Up(server, running, port, time.perf_counter() - begun)
    finally:
        running.stop()


def check(each: Up, subject: Subject) -> None:
    """Ask once in every way in which it will be measured.

    Raises:
        Fault: an answer is wrong.
    """
    for protocol in each.server.protocols:
        for scenario in SCENARIOS:
            if fault := _fault(each.port, protocol, scenario, subject):
                raise Fault(f"{protocol.name}, {scenario}: {fault}")


def _await(running: Running, port: int, protocol: Protocol, subject: Subject, begun: float) -> None:
    why = ""
    while time.perf_counter() < begun + _START:
        why = _fault(port, protocol, SCENARIOS[0], subject)
        if not why:
            return
        if running.ended:
            break
        time.sleep(_STEP)
    log = "\n".join(running.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    raise Fault(f"it gave no right answer: {why}\n{log}")


def _fault(port: int, protocol: Protocol, scenario: Scenario, subject: Subject) -> str:
    request = load.post(protocol.path, port, subject.body(protocol, scenario.rows))
    try:
        return subject.fault(protocol, scenario.rows, load.ask(port, request))
    except (BadAnswer, OSError) as error:
        return str(error)
