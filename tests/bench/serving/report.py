"""Measurements and ratios to tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tests.bench.serving.goals import goals
from tests.bench.serving.ratios import OURS, Spread, ratio, spread
from tests.bench.serving.results import ONE_ROW, SCENARIOS, Asked, Bare, Results


def markdown(results: Results) -> str:
    """All tables."""
    parts = [
        _heading(results),
        _speed(results),
        _ratios(results),
        _starts(results),
        _goals(results),
    ]
    if results.faults:
        parts.append("What did not work:\n\n" + "\n".join(f"- {fault}" for fault in results.faults))
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(results: Results) -> str:
    p50, rate = results.responder
    rounds = len({each.round for each in results.asked} | {each.round for each in results.bare})
    how = (
        f"Medians of {rounds} rounds in which all had their turns, with their range"
        if rounds > 1
        else "One round"
    )
    text = (
        f"{results.machine}. {how}. The client is on the same cores: a server that does nothing takes "
        f"{1e3 * p50:.2f} ms at p50, and answers {rate:,.0f} requests a second at c=16."
    )
    others = spread(each.others for each in results.asked)
    return (
        f"{text} Processes of neither side kept {others.text('.1f')} cores busy meanwhile."
        if others
        else text
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _said(values: Iterable[float], form: str) -> str:
    found = spread(values)
    return found.text(form) if found else "-"


def _speed(results: Results) -> str:
    heads = ["server", "protocol", *map(str, SCENARIOS), "CPU ms a request"]
    explained = (
        "Requests a second (their range as a share of them; latency at p50 / p99 in ms); CPU of the server"
    )
    return f"{explained} for {ONE_ROW}.\n\n" + _table(heads, _speed_rows(results))


def _speed_rows(results: Results) -> Iterator[list[str]]:
    for name, title in results.titles.items():
        for protocol in dict.fromkeys(each.protocol for each in results.asked if each.server == name):
            mine = [each for each in results.asked if (each.server, each.protocol) == (name, protocol)]
            cells = [_cell([each for each in mine if each.scenario == scenario]) for scenario in SCENARIOS]
            cpu = spread(1e3 * each.cpu for each in mine if each.scenario == ONE_ROW)
            yield [title, protocol, *cells, format(cpu.middle, ".2f") if cpu else "-"]
    if results.bare:
        alone = [
            [each for each in results.bare if each.rows == s.rows and s.connections == 1] for s in SCENARIOS
        ]
        yield ["bare `estimator.predict`", "-", *map(_cell, alone), "-"]


def _cell(measured: Sequence[Asked | Bare]) -> str:
    rate, p50, p99 = (spread(getattr(each, name) for each in measured) for name in ("rate", "p50", "p99"))
    if not (rate and p50 and p99):
        return "-"
    share = f"±{100 * (rate.high - rate.low) / 2 / rate.middle:.0f} %; " if len(measured) > 1 else ""
    return f"{rate.middle:,.0f} ({share}{1e3 * p50.middle:.2f} / {1e3 * p99.middle:.2f})"


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
    if not results.titles:
        return ""
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
