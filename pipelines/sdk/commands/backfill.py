"""`backfill`: the pipeline for a range of days, oldest first."""

from __future__ import annotations

from datetime import date, timedelta

import click

from pipelines.sdk import arguments
from pipelines.sdk.commands.parameters import options_of, texts_of
from pipelines.sdk.commands.run import EXIT_CODES, execute, options
from pipelines.sdk.errors import Exit, Finding, UsageError
from pipelines.sdk.local.scope import Status
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings

DAY_PARAMETER = "as_of"


def command(plan: Plan, settings: Settings) -> click.Command:
    """`backfill --from DAY --to DAY [--every N]`; needs a pipeline with a parameter `as_of`.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @click.option("--from", "first", required=True, metavar="YYYY-MM-DD", help="The first day.")
    @click.option("--to", "last", required=True, metavar="YYYY-MM-DD", help="The last day, included.")
    @click.option(
        "--every", type=click.IntRange(1), default=1, help="Days from one run to the next.  [default: 1]"
    )
    @click.option("--keep-going", is_flag=True, help="Go on to the next day where a run fails.")
    def callback(first: str, last: str, every: int, keep_going: bool, **given: str | None) -> int:
        if DAY_PARAMETER not in plan.root.interface.parameters:
            raise UsageError(Finding(f"it has no parameter {DAY_PARAMETER}", f"pipeline {plan.name}"))
        texts = texts_of(given)
        code = Exit.OK
        for day in days(first, last, every):
            inputs = arguments.from_texts(plan.root.interface, {**texts, DAY_PARAMETER: day.isoformat()})
            click.echo(f"== {day.isoformat()}", err=True)
            ended = execute(plan, inputs, options(settings), as_json=False)
            code = max(code, Exit(ended))
            if ended == EXIT_CODES[Status.CANCELLED] or (ended and not keep_going):
                break
        return code

    made = click.command("backfill", help="Run the pipeline once for each day of a range.")(callback)
    made.params.extend(options_of(plan.root.interface, without=(DAY_PARAMETER,)))
    return made


def days(first: str, last: str, every: int) -> list[date]:
    """The days of a range, oldest first.

    Args:
        first: ISO date.
        last: ISO date, included.
        every: days from one to the next.

    Raises:
        UsageError: where one is no date, or the range is empty.
    """
    findings, read = [], []
    for option, text in (("--from", first), ("--to", last)):
        try:
            read.append(date.fromisoformat(text))
        except ValueError:
            findings.append(Finding(f"{text!r} is no day", option, "write it as 2015-06-30"))
    if not findings and read[0] > read[1]:
        findings.append(Finding(f"{first} is after {last}", "--from"))
    if findings:
        raise UsageError(*findings)
    return [read[0] + timedelta(days=n) for n in range(0, (read[1] - read[0]).days + 1, every)]
