"""`graph`: the pipeline as a Mermaid diagram, which GitHub and most editors draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from pipelines.sdk import ir
from pipelines.sdk.plan import Dag, Importer, Plan, Task, needs


def command(plan: Plan) -> click.Command:
    """`graph` of a pipeline file.

    Args:
        plan: the pipeline.
    """

    @click.command("graph", help="Print the pipeline as a Mermaid diagram.")
    def graph_command() -> None:
        click.echo(mermaid(plan))

    return graph_command


def file_command() -> click.Command:
    """`graph FILE.yaml`."""

    @click.command("graph", help="Print a compiled pipeline as a Mermaid diagram.")
    @click.argument("file")
    def graph_command(file: str) -> None:
        click.echo(mermaid(ir.read_file(file)))

    return graph_command


def mermaid(plan: Plan) -> str:
    """A flow chart: steps as boxes, groups around theirs, an arrow for every wait.

    Args:
        plan: the pipeline.
    """
    return "\n".join(["flowchart TD", *_dag(plan.root, "", "  ")])


def _dag(dag: Dag, prefix: str, indent: str) -> Iterator[str]:
    for task in dag.tasks:
        for each in (task, *task.on_exit):
            yield from _node(each, prefix, indent)
    names = {task.name for task in dag.tasks}
    for task in dag.tasks:
        waits = set(needs(task)) & names
        for name in sorted(_direct(waits, dag)):
            yield f"{indent}{_id(prefix + name)} --> {_id(prefix + task.name)}"
        for handler in task.on_exit:
            yield f"{indent}{_id(prefix + task.name)} -. on exit .-> {_id(prefix + handler.name)}"


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


def _node(task: Task, prefix: str, indent: str) -> Iterator[str]:
    name = _id(prefix + task.name)
    if isinstance(task.body, Dag):
        yield f'{indent}subgraph {name}["{_label(_group_title(task))}"]'
        yield from _dag(task.body, f"{prefix}{task.name}/", f"{indent}  ")
        yield f"{indent}end"
    elif isinstance(task.body, Importer):
        yield f'{indent}{name}[("{_label(task.label)}")]'
    else:
        yield f'{indent}{name}["{_label(task.label)}"]'


def _group_title(task: Task) -> str:
    if task.loop:
        return f"for each: {task.label}"
    if task.when:
        return re.sub(
            r"inputs\.parameter_values\['(?:pipelinechannel--)?([^']*)'\]", r"\1", f"if {task.when}"
        )
    return task.label


def _id(path: str) -> str:
    return re.sub(r"\W", "_", path)


def _label(text: str) -> str:
    return text.replace('"', "#quot;")
