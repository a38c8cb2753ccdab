"""`compile`: the pipeline as a file that other systems read."""

from __future__ import annotations

import difflib
import inspect
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import click

from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.compiling import with_image
from pipelines.sdk.errors import BadPipeline, Finding, UsageError
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings

# Registry, path, tag and digest: what YAML can carry without quotes, and Kubernetes would take.
_IMAGE = re.compile(r"[a-zA-Z0-9][\w.-]*(:[0-9]+)?(/[\w.-]+)*(:[\w.-]+)?(@[a-z0-9]+:[a-f0-9]+)?", re.ASCII)


def command(text: str, plan: Plan, settings: Settings, folder: Path) -> click.Command:
    """`compile [--target kfp] [-o FILE] [--check]`.

    Args:
        text: of the IR.
        plan: the same, read.
        settings: of the environment.
        folder: where compiled files are, unless the command says otherwise.
    """

    @click.command("compile", help="Write the pipeline as a file for another system.")
    @click.option("--target", type=click.Choice(["kfp"]), default="kfp", help="The system: KFP's UI and API.")
    @click.option(
        "-o", "--output", default=None, help=f"The file.  [default: {_seen(folder / _name(plan, 'kfp'))}]"
    )
    @click.option("--image", default=settings.image, help=f"The steps' image.  [default: {settings.image}]")
    @click.option(
        "--check", is_flag=True, help="Write nothing; fail with a diff where the file is out of date."
    )
    def compile_command(target: str, output: str | None, image: str, check: bool) -> None:
        if not _IMAGE.fullmatch(image):
            raise UsageError(Finding(f"{image!r} is no image", "--image", "as in registry/name:tag"))
        path = Path(output) if output else folder / _name(plan, target)
        wanted = with_image(text, image)
        if check:
            compare(path, wanted)
        else:
            write(path, wanted)
        click.echo(f"{_seen(path)} {'is up to date' if check else 'written'}", err=True)

    return compile_command


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
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def _name(plan: Plan, target: str) -> str:
    return f"{plan.name}.{target}.yaml"


def _seen(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
