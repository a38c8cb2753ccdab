"""What our server is to reach, beside what it did."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from tests.bench.serving.ratios import OURS, Spread, over_bare, ratio, workers
from tests.bench.serving.results import ONE_ROW, SCENARIOS, Results, Scenario

_THOUSAND = Scenario(1000, 1)
_BUSY = Scenario(1, 16)


@dataclass(frozen=True)
class Goal:
    """One of them.

    Args:
        text: what is to be reached.
        measured: what was.
        met: whether that is enough.
    """

    text: str
    measured: str
    met: bool


def goals(results: Results) -> Iterator[Goal]:
    """All goals for which there are measurements."""
    own = [each for each in results.asked if each.server == OURS]
    for protocol in dict.fromkeys(each.protocol for each in own):
        yield from _times(results, protocol)
        if (over := over_bare(results, protocol, 1)) is not None:
            text = f"{protocol}: at most 0.3 ms over the bare estimator at p50, {ONE_ROW}"
            yield Goal(text, f"{over.text('.2f')} ms", over.middle <= 0.3)
        for scenario in (ONE_ROW, _THOUSAND):
            p99 = [1e3 * e.p99 for e in own if e.protocol == protocol and e.scenario == scenario]
            if p99:
                text = f"{protocol}: p99 below 2 ms, {scenario}"
                yield Goal(text, f"{median(p99):.2f} ms", median(p99) < 2)
    yield from _process(results)
    if two := workers(results, _BUSY):
        cores = len(os.sched_getaffinity(0))
        least = 1.7 if cores >= 4 else 1.0
        text = f"two workers: at least {least} times one, with {cores} cores, {_BUSY}"
        yield Goal(text, f"{two.text('.2f')} times", two.middle >= least)


def _times(results: Results, protocol: str) -> Iterator[Goal]:
    for scenario in SCENARIOS:
        same, every = (5.0, None) if scenario.rows > 1 else (8.0, 6.0)
        yield from _at_least(
            same,
            f"{protocol}: the best peer in it",
            scenario,
            ratio(results, scenario, protocol, protocol, results.peers),
        )
        if every:
            text = f"{protocol}: the fastest peer in any protocol"
            yield from _at_least(
                every, text, scenario, ratio(results, scenario, protocol, None, results.peers)
            )


def _at_least(least: float, text: str, scenario: Scenario, found: Spread | None) -> Iterator[Goal]:
    if found:
        yield Goal(
            f"{text}: at least {least:.0f} times, {scenario}",
            f"{found.text('.1f')} times",
            found.middle >= least,
        )


def _process(results: Results) -> Iterator[Goal]:
    own = [each for each in results.started if each.server == OURS]
    if not own:
        return
    most = max([each.rss for each in own] + [each.rss for each in results.worked if each.server == OURS])
    yield Goal("at most 230 MiB of memory (RSS), after all measurements too", f"{most:.0f} MiB", most <= 230)
    slowest = median(each.seconds for each in own)
    peers = {
        name: median(each.seconds for each in results.started if each.server == name)
        for name in {each.server for each in results.started} & set(results.peers)
    }
    if peers:
        name = min(peers, key=peers.__getitem__)
        measured = f"{slowest:.1f} s; {results.titles[name]} {peers[name]:.1f} s"
        yield Goal("a start quicker than every peer's", measured, slowest < peers[name])
