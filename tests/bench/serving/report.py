"""Measurements and ratios to tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tests.bench.serving.goals import goals
from tests.bench.serving.ratios import OURS, Spread, ratio, spread
from tests.bench.serving.results import SCENARIOS, Asked, Bare, Results, Scenario


def markdown(results: Results) -> str:
    """All tables."""
    parts = [
        _heading(results),
        *(_speed(results, scenario) for scenario in SCENARIOS),
        _ratios(results),
        _starts(results),
        _goals(results),
    ]
    if results.faults:
        parts.append("What did not work:\n\n" + "\n".join(f"- {fault}" for fault in results.faults))
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(results: Results) -> str:
    p50, rate = results.responder
    rounds = len({each.round for each in results.asked})
    return (
        f"{results.machine}. Medians of {rounds} rounds in which all had their turns, with their range. "
        f"The client is on the same cores: a server that does nothing takes {1e3 * p50:.2f} ms at p50, "
        f"and answers {rate:,.0f} requests a second at c=16. Meanwhile processes of neither side kept "
        f"{_said((each.others for each in results.asked), '.1f')} cores busy."
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _said(values: Iterable[float], form: str, short: bool = False) -> str:
    found = spread(values)
    if not found:
        return "-"
    return format(found.middle, form) if short else found.text(form)


def _speed(results: Results, scenario: Scenario) -> str:
    heads = ["server", "protocol", "requests/s", "p50, ms", "p99, ms", "CPU ms a request", "ours"]
    return f"**{scenario}**\n\n" + _table(heads, _speed_rows(results, scenario))


def _speed_rows(results: Results, scenario: Scenario) -> Iterator[list[str]]:
    here = [each for each in results.asked if each.scenario == scenario]
    for name, title in results.titles.items():
        for protocol in dict.fromkeys(each.protocol for each in here if each.server == name):
            mine = [each for each in here if (each.server, each.protocol) == (name, protocol)]
            cpu = _said((1e3 * each.cpu for each in mine), ".2f", short=True)
            times = ratio(results, scenario, protocol, protocol, (name,)) if name in results.peers else None
            yield [title, protocol, *_cells(mine), cpu, _times(times)]
    bare = [each for each in results.bare if each.rows == scenario.rows]
    if bare and scenario.connections == 1:
        yield ["bare `estimator.predict`", "-", *_cells(bare), "-", "-"]


def _cells(measured: Sequence[Asked | Bare]) -> list[str]:
    p50, p99 = (
        _said((1e3 * getattr(each, q) for each in measured), ".2f", short=True) for q in ("p50", "p99")
    )
    return [_said((each.rate for each in measured), ",.0f"), p50, p99]


def _ratios(results: Results) -> str:
    heads = ["ours divided by", *map(str, SCENARIOS)]
    rows = []
    for protocol in dict.fromkeys(each.protocol for each in results.asked if each.server == OURS):
        for theirs, title in (
            (protocol, f"the best peer in {protocol}"),
            (None, "the fastest peer in any protocol"),
        ):
            found = [ratio(results, scenario, protocol, theirs, results.peers) for scenario in SCENARIOS]
            if any(found):
                rows.append([f"{protocol}: {title}", *(_times(each) for each in found)])
    return _table(heads, rows) if rows else ""


def _times(found: Spread | None) -> str:
    return f"{found.text('.1f')} times" if found else "-"


def _starts(results: Results) -> str:
    heads = [
        "server",
        "to the first right answer, s",
        "CPU until then, s",
        "RSS, MiB",
        "PSS, MiB",
        "processes",
    ]
    return _table([*heads, "RSS when all is measured, MiB"], _start_rows(results))


def _start_rows(results: Results) -> Iterator[list[str]]:
    forms = {"seconds": ".1f", "cpu": ".1f", "rss": ".0f", "pss": ".0f", "processes": ".0f"}
    for name, title in results.titles.items():
        begun = [each for each in results.started if each.server == name]
        cells = [_said((getattr(each, field) for each in begun), form) for field, form in forms.items()]
        yield [title, *cells, _said((each.rss for each in results.worked if each.server == name), ".0f")]


def _goals(results: Results) -> str:
    heads = ["goal", "measured", "met"]
    rows = [[each.text, each.measured, "yes" if each.met else "**no**"] for each in goals(results)]
    return _table(heads, rows) if rows else ""
