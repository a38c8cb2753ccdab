"""`compile`: the pipeline as files that other systems read."""

from __future__ import annotations

import difflib
import inspect
import json
from pathlib import Path
from typing import Any

import click

from pipelines.sdk import argo, ir
from pipelines.sdk.argo.cluster import cron
from pipelines.sdk.argo.documents import workflow_arguments
from pipelines.sdk.commands.argo_options import Decorator, argo_options, compiled, options_of, with_options
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.compiling import with_image
from pipelines.sdk.errors import BadPipeline, Finding, UsageError
from pipelines.sdk.files import write_whole
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings

TARGETS = ("kfp", "argo")


def command(text: str, plan: Plan, settings: Settings, folder: Path) -> click.Command:
    """`compile [--target kfp|argo] [-o FILE] [--check]` of one pipeline file.

    Args:
        text: of the IR.
        plan: the same, read.
        settings: of the environment.
        folder: where compiled files are, unless the command says otherwise.
    """

    @click.command("compile", help="Write the pipeline as files for other systems.")
    @click.option(
        "--target", type=click.Choice(TARGETS), help="KFP's UI and API, or Argo alone.  [default: both]"
    )
    @click.option(
        "-o",
        "--output",
        help=f"The file; of KFP unless it ends in .argo.yaml.  [default: in {_seen(folder)}]",
    )
    @click.option(
        "--check", is_flag=True, help="Write nothing; fail with a diff where a file is out of date."
    )
    @_for_argo(settings)
    def compile_command(target: str | None, output: str | None, check: bool, **given: Any) -> None:
        if output and not target:
            target = "argo" if output.endswith(".argo.yaml") else "kfp"
        options = _options(given, plan)
        wanted = {
            "kfp": lambda: with_image(text, options.image) if options.image else text,
            "argo": lambda: argo.to_yaml(compiled(plan, options).documents),
        }
        for each in [target] if target else TARGETS:
            path = Path(output) if output else folder / f"{plan.name}.{each}.yaml"
            (compare if check else write)(path, wanted[each]())
            click.echo(f"{_seen(path)} {'is up to date' if check else 'written'}", err=True)

    return compile_command


def file_command(settings: Settings) -> click.Command:
    """`compile FILE.yaml [-o OUT.yaml] [--json]`: any compiled pipeline, for Argo.

    Args:
        settings: of the environment.
    """

    @click.command("compile", help="Write a compiled pipeline as documents for Argo Workflows.")
    @click.argument("file")
    @click.option("-o", "--output", help="The file to write.  [default: standard output]")
    @click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON, alone, on stdout.")
    @_for_argo(settings)
    def compile_command(file: str, output: str | None, as_json: bool, **given: Any) -> None:
        plan = ir.read_file(file)
        made = compiled(plan, _options(given, plan))
        text = argo.to_yaml(made.documents)
        if output:
            write(Path(output), text)
        if as_json:
            to_stdout(json.dumps(summary(made), indent=2))
        elif not output:
            to_stdout(text.rstrip("\n"))

    return compile_command


def summary(compiled: argo.Compiled) -> dict[str, Any]:
    """What compiling gave, for programs."""
    return {
        "documents": list(compiled.documents),
        "pods_min": compiled.pods_min,
        "steps": [{"name": each.name, "kind": each.kind, "image": each.image} for each in compiled.steps],
        "warnings": [{"what": w.what, "where": w.where, "mend": w.mend} for w in compiled.warnings],
    }


def _for_argo(settings: Settings) -> Decorator:
    return with_options(
        argo_options(settings),
        click.option("--namespace", default="", help="Of the documents.  [default: whoever applies says]"),
        click.option("--schedule", default="", metavar="CRON", help="Five fields: adds a CronWorkflow."),
        click.option(
            "--timezone", default="UTC", help="Of the schedule, as Europe/Helsinki.  [default: UTC]"
        ),
        click.option("--suspend", is_flag=True, help="Make the schedule, but do not follow it yet."),
    )


def _options(given: dict[str, Any], plan: Plan) -> argo.Options:
    options = options_of(given, plan)
    if options.schedule:
        cron.parse(options.schedule, options.timezone)
        _refuse_open_inputs(plan)
    return options


def _refuse_open_inputs(plan: Plan) -> None:
    """A scheduled run takes the values that stand in its document, and compiling puts none there."""
    open_inputs = [each["name"] for each in workflow_arguments(plan) if "value" not in each]
    if open_inputs:
        what = "a scheduled run has nobody to give it a value"
        mend = "give it a default, or schedule with values: `schedule CRON -p NAME=VALUE`"
        raise UsageError(*(Finding(what, f"parameter {name}", mend) for name in open_inputs))


def folder_of(pipeline: Any) -> Path:
    """Where a pipeline's compiled files are: in `compiled`, beside the `pipelines` folder or the file itself.

    Args:
        pipeline: what `@dsl.pipeline` made of a function.
    """
    try:
        home = Path(inspect.getfile(pipeline.pipeline_func)).resolve().parent
    except (AttributeError, TypeError):  # made in a notebook or by hand: it has no file
        home = Path.cwd()
    return (home.parent if home.name == "pipelines" else home) / "compiled"


def compare(path: Path, wanted: str) -> None:
    """Compares a compiled file with what it should be.

    Raises:
        BadPipeline: with a diff, where they differ.
    """
    mend = "compile it again, without --check"
    if not path.exists():
        raise BadPipeline(Finding("it is not there", _seen(path), mend))
    found = path.read_text(encoding="utf-8", errors="replace")
    if found != wanted:
        lines = difflib.unified_diff(
            found.splitlines(), wanted.splitlines(), _seen(path), "compiled now", lineterm=""
        )
        to_stdout("\n".join(lines))
        raise BadPipeline(Finding("it is out of date", _seen(path), mend))


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def _seen(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
