"""What all commands that talk to a cluster have in common."""

from __future__ import annotations

from collections.abc import Iterable

import click

from pipelines.sdk import ir
from pipelines.sdk.argo.cluster.changes import Change

connection = (
    click.option(
        "-n",
        "--namespace",
        default="",
        help="On the cluster.  [default: PIPELINES_NAMESPACE, else the kubeconfig's, else ml]",
    ),
    click.option("--context", default="", help="Of the kubeconfig.  [default: its current one]"),
)
json_flag = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON, alone, on stdout."
)
dry_run_flag = click.option("--dry-run", is_flag=True, help="Change nothing; show what would change.")
force_flag = click.option(
    "--force-conflicts", is_flag=True, help="Take back fields of the pipeline that others have changed."
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="SECONDS",
    help="Wait no longer than this; the run goes on.  [default: to the end]",
)
until_the_end = (
    click.option("--wait", is_flag=True, help="Wait for the end; exit code 1 where the run fails."),
    click.option("--watch", is_flag=True, help="Show the steps as they run, until the end."),
    timeout_option,
)


def name_in(text: str) -> str:
    """The name of a WorkflowTemplate, from itself or from a compiled file.

    Args:
        text: a name, or a path with a folder or an ending in it.
    """
    is_file = "/" in text or text.endswith((".yaml", ".yml", ".json"))
    return ir.read_file(text).name if is_file else text


def tell(changes: Iterable[Change], *, dry_run: bool) -> None:
    """Says what becomes of documents: with their differences where nothing is done yet.

    Args:
        changes: see Change.
        dry_run: whether they are only planned.
    """
    for each in changes:
        if dry_run:
            click.echo(str(each), err=True)
        elif each.action != "unchanged":
            done = {"create": "created", "update": "updated", "delete": "deleted"}[each.action]
            click.echo(f"{done} {each.kind} {each.name}", err=True)
