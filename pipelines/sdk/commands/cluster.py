"""All commands that talk to a cluster with Argo Workflows, for both front doors."""

from __future__ import annotations

import click

from pipelines.sdk.commands import schedule, status, steer, submit, watch
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings


def pipeline_commands(plan: Plan, settings: Settings) -> tuple[click.Command, ...]:
    """Those of a pipeline file.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """
    return (
        submit.pipeline_command(plan, settings),
        watch.watch_command(plan.name),
        watch.logs_command(plan.name),
        schedule.pipeline_command(plan, settings),
        schedule.unschedule_command(plan),
        status.command(plan),
        steer.stop_command(),
        steer.retry_command(),
    )


def file_commands(settings: Settings) -> tuple[click.Command, ...]:
    """Those for any compiled pipeline.

    Args:
        settings: of the environment.
    """
    return (
        submit.file_command(settings),
        watch.watch_command(),
        watch.logs_command(),
        schedule.file_command(settings),
        schedule.unschedule_command(),
        status.command(),
        steer.stop_command(),
        steer.retry_command(),
    )
