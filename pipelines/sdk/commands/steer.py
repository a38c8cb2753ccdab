"""`stop` and `retry`: a run on a cluster ended before its time, or started again where it failed."""

from __future__ import annotations

import json
from typing import Any

import click

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import steering
from pipelines.sdk.commands.argo_options import with_options
from pipelines.sdk.commands.cluster_options import connection, dry_run_flag, json_flag, until_the_end
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.watch import to_the_end
from pipelines.sdk.errors import Exit


def stop_command() -> click.Command:
    """`stop RUN [--terminate]`."""

    @click.command("stop", help="End a run: running steps are stopped, exit handlers still start.")
    @click.argument("run")
    @click.option("--terminate", is_flag=True, help="Leave out the exit handlers too.")
    @with_options(dry_run_flag, *connection, json_flag)
    def command(run: str, terminate: bool, dry_run: bool, as_json: bool, **given: str) -> int:
        cluster = kube.connect(given["namespace"], given["context"])
        steering.stop(cluster, run, terminate=terminate, dry_run=dry_run)
        how = (
            "terminated" if terminate else "stopped; its exit handlers start, but Argo does not wait for them"
        )
        click.echo(f"{run} {'would be' if dry_run else 'is being'} {how}", err=True)
        if not dry_run:
            click.echo(f"next: watch {run}", err=True)
        if as_json:
            shutdown = "Terminate" if terminate else "Stop"
            to_stdout(json.dumps({"run": run, "shutdown": shutdown, "dry_run": dry_run}, indent=2))
        return Exit.OK

    return command


def retry_command() -> click.Command:
    """`retry RUN [--from-start]`."""

    @click.command("retry", help="Start a failed run again where it failed: what succeeded is kept.")
    @click.argument("run")
    @click.option("--from-start", is_flag=True, help="Make a new run with the same arguments instead.")
    @with_options(*until_the_end, dry_run_flag, *connection, json_flag)
    def command(run: str, from_start: bool, dry_run: bool, as_json: bool, **given: Any) -> int:
        cluster = kube.connect(given["namespace"], given["context"])
        paths: list[str] = []
        if from_start:
            made = steering.from_start(cluster, run, dry_run=dry_run)
        else:
            made, paths = steering.retry(cluster, run, dry_run=dry_run)
        _say(run, made["metadata"]["name"], paths, from_start, dry_run)
        if (given["wait"] or given["watch"]) and not dry_run:
            return to_the_end(cluster, made, live=given["watch"], timeout=given["timeout"], as_json=as_json)
        if as_json:
            name = None if from_start and dry_run else made["metadata"]["name"]
            to_stdout(json.dumps({"run": name, "again": paths, "dry_run": dry_run}, indent=2))
        return Exit.OK

    return command


def _say(run: str, made: str, paths: list[str], from_start: bool, dry_run: bool) -> None:
    if from_start:
        what = "a new run with its arguments would be started" if dry_run else f"run {made}"
        click.echo(what, err=True)
    else:
        told = ", ".join(paths[:10]) + (f" and {len(paths) - 10} more" if len(paths) > 10 else "")
        click.echo(f"{run} {'would go' if dry_run else 'goes'} on; again: {told or 'all'}", err=True)
    if not dry_run:
        click.echo(f"next: watch {made}", err=True)
