"""`run`: a pipeline on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click
from rich.console import Console

from pipelines.sdk import arguments, ir
from pipelines.sdk.commands.parameters import options_of, texts_of
from pipelines.sdk.errors import Exit, Finding, UsageError
from pipelines.sdk.local.run import Options, RunResult, Watcher, run
from pipelines.sdk.local.scope import Artifacts, Status, Value
from pipelines.sdk.plan import Plan
from pipelines.sdk.progress import Progress, summary
from pipelines.sdk.settings import Settings
from pipelines.sdk.values import Json

EXIT_CODES = {
    Status.SUCCEEDED: Exit.OK,
    Status.FAILED: Exit.RUN_FAILED,
    Status.CANCELLED: Exit.INTERRUPTED,
}


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every way to run has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, alone, on stdout."),
        click.option(
            "--no-cache", is_flag=True, help="Run every step, also where an earlier result would do."
        ),
        click.option("--host", is_flag=True, help="Run container components as plain processes."),
        click.option("--schedule-time", default="", help="The time that this run was meant for (RFC 3339)."),
    ):
        function = option(function)
    return function


def pipeline_command(plan: Plan, settings: Settings) -> click.Command:
    """`run` of a pipeline file: the pipeline's parameters are its options.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @run_options
    def callback(as_json: bool, no_cache: bool, host: bool, schedule_time: str, **given: str | None) -> int:
        inputs = arguments.from_texts(plan.root.interface, texts_of(given))
        return execute(plan, inputs, options(settings, no_cache, host, schedule_time), as_json=as_json)

    command = click.command("run", help="Run the pipeline on this machine.")(callback)
    command.params.extend(options_of(plan.root.interface))
    return command


def file_command(settings: Settings) -> click.Command:
    """`run FILE.yaml -p NAME=VALUE`.

    Args:
        settings: of the environment.
    """

    @click.command("run", help="Run a compiled pipeline on this machine.")
    @click.argument("file")
    @click.option(
        "-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="A pipeline parameter."
    )
    @run_options
    def command(
        file: str, pairs: tuple[str, ...], as_json: bool, no_cache: bool, host: bool, schedule_time: str
    ) -> int:
        plan = ir.read_file(file)
        inputs = arguments.from_texts(plan.root.interface, _split(pairs))
        return execute(plan, inputs, options(settings, no_cache, host, schedule_time), as_json=as_json)

    return command


def execute(plan: Plan, inputs: Mapping[str, Json], options: Options, *, as_json: bool) -> int:
    """Runs a pipeline and shows how it went.

    Args:
        plan: the pipeline.
        inputs: checked values; an artifact is its URI.
        options: how to run.
        as_json: whether the result goes to stdout as JSON.

    Returns:
        The exit code.
    """
    progress = Progress()
    with progress:
        watcher = Watcher(progress.opened, progress.started, progress.ended)
        result = run(plan, _with_records(plan, inputs), options, watcher)
    show(result, progress.console, as_json=as_json)
    return EXIT_CODES[result.status]


def show(result: RunResult, console: Console, *, as_json: bool) -> None:
    """Prints the summary, and the JSON where it is wanted."""
    summary(result, console)
    if as_json:
        json.dump(result.to_json(), sys.stdout, indent=2)
        sys.stdout.write("\n")


def options(
    settings: Settings, no_cache: bool = False, host: bool = False, schedule_time: str = ""
) -> Options:
    """How to run, from the environment and the command line."""
    return Options(
        home=settings.home,
        workers=settings.workers,
        fork=settings.fork,
        cache=not no_cache,
        host=host,
        schedule_time=schedule_time,
    )


def _with_records(plan: Plan, inputs: Mapping[str, Json]) -> dict[str, Value]:
    """Root artifact inputs are given as URIs, and travel as records."""
    values: dict[str, Value] = dict(inputs)
    for name, spec in plan.root.interface.artifacts.items():
        if name in values:
            kind = {"schemaTitle": spec.schema_title, "schemaVersion": spec.schema_version}
            record = {"name": name, "type": kind, "uri": values[name], "metadata": {}}
            values[name] = Artifacts((record,), spec.is_list)
    return values


def _split(pairs: tuple[str, ...]) -> dict[str, str]:
    texts: dict[str, str] = {}
    findings = []
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            findings.append(Finding(f"{pair!r} is not NAME=VALUE", "-p"))
        elif name in texts:
            findings.append(Finding("it is given twice", f"parameter {name}"))
        texts[name] = text
    if findings:
        raise UsageError(*findings)
    return texts
