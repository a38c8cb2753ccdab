"""`run`: a pipeline on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from pipelines.sdk import ir
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.parameters import add_options, pairs_option, read, wrong_day
from pipelines.sdk.commands.times import moment
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
        pairs_option,
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, alone, on stdout."),
        click.option(
            "--no-cache", is_flag=True, help="Run every step, also where an earlier result would do."
        ),
        click.option("--host", is_flag=True, help="Run container components as plain processes."),
    ):
        function = option(function)
    return function


_schedule_option = click.option(
    "--schedule-time", default="", metavar="TIME", help="The time that this run was meant for (RFC 3339)."
)


def pipeline_command(plan: Plan, settings: Settings) -> click.Command:
    """`run` of a pipeline file: the pipeline's parameters are its options.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @run_options
    @_schedule_option
    def callback(
        pairs: tuple[str, ...],
        as_json: bool,
        no_cache: bool,
        host: bool,
        schedule_time: str,
        **given: str | None,
    ) -> int:
        scheduled, wrong = _moment(schedule_time)
        wrong += wrong_day(given, pairs)
        inputs = read(plan.root.interface, given, pairs, wrong)
        return execute(plan, inputs, options(settings, no_cache, host, scheduled), as_json=as_json)

    command = click.command("run", help="Run the pipeline on this machine.")(callback)
    add_options(command, plan.root.interface)
    return command


def file_command(settings: Settings) -> click.Command:
    """`run FILE.yaml -p NAME=VALUE`.

    Args:
        settings: of the environment.
    """

    @click.command("run", help="Run a compiled pipeline on this machine.")
    @click.argument("file")
    @run_options
    @_schedule_option
    def command(
        file: str, pairs: tuple[str, ...], as_json: bool, no_cache: bool, host: bool, schedule_time: str
    ) -> int:
        plan = ir.read_file(file)
        scheduled, wrong = _moment(schedule_time)
        inputs = read(plan.root.interface, {}, pairs, wrong)
        return execute(plan, inputs, options(settings, no_cache, host, scheduled), as_json=as_json)

    return command


def _moment(text: str) -> tuple[str, list[Finding]]:
    try:
        return (moment(text) if text else ""), []
    except ValueError as error:
        return "", [Finding(str(error), "--schedule-time")]


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
    result = watched(plan, inputs, options)
    if as_json:
        to_stdout(json.dumps(result.to_json(), indent=2))
    return EXIT_CODES[result.status]


def watched(plan: Plan, inputs: Mapping[str, Json], options: Options) -> RunResult:
    """Runs a pipeline, shows on standard error how it goes, and a summary when it has ended.

    Args:
        plan: the pipeline.
        inputs: checked values; an artifact is its URI.
        options: how to run.

    Raises:
        UsageError: where an artifact that is a path of this machine is not there.
    """
    values = _with_records(plan, inputs)
    progress = Progress()
    with progress:
        watcher = Watcher(progress.opened, progress.started, progress.ended)
        result = run(plan, values, options, watcher)
    summary(result, progress.console)
    return result


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
    missing: list[Finding] = []
    for name, spec in plan.root.interface.artifacts.items():
        given = values.get(name)
        uris = [str(uri).removeprefix("file://") for uri in (given if isinstance(given, list) else [given])]
        if given is None:
            continue
        absent = [uri for uri in uris if "://" not in uri and not Path(uri).exists()]
        missing += [Finding(f"{uri} is not there", f"parameter {name}") for uri in absent]
        kind = {"schemaTitle": spec.schema_title, "schemaVersion": spec.schema_version}
        records = ({"name": name, "type": kind, "uri": uri, "metadata": {}} for uri in uris)
        values[name] = Artifacts(tuple(records), spec.is_list)
    if missing:
        raise UsageError(*missing)
    return values
