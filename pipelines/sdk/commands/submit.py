"""`submit`: a pipeline onto a cluster, and a run of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from pipelines.sdk import ir, kube
from pipelines.sdk.argo.cluster import runs
from pipelines.sdk.argo.cluster.arguments import parameters
from pipelines.sdk.argo.cluster.kinds import WORKFLOW
from pipelines.sdk.argo.cluster.submitting import Submitted
from pipelines.sdk.argo.cluster.submitting import submit as apply_and_run
from pipelines.sdk.commands.argo_options import Decorator, argo_options, compiled, options_of, with_options
from pipelines.sdk.commands.cluster_options import (
    connection,
    dry_run_flag,
    force_flag,
    json_flag,
    tell,
    until_the_end,
)
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.parameters import add_options, pairs_option, read, wrong_day
from pipelines.sdk.commands.times import moment
from pipelines.sdk.commands.watch import to_the_end
from pipelines.sdk.errors import Exit, Finding
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings

HELP = "Put the pipeline on a cluster with Argo Workflows, and start a run."
_scheduled_option = click.option(
    "--scheduled-time", default="", metavar="TIME", help="The time that this run was meant for (RFC 3339)."
)


@dataclass(frozen=True)
class Request:
    """What the command line asks for, besides how to compile and which parameters.

    Args:
        namespace: empty for the default.
        context: of the kubeconfig; empty for its current one.
        wait: whether to wait for the end.
        watch: whether to show the steps meanwhile.
        timeout: seconds after which the run is not waited for any longer; None for none.
        dry_run: whether to change nothing.
        force: whether fields that others have changed are taken back.
        as_json: whether the result goes to stdout as JSON.
        scheduled_time: as given.
    """

    namespace: str
    context: str
    wait: bool
    watch: bool
    timeout: float | None
    dry_run: bool
    force: bool
    as_json: bool
    scheduled_time: str

    @staticmethod
    def of(given: Mapping[str, Any]) -> Request:
        """Reads it from what click gives."""
        names = ("namespace", "context", "wait", "watch", "timeout", "dry_run", "as_json", "scheduled_time")
        return Request(force=given["force_conflicts"], **{name: given[name] for name in names})


def _options(settings: Settings) -> Decorator:
    return with_options(
        pairs_option,
        *until_the_end,
        dry_run_flag,
        *connection,
        argo_options(settings),
        _scheduled_option,
        force_flag,
        json_flag,
    )


def pipeline_command(plan: Plan, settings: Settings) -> click.Command:
    """`submit` of a pipeline file: the pipeline's parameters are its options.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @_options(settings)
    def callback(pairs: tuple[str, ...], **given: Any) -> int:
        return _submit(plan, pairs, given)

    command = click.command("submit", help=HELP)(callback)
    add_options(command, plan.root.interface)
    return command


def file_command(settings: Settings) -> click.Command:
    """`submit FILE.yaml -p NAME=VALUE`.

    Args:
        settings: of the environment.
    """

    @click.command(
        "submit", help="Put a compiled pipeline on a cluster with Argo Workflows, and start a run."
    )
    @click.argument("file")
    @_options(settings)
    def command(file: str, pairs: tuple[str, ...], **given: Any) -> int:
        return _submit(ir.read_file(file), pairs, given)

    return command


def _submit(plan: Plan, pairs: tuple[str, ...], given: Mapping[str, Any]) -> int:
    asked = Request.of(given)
    scheduled, wrong = _moment(asked.scheduled_time)
    wrong += wrong_day(given, pairs)
    arguments = parameters(plan.root.interface, read(plan.root.interface, inputs_in(given), pairs, wrong))
    # Documents name no namespace of their own: they go where the connection says.
    made = compiled(plan, options_of({**given, "namespace": ""}, plan))
    cluster = kube.connect(asked.namespace, asked.context)
    done = apply_and_run(
        cluster, made, arguments, scheduled=scheduled, force=asked.force, dry_run=asked.dry_run
    )
    _say(done, cluster, asked)
    if asked.dry_run or not (asked.wait or asked.watch):
        if asked.as_json:
            to_stdout(json.dumps(_summary(done, cluster, asked), indent=2))
        return Exit.OK
    run = kube.get(cluster, WORKFLOW, done.run) or runs.find(cluster, done.run, "")
    return to_the_end(cluster, run, live=asked.watch, timeout=asked.timeout, as_json=asked.as_json)


def inputs_in(given: Mapping[str, Any]) -> dict[str, str | None]:
    """What click gives of the options that `add_options` made."""
    return {name: text for name, text in given.items() if name.startswith("parameter_")}


def _moment(text: str) -> tuple[str, list[Finding]]:
    try:
        return (moment(text) if text else ""), []
    except ValueError as error:
        return "", [Finding(str(error), "--scheduled-time")]


def _say(done: Submitted, cluster: kube.Cluster, asked: Request) -> None:
    tell(done.changes, dry_run=asked.dry_run)
    for note in done.notes:
        click.echo(f"warning: {note}", err=True)
    if done.pruned:
        click.echo(f"deleted {len(done.pruned)} ConfigMaps of earlier versions", err=True)
    if asked.dry_run:
        click.echo(f"a run of {done.name} would be started in namespace {cluster.namespace}", err=True)
    else:
        click.echo(f"run {done.run}  (namespace {cluster.namespace})", err=True)
    if not (asked.dry_run or asked.wait or asked.watch):
        click.echo(f"next: watch {done.run} | logs {done.run} | stop {done.run}", err=True)


def _summary(done: Submitted, cluster: kube.Cluster, asked: Request) -> dict[str, Any]:
    return {
        "run": done.run or None,
        "namespace": cluster.namespace,
        "pipeline": done.name,
        "dry_run": asked.dry_run,
        "changes": [change.to_json() for change in done.changes],
        "pruned": list(done.pruned),
        "warnings": list(done.notes),
    }
