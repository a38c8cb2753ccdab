"""What a benchmark measures, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Scenario:
    """How a server is asked.

    Args:
        rows: of a request.
        connections: at once.
    """

    rows: int
    connections: int

    def __str__(self) -> str:
        """As tables have it."""
        return f"{self.rows:,} row{'s' * (self.rows > 1)}, c={self.connections}"


ONE_ROW = Scenario(1, 1)
SCENARIOS = (ONE_ROW, Scenario(1, 16), Scenario(1000, 1))


@dataclass(frozen=True)
class Asked:
    """One measurement of one server.

    Args:
        server: its name.
        protocol: that it was asked in.
        scenario: how.
        round: in which all servers had their turn; from 0.
        rate: requests a second.
        p50: median latency, in seconds.
        p99: latency that one request in a hundred exceeds, in seconds.
        cpu: seconds of CPU time that the server took for a request.
        others: cores that processes of neither side kept busy meanwhile.
    """

    server: str
    protocol: str
    scenario: Scenario
    round: int
    rate: float
    p50: float
    p99: float
    cpu: float
    others: float


@dataclass(frozen=True)
class Started:
    """One start of one server.

    Args:
        server: its name.
        round: as in Asked.
        seconds: from its start to its first right answer.
        cpu: seconds of CPU time until then.
        rss: MiB then, summed over its processes.
        pss: MiB then, what processes share divided among them.
        processes: how many it has.
    """

    server: str
    round: int
    seconds: float
    cpu: float
    rss: float
    pss: float
    processes: int


@dataclass(frozen=True)
class Worked:
    """One server once it was asked everything.

    Args:
        server: its name.
        round: as in Asked.
        rss: MiB, summed over its processes.
    """

    server: str
    round: int
    rss: float


@dataclass(frozen=True)
class Bare:
    """The estimator without a server, for a number of rows.

    Args:
        rows: at once.
        round: as in Asked.
        rate: calls a second.
        p50: as in Asked.
        p99: as in Asked.
    """

    rows: int
    round: int
    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Results:
    """Everything that was measured.

    Args:
        machine: that it was measured on.
        titles: of the servers by name, in the order of the tables.
        peers: names of the servers that ours is compared with.
        asked: see there.
        started: see there.
        worked: see there.
        bare: see there.
        faults: what did not work, with the server's name.
        responder: median latency of a server that does nothing, in seconds, and the requests a second
            at 16 connections that the load generator reached with it.
    """

    machine: str
    titles: dict[str, str]
    peers: tuple[str, ...]
    asked: tuple[Asked, ...]
    started: tuple[Started, ...]
    worked: tuple[Worked, ...]
    bare: tuple[Bare, ...]
    faults: tuple[str, ...]
    responder: tuple[float, float]
