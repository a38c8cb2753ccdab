"""`backfill`: the pipeline for a range of days, oldest first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta

import click

from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.parameters import add_options, read
from pipelines.sdk.commands.run import EXIT_CODES, options, run_options, watched
from pipelines.sdk.commands.times import DAY_PARAMETER
from pipelines.sdk.commands.times import day as read_day
from pipelines.sdk.errors import Finding
from pipelines.sdk.local.run import Options
from pipelines.sdk.local.scope import Status
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings
from pipelines.sdk.values import Json

MAX_RUNS = 1000
"""Of one range: more are a slip of the keyboard, or better done in parts."""


def command(plan: Plan, settings: Settings) -> click.Command:
    """`backfill --from DAY --to DAY [--every N]`; needs a pipeline with a parameter `as_of`.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """
    takes = plan.root.interface

    @click.option("--from", "first", required=True, metavar="YYYY-MM-DD", help="The first day.")
    @click.option("--to", "last", required=True, metavar="YYYY-MM-DD", help="The last day, included.")
    @click.option(
        "--every", type=click.IntRange(1), default=1, help="Days from one run to the next.  [default: 1]"
    )
    @click.option("--keep-going", is_flag=True, help="Go on to the next day where a run fails.")
    @run_options
    def callback(
        first: str,
        last: str,
        every: int,
        keep_going: bool,
        pairs: tuple[str, ...],
        as_json: bool,
        no_cache: bool,
        host: bool,
        **given: str | None,
    ) -> int:
        range_, wrong = days(first, last, every)
        if DAY_PARAMETER not in takes.parameters:
            wrong.append(_no_day(plan))
        # One of the days checks the other parameters too, before any run starts.
        fixed = {DAY_PARAMETER: first} if DAY_PARAMETER in takes.parameters else {}
        inputs = read(takes, given, pairs, wrong, **fixed)
        planned = {each.isoformat(): {**inputs, DAY_PARAMETER: each.isoformat()} for each in range_}
        ended = _run(plan, planned, options(settings, no_cache, host), keep_going, as_json)
        _summarise(ended, len(planned))
        return max(EXIT_CODES[status] for status in ended.values())

    made = click.command(
        "backfill",
        help="Run the pipeline once for each day of a range, oldest first. With --json, a line for each run.",
    )(callback)
    add_options(made, takes, without=(DAY_PARAMETER,))
    return made


def _run(
    plan: Plan, planned: Mapping[str, Mapping[str, Json]], how: Options, keep_going: bool, as_json: bool
) -> dict[str, Status]:
    """Runs one day after the other, and says how each ended."""
    ended: dict[str, Status] = {}
    for day, inputs in planned.items():
        click.echo(f"== {day}", err=True)
        result = watched(plan, inputs, how)
        ended[day] = result.status
        if as_json:
            to_stdout(json.dumps({DAY_PARAMETER: day, **result.to_json()}))
        if result.status is Status.CANCELLED or (result.status is Status.FAILED and not keep_going):
            break
    return ended


def _no_day(plan: Plan) -> Finding:
    what = f"the pipeline has no parameter {DAY_PARAMETER} to say which day a run is for"
    return Finding(what, f"pipeline {plan.name}", f'add `{DAY_PARAMETER}: str = ""` to it')


def _summarise(ended: dict[str, Status], planned: int) -> None:
    counts = {status: sum(each is status for each in ended.values()) for status in ended.values()}
    told = ", ".join(f"{count} {str(status).lower()}" for status, count in counts.items())
    click.echo(f"== {len(ended)} of {planned} days: {told}", err=True)
    unfinished = [day for day, status in ended.items() if status is not Status.SUCCEEDED]
    if unfinished:
        click.echo(f"   not succeeded: {', '.join(unfinished)}", err=True)


def days(first: str, last: str, every: int) -> tuple[list[date], list[Finding]]:
    """The days of a range, oldest first, and what is wrong with it.

    Args:
        first: ISO date.
        last: ISO date, included.
        every: days from one to the next.
    """
    findings: list[Finding] = []
    read: list[date] = []
    for option, text in (("--from", first), ("--to", last)):
        try:
            read.append(read_day(text))
        except ValueError as error:
            findings.append(Finding(str(error), option))
    if findings:
        return [], findings
    count = (read[1] - read[0]).days // every + 1
    if read[0] > read[1]:
        return [], [Finding(f"{first} is after {last}", "--from", "the range goes from the older day on")]
    if count > MAX_RUNS:
        mend = "take a smaller range, or --every N"
        return [], [Finding(f"the range has {count:,} runs; {MAX_RUNS:,} are the most", "--to", mend)]
    return [read[0] + timedelta(days=n * every) for n in range(count)], []
