"""`serve`: the registered model on a local address."""

from __future__ import annotations

import os
import signal
import threading

import click

from pipelines.sdk.commands.registry import resolve, service_of
from pipelines.sdk.plan import Plan
from pipelines.sdk.serving import local
from pipelines.sdk.settings import Settings


def command(plan: Plan, settings: Settings) -> click.Command:
    """`serve [--alias NAME] [--detach | --stop]`.

    Args:
        plan: the pipeline; its parameter `model_name` names the registered model.
        settings: of the environment.
    """

    @click.command("serve", help="Serve the registered model on this machine, until Ctrl-C.")
    @click.option("--model-name", default=service_of(plan), help=f"[default: {service_of(plan)}]")
    @click.option("--alias", default="champion", help="Which version.  [default: champion]")
    @click.option("--detach", is_flag=True, help="Leave the server running and return.")
    @click.option("--stop", "stopping", is_flag=True, help="Stop the server that was left running.")
    def serve_command(model_name: str, alias: str, detach: bool, stopping: bool) -> None:
        if stopping:
            local.stop(model_name, home=settings.home)
            click.echo(f"{model_name} is no longer served here", err=True)
            return
        found = resolve(model_name, alias, settings.home)
        endpoint = local.ensure(model_name, found.uri, found.version, home=settings.home)
        click.echo(f"{model_name} version {found.version} ({alias}) at {endpoint.url}", err=True)
        if not detach:
            _until_interrupted()
            local.stop(model_name, home=settings.home)

    return serve_command


def _until_interrupted() -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    click.echo(f"serving; Ctrl-C (or kill {os.getpid()}) ends it", err=True)
    ended.wait()
