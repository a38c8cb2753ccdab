"""`status`: a pipeline's schedule and its last runs on a cluster, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import costs, runs, scheduling
from pipelines.sdk.argo.cluster.applying import check_namespace
from pipelines.sdk.argo.cluster.costs import Usage
from pipelines.sdk.argo.cluster.runs import Run
from pipelines.sdk.argo.cluster.scheduling import Scheduled
from pipelines.sdk.commands.argo_options import name_option, with_options
from pipelines.sdk.commands.cluster_options import connection, json_flag, name_in
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.errors import Exit
from pipelines.sdk.plan import Plan
from pipelines.sdk.progress import LOG_WIDTH

_UNITS = {"cpu": "core h", "memory": "GiB h"}


def command(plan: Plan | None = None) -> click.Command:
    """`status [--cost]` of a pipeline file; `status [NAME]` of any.

    Args:
        plan: the pipeline; None where it is named on the command line, or all are meant.
    """
    table = ",".join(f"{resource}={price:g}" for resource, price in costs.PRICES.items())

    @click.option("--runs", "count", type=click.IntRange(1, 100), default=5, help="How many.  [default: 5]")
    @click.option("--cost", is_flag=True, help="Estimate what each run and each step cost.")
    @click.option(
        "--price",
        default="",
        metavar="RESOURCE=PRICE,...",
        help=f"Of a core, a GiB, a piece, for an hour.  [default: {table}]",
    )
    @with_options(name_option, *connection, json_flag)
    def status_command(
        count: int, cost: bool, price: str, name: str, as_json: bool, what: str = "", **given: str
    ) -> int:
        prices = costs.prices(price)
        cluster = kube.connect(given["namespace"], given["context"])
        wanted = name or (plan.name if plan else name_in(what))
        found = runs.newest(cluster, wanted, count)
        schedules = scheduling.find(cluster, wanted)
        if not found and not schedules:
            check_namespace(cluster)
        used = {each["metadata"]["name"]: costs.usage(each) for each in found} if cost or price else {}
        told = [Run.of(each) for each in found]
        if as_json:
            to_stdout(
                json.dumps(_summary(wanted, cluster.namespace, schedules, told, used, prices), indent=2)
            )
        else:
            to_stdout(_text(wanted, cluster.namespace, schedules, told, used, prices))
        return Exit.OK

    made = status_command
    if plan is None:
        made = click.argument("what", metavar="[NAME|FILE]", required=False, default="")(made)
    return click.command("status", help="Show a pipeline's schedule and its newest runs on a cluster.")(made)


def _summary(
    name: str,
    namespace: str,
    schedules: Sequence[Scheduled],
    found: Sequence[Run],
    used: Mapping[str, Sequence[Usage]],
    prices: Mapping[str, float],
) -> dict[str, Any]:
    told = []
    for run in found:
        entry = run.to_json()
        if run.name in used:
            entry["cost"] = round(costs.total(used[run.name], prices), 6)
            entry["steps"] = [
                {
                    "step": each.step,
                    "pods": each.pods,
                    "hours": {resource: round(hours, 6) for resource, hours in each.hours.items()},
                    "cost": round(each.cost(prices), 6),
                }
                for each in used[run.name]
            ]
        told.append(entry)
    return {
        "pipeline": name or None,
        "namespace": namespace,
        "schedules": [each.to_json() for each in schedules],
        "runs": told,
        **({"prices": dict(prices)} if used else {}),
    }


def _text(
    name: str,
    namespace: str,
    schedules: Sequence[Scheduled],
    found: Sequence[Run],
    used: Mapping[str, Sequence[Usage]],
    prices: Mapping[str, float],
) -> str:
    console = Console(width=LOG_WIDTH, highlight=False, markup=False, no_color=True, record=False)
    with console.capture() as captured:
        console.print(f"{name or 'all pipelines'} in namespace {namespace}")
        for each in schedules:
            console.print(_schedule(each))
        if not schedules:
            console.print("no schedule")
        console.print(_runs(found, used, prices) if found else "no runs")
        if used and found:
            console.print(f"\ncost by step of {found[0].name}, an estimate from what its pods reserved:")
            console.print(_steps(used[found[0].name], prices))
            if missing := costs.unpriced(used[found[0].name], prices):
                console.print(f"no price, so not counted: {', '.join(missing)} (--price NAME=...)")
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _schedule(each: Scheduled) -> str:
    when = " and ".join(f"'{line}'" for line in each.lines)
    upcoming = f"next {each.upcoming:%a %Y-%m-%d %H:%M %Z}" if each.upcoming else "no next time"
    state = "suspended" if each.suspended else upcoming
    last = f"last {each.last:%Y-%m-%d %H:%M} UTC" if each.last else "no run yet"
    text = f"schedule {each.name}: {when} in {each.timezone}; {state}; {last}"
    return "\n".join([text, *(f"  problem: {problem}" for problem in each.problems)])


def _runs(found: Sequence[Run], used: Mapping[str, Sequence[Usage]], prices: Mapping[str, float]) -> Table:
    table = _table("run", "phase", "started (UTC)", "seconds", "by", *(["cost"] if used else []), "message")
    for run in found:
        started = (run.started or run.created).astimezone(UTC)
        cost = [f"{costs.total(used[run.name], prices):.4f}"] if used else []
        by = "schedule" if run.schedule else "hand"
        seconds = f"{run.seconds:.0f}" if run.started else ""
        cells = [run.name, run.phase or "Pending", _time(started), seconds, by, *cost, _line(run.message)]
        table.add_row(*map(Text, cells))
    return table


def _steps(used: Sequence[Usage], prices: Mapping[str, float]) -> Table:
    resources = sorted({resource for each in used for resource in each.hours})
    table = _table("step", "pods", *(f"{r} ({_UNITS.get(r, 'h')})" for r in resources), "cost")
    for each in used:
        hours = (f"{each.hours.get(resource, 0.0):.4f}" for resource in resources)
        table.add_row(Text(each.step), str(each.pods), *hours, f"{each.cost(prices):.4f}")
    pods = str(sum(each.pods for each in used))
    table.add_row("total", pods, *("" for _ in resources), f"{costs.total(used, prices):.4f}")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    return table


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
