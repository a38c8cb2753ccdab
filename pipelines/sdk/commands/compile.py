"""`compile`: the pipeline as a file that other systems read."""

from __future__ import annotations

import difflib
import os
import tempfile
from pathlib import Path

import click

from pipelines.sdk.compiling import with_image
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import Settings


def command(text: str, plan: Plan, settings: Settings) -> click.Command:
    """`compile [--target kfp] [-o FILE] [--check]`.

    Args:
        text: of the IR.
        plan: the same, read.
        settings: of the environment.
    """

    @click.command("compile", help="Write the pipeline as a file for another system.")
    @click.option("--target", type=click.Choice(["kfp"]), default="kfp", help="The system: KFP's UI and API.")
    @click.option("-o", "--output", default=None, help=f"The file.  [default: compiled/{plan.name}.kfp.yaml]")
    @click.option("--image", default=settings.image, help=f"The steps' image.  [default: {settings.image}]")
    @click.option(
        "--check", is_flag=True, help="Write nothing; fail with a diff where the file is out of date."
    )
    def compile_command(target: str, output: str | None, image: str, check: bool) -> None:
        path = Path(output or f"compiled/{plan.name}.{target}.yaml")
        wanted = with_image(text, image)
        if check:
            compare(path, wanted)
        else:
            write(path, wanted)
        click.echo(f"{path} {'is up to date' if check else 'written'}", err=True)

    return compile_command


def compare(path: Path, wanted: str) -> None:
    """Compares a compiled file with what it should be.

    Raises:
        BadPipeline: with a diff, where they differ.
    """
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    if found != wanted:
        lines = difflib.unified_diff(
            found.splitlines(), wanted.splitlines(), str(path), "compiled now", lineterm=""
        )
        click.echo("\n".join(lines))
        raise BadPipeline(Finding("out of date", str(path), "compile it again, without --check"))


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)
