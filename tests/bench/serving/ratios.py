"""Measurements to ratios: medians over rounds, each round's ratio from what was measured within it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Final

from tests.bench.serving.results import Results, Scenario

OURS: Final = "ours"
WORKERS: Final = "ours-workers"


@dataclass(frozen=True)
class Spread:
    """Several measurements of one thing.

    Args:
        middle: their median.
        low: the least.
        high: the most.
    """

    middle: float
    low: float
    high: float

    def text(self, form: str) -> str:
        """The median, with the range where there is one: `8.1 (7.9 to 8.4)`."""
        low, high = format(self.low, form), format(self.high, form)
        return format(self.middle, form) + (f" ({low} to {high})" if low != high else "")


def spread(values: Iterable[float]) -> Spread | None:
    """The spread of measurements; None where there are none."""
    known = sorted(values)
    return Spread(median(known), known[0], known[-1]) if known else None


def ratio(
    results: Results, scenario: Scenario, ours: str, theirs: str | None, peers: Collection[str]
) -> Spread | None:
    """Our requests a second divided by those of the fastest of some servers, round by round.

    Args:
        results: of the benchmark.
        scenario: how both were asked.
        ours: the protocol that ours was asked in.
        theirs: the protocol that the others were asked in; None for whichever of theirs is fastest.
        peers: names of the others.
    """
    rounds = []
    for number in sorted({each.round for each in results.asked}):
        here = [each for each in results.asked if each.round == number and each.scenario == scenario]
        own = [each.rate for each in here if each.server == OURS and each.protocol == ours]
        others = [each.rate for each in here if each.server in peers and theirs in (None, each.protocol)]
        if own and others:
            rounds.append(own[0] / max(others))
    return spread(rounds)


def over_bare(results: Results, protocol: str, rows: int) -> Spread | None:
    """Our median latency at one connection less the bare estimator's, in milliseconds, round by round."""
    own = {
        each.round: each.p50
        for each in results.asked
        if each.server == OURS and each.protocol == protocol and each.scenario == Scenario(rows, 1)
    }
    bare = {each.round: each.p50 for each in results.bare if each.rows == rows}
    return spread(1e3 * (own[number] - bare[number]) for number in own.keys() & bare.keys())


def workers(results: Results, scenario: Scenario) -> Spread | None:
    """Requests a second of two workers divided by those of one, round by round, in V2."""
    rates = {
        (each.server, each.round): each.rate
        for each in results.asked
        if each.scenario == scenario and each.protocol == "V2"
    }
    return spread(
        rate / rates[OURS, number]
        for (server, number), rate in rates.items()
        if server == WORKERS and (OURS, number) in rates
    )
