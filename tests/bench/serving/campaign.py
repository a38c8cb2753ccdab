"""Rounds in which every server is started alone, and then asked in turns with all the others."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench.serving import load
from tests.bench.serving.environments import ROOT
from tests.bench.serving.load import BadAnswer
from tests.bench.serving.processes import busy
from tests.bench.serving.results import SCENARIOS, Asked, Bare, Scenario, Started, Worked
from tests.bench.serving.servers import Server
from tests.bench.serving.starting import Fault, Up, check, up
from tests.bench.serving.subject import Protocol, Subject

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Args:
        rounds: in which all have their turn.
        warm_up: seconds before each measurement.
        seconds: of each measurement.
    """

    rounds: int = 3
    warm_up: float = 2.0
    seconds: float = 4.0


@dataclass(frozen=True)
class Campaign:
    """What is measured, and how.

    Args:
        pythons: of the servers' environments, by server.
        subject: what they serve.
        plan: how long.
        folder: for their settings and logs.
        say: takes a line about each measurement.
    """

    pythons: Mapping[Server, Path]
    subject: Subject
    plan: Plan
    folder: Path
    say: Callable[[str], None]


@dataclass(frozen=True)
class Round:
    """What one round measured.

    Args:
        asked: see there.
        started: see there.
        worked: see there.
        faults: what did not work, with the server's name.
    """

    asked: tuple[Asked, ...]
    started: tuple[Started, ...]
    worked: tuple[Worked, ...]
    faults: tuple[str, ...]


def rehearse(campaign: Campaign) -> tuple[dict[Server, Path], list[str]]:
    """Start, check and end each server once: what it reads is in memory then, and compiled.

    Returns:
        The environments of those that work, and what is wrong with the others.
    """
    able, faults = {}, list[str]()
    for server, python in campaign.pythons.items():
        campaign.say(f"trying {server.name}")
        try:
            with up(server, python, campaign.subject, campaign.folder / f"{server.name}-first") as one:
                check(one, campaign.subject)
            able[server] = python
        except Fault as fault:
            faults.append(f"{server.name}: {fault}")
            campaign.say(faults[-1])
    return able, faults


def measure(campaign: Campaign, number: int) -> Round:
    """One round: each server started alone; then all of them asked in turns, so that a noisy minute hits all.

    Args:
        campaign: see there.
        number: of the round, from 0.
    """
    # Another one comes first in each round: coming first is nobody's advantage.
    servers = list(campaign.pythons.items())
    first = number % max(1, len(servers))
    servers = servers[first:] + servers[:first]
    faults: list[str] = []
    started = [
        each for one in servers if (each := _noting(faults, one[0].name, _start, campaign, *one, number))
    ]
    with ExitStack() as stack:
        ready: list[Up] = []
        for server, python in servers:
            place = campaign.folder / f"{server.name}-{number}"
            entering = up(server, python, campaign.subject, place)
            if one := _noting(faults, server.name, stack.enter_context, entering):
                ready.append(one)
        asked = [
            one
            for scenario, each, protocol in _turns(ready)
            if (one := _noting(faults, each.server.name, _ask, campaign, each, protocol, scenario, number))
        ]
        worked = [Worked(each.server.name, number, each.running.memory().rss) for each in ready]
    return Round(tuple(asked), tuple(started), tuple(worked), tuple(faults))


def _noting(faults: list[str], name: str, do: Callable[..., T], *arguments: object) -> T | None:
    # One server's fault is its own: the others are measured all the same.
    try:
        return do(*arguments)
    except Fault as fault:
        faults.append(f"{name}: {fault}")
        return None


def _turns(ready: list[Up]) -> Iterator[tuple[Scenario, Up, Protocol]]:
    for scenario in SCENARIOS:
        for each in ready:
            for protocol in each.server.protocols:
                yield scenario, each, protocol


def _start(campaign: Campaign, server: Server, python: Path, number: int) -> Started:
    with up(server, python, campaign.subject, campaign.folder / f"{server.name}-{number}-alone") as one:
        cpu, memory = one.running.cpu(), one.running.memory()
    campaign.say(f"{server.name}: up in {one.seconds:.1f} s, CPU {cpu:.1f} s, {memory.rss:.0f} MiB")
    return Started(server.name, number, one.seconds, cpu, memory.rss, memory.pss, memory.processes)


def _ask(campaign: Campaign, each: Up, protocol: Protocol, scenario: Scenario, number: int) -> Asked:
    request = load.post(protocol.path, each.port, campaign.subject.body(protocol, scenario.rows))
    try:
        load.run(each.port, request, scenario.connections, campaign.plan.warm_up)
        everyone, server, own = busy(), each.running.cpu(), time.process_time()
        measured = load.run(each.port, request, scenario.connections, campaign.plan.seconds)
        own = time.process_time() - own
        server = each.running.cpu() - server
        others = max(0.0, busy() - everyone - server - own) / measured.seconds
    except (BadAnswer, OSError) as error:
        raise Fault(f"{protocol.name}, {scenario}: {error}") from None
    for body in measured.last:
        if fault := campaign.subject.fault(protocol, scenario.rows, body):
            raise Fault(f"{protocol.name}, {scenario}: {fault}")
    p50, p99 = measured.quantile(0.5), measured.quantile(0.99)
    campaign.say(
        f"{each.server.name} {protocol.name}, {scenario}: {measured.rate:.0f}/s, "
        f"p50 {1e3 * p50:.3f} ms, p99 {1e3 * p99:.3f} ms"
    )
    return Asked(
        each.server.name,
        protocol.name,
        scenario,
        number,
        measured.rate,
        p50,
        p99,
        server / len(measured.latencies),
        others,
    )


def bare(number: int, python: Path, subject: Subject, seconds: float) -> list[Bare]:
    """The estimator alone, in a process of its own, in the environment of our server."""
    command = [str(python), "-m", "tests.bench.serving.bare", str(subject.folder), str(seconds)]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(subject.rows), capture_output=True, text=True, check=True
    )
    return [Bare(int(rows), number, **each) for rows, each in json.loads(done.stdout).items()]


def responder(seconds: float) -> tuple[float, float]:
    """The load generator beside a server that does nothing; as in Results."""
    command = [sys.executable, "-m", "tests.bench.serving.responder"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        request = load.post("/", port, b"{}")
        one, many = (load.run(port, request, connections, seconds) for connections in (1, 16))
    return one.quantile(0.5), many.rate
