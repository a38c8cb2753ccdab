"""`graph`: the pipeline as a Mermaid diagram, which GitHub and most editors draw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import click

from pipelines.sdk import ir
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.words import condition, source
from pipelines.sdk.plan import Dag, Importer, Plan, Task, needs, walk

LABEL = 80  # characters; a longer text is cut
# What Mermaid would read as the end of the text, as HTML or Markdown, or as one of its own codes.
_CODES = {character: f"#{ord(character)};" for character in '"#&<>`\\{}'}


def command(plan: Plan) -> click.Command:
    """`graph` of a pipeline file.

    Args:
        plan: the pipeline.
    """

    @click.command("graph", help="Print the pipeline as a Mermaid diagram.")
    def graph_command() -> None:
        to_stdout(mermaid(plan))

    return graph_command


def file_command() -> click.Command:
    """`graph FILE.yaml`."""

    @click.command("graph", help="Print a compiled pipeline as a Mermaid diagram.")
    @click.argument("file")
    def graph_command(file: str) -> None:
        to_stdout(mermaid(ir.read_file(file)))

    return graph_command


def mermaid(plan: Plan) -> str:
    """A flow chart: steps as boxes, groups around theirs, an arrow for every wait.

    Args:
        plan: the pipeline.
    """
    return "\n".join(["flowchart TD", *_dag(plan.root, "", "  ", _ids(plan.root))])


def _ids(root: Dag) -> dict[str, str]:
    """A name for every task's path. The prefix keeps it apart from Mermaid's words (`end`, `click`, ...)."""
    ids: dict[str, str] = {}
    for path, _ in walk(root):
        wanted = "t_" + re.sub(r"[^A-Za-z0-9]+", "_", path)
        taken, number = set(ids.values()), 2
        name = wanted
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        ids[path] = name
    return ids


def _dag(dag: Dag, prefix: str, indent: str, ids: Mapping[str, str]) -> Iterator[str]:
    for task in dag.tasks:
        for each in (task, *task.on_exit):
            yield from _node(each, prefix, indent, ids)
    names = {task.name for task in dag.tasks}
    for task in dag.tasks:
        waits = set(needs(task)) & names
        for name in sorted(_direct(waits, dag)):
            yield f"{indent}{ids[prefix + name]} --> {ids[prefix + task.name]}"
        for handler in task.on_exit:
            yield f"{indent}{ids[prefix + task.name]} -. on exit .-> {ids[prefix + handler.name]}"


def _direct(waits: set[str], dag: Dag) -> set[str]:
    """Those that are not waited for by another one waited for: fewer arrows, the same order."""
    by_name = {task.name: task for task in dag.tasks}
    indirect: set[str] = set()
    pending = list(waits)
    while pending:
        further = set(needs(by_name[pending.pop()])) - indirect
        indirect |= further
        pending.extend(further)
    return waits - indirect


def _node(task: Task, prefix: str, indent: str, ids: Mapping[str, str]) -> Iterator[str]:
    name = ids[prefix + task.name]
    if isinstance(task.body, Dag):
        yield f'{indent}subgraph {name}["{_label(_group_title(task))}"]'
        yield from _dag(task.body, f"{prefix}{task.name}/", f"{indent}  ", ids)
        yield f"{indent}end"
    elif isinstance(task.body, Importer):
        yield f'{indent}{name}[("{_label(task.label)}")]'
    else:
        yield f'{indent}{name}["{_label(task.label)}"]'


def _group_title(task: Task) -> str:
    """The author's own title, or else what the group does."""
    if task.label != task.name:
        return task.label
    if task.loop:
        return f"for each of {source(task.loop.items)}"
    return f"if {condition(task.when)}" if task.when else task.label


def _label(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    cut = line if len(line) <= LABEL else f"{line[: LABEL - 1]}…"
    return "".join(_CODES.get(character, character) for character in cut) or " "
