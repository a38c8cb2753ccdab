"""The command line: its two front doors, and the one place where errors become messages."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pipelines.sdk import compiling, ir
from pipelines.sdk.commands import (
    backfill,
    cluster,
    compile,
    doctor,
    graph,
    inspect,
    lint,
    predict,
    run,
    serve,
)
from pipelines.sdk.errors import Exit, Finding, PipelineError, report
from pipelines.sdk.settings import from_environment
from pipelines.sdk.values import Json


def main(
    pipeline: Any,
    arguments: Sequence[str] | None = None,
    *,
    choices: Mapping[str, Sequence[Json]] | None = None,
) -> int:
    """The commands of one pipeline file: `python pipelines/train.py COMMAND`.

    Args:
        pipeline: what `@dsl.pipeline` made of a function.
        choices: by parameter, the only values it can take. (IR has a place for them, but kfp 2.17 refuses a
            parameter annotated `Literal`.)
        arguments: of the command line; those of the process by default.

    Returns:
        The exit code.
    """
    return guarded(lambda: _pipeline_group(pipeline, choices or {}), arguments, Path(sys.argv[0]).name)


def generic(arguments: Sequence[str] | None = None) -> int:
    """The commands for any compiled pipeline: `python -m pipelines.sdk COMMAND FILE.yaml`.

    Args:
        arguments: of the command line; those of the process by default.

    Returns:
        The exit code.
    """
    return guarded(_generic_group, arguments, "python -m pipelines.sdk")


def guarded(make: Any, arguments: Sequence[str] | None, program: str) -> int:
    """Runs a command; whatever goes wrong becomes a message and an exit code.

    Args:
        make: gives the click command.
        arguments: of the command line.
        program: its name, for help texts.
    """
    try:
        code = make().main(args=arguments, prog_name=program, standalone_mode=False)
        return int(code or Exit.OK)
    except PipelineError as error:
        click.echo(report(error), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except OSError as error:
        where = str(error.filename or "")
        click.echo(report(PipelineError(Finding(error.strerror or str(error), where))), err=True)
        return Exit.ENVIRONMENT
    except Exception as error:  # noqa: BLE001 - the last line of defence: our own bugs
        click.echo(f"error: internal error, {type(error).__name__}: {error}", err=True)
        click.echo(f"    -> please report it with {_keep(error)}", err=True)
        return Exit.INTERNAL


def _keep(error: Exception) -> Path:
    with tempfile.NamedTemporaryFile("w", prefix="pipelines-error-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
        return Path(file.name)


def _pipeline_group(pipeline: Any, choices: Mapping[str, Sequence[Json]]) -> click.Group:
    settings = from_environment()
    text = compiling.to_ir(pipeline)
    plan = compiling.with_choices(ir.read(text, pipeline.name), choices)
    group = click.Group(help=plan.description or plan.name)
    for command in (
        run.pipeline_command(plan, settings),
        backfill.command(plan, settings),
        compile.command(text, plan, settings, compile.folder_of(pipeline)),
        graph.command(plan),
        serve.command(plan, settings),
        predict.command(plan, settings),
        doctor.command(plan, settings),
        *cluster.pipeline_commands(plan, settings),
    ):
        group.add_command(command)
    return group


def _generic_group() -> click.Group:
    settings = from_environment()
    group = click.Group(help="Commands for any pipeline that kfp 2.x has compiled.")
    for command in (
        run.file_command(settings),
        compile.file_command(settings),
        inspect.command(),
        graph.file_command(),
        lint.command(),
        *cluster.file_commands(settings),
    ):
        group.add_command(command)
    return group
