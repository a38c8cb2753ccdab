"""`lint`: what is wrong with Argo's documents, without a cluster."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence

import click

from pipelines.sdk.argo import lint
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.errors import Exit


def command() -> click.Command:
    """`lint FILE... [--json] [--argo VERSION]`; exit code 3 where there are errors, 0 for warnings."""

    @click.command(
        "lint", help="Check Argo documents without a cluster; templates in other files given are found."
    )
    @click.argument("files", nargs=-1, required=True, metavar="FILE...")
    @click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, alone, on stdout.")
    @click.option(
        "--argo",
        type=click.Choice(lint.VERSIONS),
        default=lint.VERSIONS[-1],
        show_default=True,
        help="The version of Argo that is to run them.",
    )
    def lint_command(files: tuple[str, ...], as_json: bool, argo: str) -> int:
        found = lint.lint_files(files, argo)
        to_stdout(_as_json(found) if as_json else _as_text(found))
        return Exit.BAD_PIPELINE if any(each.severity == lint.ERROR for each in found) else Exit.OK

    return lint_command


def _as_json(found: Sequence[lint.LintFinding]) -> str:
    return json.dumps({**_totals(found), "findings": [dataclasses.asdict(each) for each in found]}, indent=2)


def _as_text(found: Sequence[lint.LintFinding]) -> str:
    totals = _totals(found)
    words = [_counted(totals["errors"], "error"), _counted(totals["warnings"], "warning")]
    return "\n".join([*map(_lines, found), ", ".join(words) if found else "nothing to complain about"])


def _lines(finding: lint.LintFinding) -> str:
    """A finding as an editor's problem list reads it: `file:line: severity: what`."""
    where = f"{finding.file}:{finding.line}" if finding.line else finding.file
    place = ": ".join(filter(None, (finding.object, finding.path)))
    head = f"{where}: {finding.severity}: {finding.what} [{finding.rule}]"
    return "\n".join(
        filter(None, (head, f"    {place}" if place else "", f"    {finding.why}", f"    -> {finding.mend}"))
    )


def _totals(found: Sequence[lint.LintFinding]) -> dict[str, int]:
    counted = Counter(each.severity for each in found)
    return {"errors": counted[lint.ERROR], "warnings": counted[lint.WARNING]}


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
