"""`watch` and `logs`: a run on a cluster, while it goes on and afterwards."""

from __future__ import annotations

import json
from typing import Any

import click

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import logs, runs
from pipelines.sdk.argo.cluster.following import Board, follow
from pipelines.sdk.argo.cluster.kinds import ENDED, phase
from pipelines.sdk.argo.cluster.nodes import outcome
from pipelines.sdk.argo.cluster.reporting import report, show
from pipelines.sdk.commands.argo_options import name_option, with_options
from pipelines.sdk.commands.cluster_options import connection, json_flag, timeout_option
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.errors import Exit, UsageError
from pipelines.sdk.kube import Cluster
from pipelines.sdk.local.scope import Status
from pipelines.sdk.progress import error_console


def watch_command(name: str = "") -> click.Command:
    """`watch [RUN]`.

    Args:
        name: of the WorkflowTemplate whose newest run is meant where none is given; empty for any.
    """

    @click.command("watch", help="Show the steps of a run as they run.  [default: the newest run]")
    @click.argument("run", required=False, default="")
    @with_options(timeout_option, name_option, *connection, json_flag)
    def command(run: str, timeout: float | None, as_json: bool, **given: str) -> int:
        cluster = kube.connect(given["namespace"], given["context"])
        found = runs.find(cluster, run, given["name"] or name)
        click.echo(f"run {found['metadata']['name']}  (namespace {cluster.namespace})", err=True)
        return to_the_end(cluster, found, live=True, timeout=timeout, as_json=as_json)

    return command


def to_the_end(
    cluster: Cluster, workflow: dict[str, Any], *, live: bool, timeout: float | None, as_json: bool
) -> int:
    """Waits for a run, then shows how it ended.

    Args:
        cluster: see Cluster.
        workflow: the run, as it was read.
        live: whether its steps are shown as they run.
        timeout: seconds after which it is not waited for any longer; None for none.
        as_json: whether the result goes to stdout as JSON.

    Returns:
        The exit code.
    """
    console = error_console()
    name = workflow["metadata"]["name"]
    try:
        ended = follow(cluster, workflow, console, live=live, timeout=timeout or 0.0)
    except KeyboardInterrupt:
        console.print(f"{name} goes on; see it again: watch {name}; end it: stop {name}", soft_wrap=True)
        raise
    told = report(cluster, ended)
    show(told, console)
    if as_json:
        to_stdout(json.dumps(told.to_json(), indent=2))
    if told.status == Status.SUCCEEDED:
        return Exit.OK
    console.print(f"next: logs {name} STEP | retry {name}", soft_wrap=True)
    return Exit.RUN_FAILED


def logs_command(name: str = "") -> click.Command:
    """`logs [RUN] [STEP] [--follow]`.

    Args:
        name: of the WorkflowTemplate whose newest run is meant where none is given; empty for any.
    """

    @click.command(
        "logs",
        help="Print what the steps of a run wrote, or STEP alone (name or path).  [default: the newest run]",
    )
    @click.argument("run", required=False, default="")
    @click.argument("step", required=False, default="")
    @click.option("-f", "--follow", "following", is_flag=True, help="Go on until the run has ended.")
    @with_options(timeout_option, name_option, *connection, json_flag)
    def command(
        run: str, step: str, following: bool, timeout: float | None, as_json: bool, **given: str
    ) -> int:
        cluster = kube.connect(given["namespace"], given["context"])
        found, step = _meant(cluster, run, step, given["name"] or name)
        if following:
            board = Board(cluster, found["metadata"]["name"], None, error_console(), timeout or 0.0)
            return _follow(board, found, step, as_json)
        _print(cluster, found, step, as_json)
        return Exit.OK

    return command


def _meant(cluster: Cluster, run: str, step: str, name: str) -> tuple[dict[str, Any], str]:
    """The run and the step; a single word can be a step of the newest run."""
    try:
        return runs.find(cluster, run, name), step
    except UsageError:
        if not run or step:
            raise
        newest = runs.newest(cluster, name, 1)
        if not newest or not logs.known(newest[0], run):
            raise
        return newest[0], run


def _print(cluster: Cluster, workflow: dict[str, Any], step: str, as_json: bool) -> None:
    told = []
    for each, lines, note in logs.texts(cluster, workflow, step):
        if as_json:
            told.append({"step": each.path, "log": lines, **({"note": note} if note else {})})
            continue
        click.echo(f"== {each.path}{f': {note}' if note else ''}", err=True)
        if lines:
            to_stdout("\n".join(lines))
    if as_json:
        to_stdout(json.dumps({"run": workflow["metadata"]["name"], "steps": told}, indent=2))
    elif not logs.begun(workflow):
        click.echo(f"no step of {workflow['metadata']['name']} has begun yet; --follow waits", err=True)


def _follow(board: Board, workflow: dict[str, Any], step: str, as_json: bool) -> int:
    def say(path: str, line: str) -> None:
        to_stdout(json.dumps({"step": path, "line": line}) if as_json else f"{path} | {line}")

    name = board.run
    try:
        ended = logs.follow(board, workflow, step, say)
    except KeyboardInterrupt:
        click.echo(f"{name} goes on", err=True)
        raise
    click.echo(f"{name}: {outcome(ended) if phase(ended) in ENDED else 'not ended'}", err=True)
    return Exit.OK
