"""`schedule` and `unschedule`: a pipeline's runs at set times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from pipelines.sdk import ir, kube
from pipelines.sdk.argo.cluster import cron, scheduling
from pipelines.sdk.argo.cluster.arguments import parameters
from pipelines.sdk.argo.cluster.submitting import deploy
from pipelines.sdk.commands.argo_options import (
    Decorator,
    argo_options,
    compiled,
    name_option,
    options_of,
    with_options,
)
from pipelines.sdk.commands.cluster_options import (
    connection,
    dry_run_flag,
    force_flag,
    json_flag,
    name_in,
    tell,
)
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.parameters import pairs_option, read, wrong_day
from pipelines.sdk.errors import Exit
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings

SHOWN_TIMES = 3
HELP = "Run the pipeline on a cluster at set times: CRON has five fields, as in '0 2 * * *'."


def _options(settings: Settings) -> Decorator:
    return with_options(
        click.option("--timezone", default="UTC", help="Of the times, as Europe/Helsinki.  [default: UTC]"),
        pairs_option,
        click.option("--suspend", is_flag=True, help="Make the schedule, but do not follow it yet."),
        dry_run_flag,
        *connection,
        argo_options(settings),
        force_flag,
        json_flag,
    )


def pipeline_command(plan: Plan, settings: Settings) -> click.Command:
    """`schedule CRON [--timezone ZONE] [-p NAME=VALUE]` of a pipeline file.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @click.command("schedule", help=HELP)
    @click.argument("line", metavar="CRON")
    @_options(settings)
    def command(line: str, pairs: tuple[str, ...], **given: Any) -> int:
        return _schedule(plan, line, pairs, given)

    return command


def file_command(settings: Settings) -> click.Command:
    """`schedule FILE.yaml CRON`.

    Args:
        settings: of the environment.
    """

    @click.command("schedule", help=HELP)
    @click.argument("file")
    @click.argument("line", metavar="CRON")
    @_options(settings)
    def command(file: str, line: str, pairs: tuple[str, ...], **given: Any) -> int:
        return _schedule(ir.read_file(file), line, pairs, given)

    return command


def unschedule_command(plan: Plan | None = None) -> click.Command:
    """`unschedule` of a pipeline file; `unschedule NAME` of any.

    Args:
        plan: the pipeline; None where it is named on the command line.
    """

    @with_options(name_option, dry_run_flag, *connection, json_flag)
    def command(name: str, dry_run: bool, as_json: bool, what: str = "", **given: str) -> int:
        default = plan.name if plan else name_in(what)
        cluster = kube.connect(given["namespace"], given["context"])
        change = scheduling.remove(cluster, name or default, dry_run=dry_run)
        tell([change], dry_run=dry_run)
        click.echo("runs that it has started are kept", err=True)
        if as_json:
            to_stdout(json.dumps({"dry_run": dry_run, "changes": [change.to_json()]}, indent=2))
        return Exit.OK

    if plan is None:
        command = click.argument("what", metavar="NAME|FILE")(command)
    return click.command("unschedule", help="Take a pipeline's schedule from the cluster; keep its runs.")(
        command
    )


def _schedule(plan: Plan, line: str, pairs: tuple[str, ...], given: Mapping[str, Any]) -> int:
    schedule = cron.parse(line, given["timezone"])
    values = read(plan.root.interface, {}, pairs, wrong_day({}, pairs))
    arguments = parameters(plan.root.interface, values)
    made = compiled(plan, options_of({**given, "namespace": "", "schedule": schedule.text}, plan))
    cluster = kube.connect(given["namespace"], given["context"])
    done = deploy(
        cluster,
        scheduling.with_arguments(made, arguments),
        force=given["force_conflicts"],
        dry_run=given["dry_run"],
    )
    tell(done.changes, dry_run=given["dry_run"])
    now = datetime.now(UTC)
    times = list(islice(cron.upcoming(schedule, now), SHOWN_TIMES))
    remarks = [*cron.clock_changes(schedule, now), *done.notes]
    _say(schedule, times, remarks, given["suspend"])
    if given["as_json"]:
        summary = {
            "name": done.name,
            "namespace": cluster.namespace,
            "schedule": schedule.text,
            "timezone": str(schedule.zone),
            "suspended": given["suspend"],
            "next": [time.isoformat() for time in times],
            "warnings": remarks,
            "dry_run": given["dry_run"],
            "changes": [change.to_json() for change in done.changes],
            "pruned": list(done.pruned),
        }
        to_stdout(json.dumps(summary, indent=2))
    return Exit.OK


def _say(schedule: cron.Schedule, times: list[datetime], remarks: list[str], suspended: bool) -> None:
    click.echo(f"{schedule.text} in {schedule.zone}{' (suspended)' if suspended else ''}; next:", err=True)
    for time in times:
        click.echo(f"  {time:%a %Y-%m-%d %H:%M %Z}", err=True)
    for remark in remarks:
        click.echo(f"warning: {remark}", err=True)
