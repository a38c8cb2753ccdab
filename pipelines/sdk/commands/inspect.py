"""`inspect`: what a compiled pipeline consists of, and what each backend makes of it."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.sdk import ir
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.words import condition, source
from pipelines.sdk.plan import Dag, Importer, Loop, Plan, Step, Task, walk
from pipelines.sdk.values import Parameter

SHOWN = 80  # characters of a default
WIDTH = 400  # of the table where the output is no terminal


def command() -> click.Command:
    """`inspect FILE.yaml [--json]`."""

    @click.command("inspect", help="Show the tasks, parameters and images of a compiled pipeline.")
    @click.argument("file")
    @click.option("--json", "as_json", is_flag=True, help="Print it as JSON, alone, on stdout.")
    def inspect_command(file: str, as_json: bool) -> None:
        plan = ir.read_file(file)
        to_stdout(json.dumps(description(plan), indent=2) if as_json else _table(plan))

    return inspect_command


def description(plan: Plan) -> dict[str, Any]:
    """A Plan for people and programs that want an overview.

    Args:
        plan: the pipeline.
    """
    tasks = [_task(path, task) for path, task in walk(plan.root)]
    steps = [task for _, task in walk(plan.root) if isinstance(task.body, Step)]
    containers = [task["name"] for task in tasks if task["local"] == "container"]
    takes, gives = plan.root.interface, plan.root.outputs
    return {
        "name": plan.name,
        "description": plan.description,
        "sdk_version": plan.sdk_version,
        "parameters": [_parameter(p) for p in takes.parameters.values()],
        "artifacts": sorted(takes.artifacts),
        "outputs": sorted(gives),
        "tasks": tasks,
        "images": sorted({step.body.image for step in steps if isinstance(step.body, Step)}),
        "backends": {
            "local": {"processes": len(steps), "containers": containers},
            "argo": {"pods": len(steps)},
            "kfp": {"pods": _kfp_pods(plan.root) + 1},
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    default = {"default": parameter.default} if parameter.has_default else {}
    literals = {"literals": list(parameter.literals)} if parameter.literals else {}
    required = not parameter.has_default and not parameter.optional
    return {"name": parameter.name, "type": str(parameter.type), "required": required, **default, **literals}


def _task(path: str, task: Task) -> dict[str, Any]:
    body = task.body
    kind = {Step: "step", Importer: "importer", Dag: "group"}[type(body)]
    local, argo = "none", "none"
    if isinstance(body, Step):
        local = "worker" if body.python else "container"
        argo = "launched" if body.python else "native or launched"
    extras = {
        "condition": task.when,
        "loop": _loop(task.loop) if task.loop else "",
        "retries": task.retry.limit if task.retry else 0,
        "cached": task.cache.enabled,
        "after": list(task.after),
    }
    image = body.image if isinstance(body, Step) else ""
    return {"name": path, "kind": kind, "image": image, "local": local, "argo": argo, **extras}


def _loop(loop: Loop) -> str:
    limit = f", {loop.parallelism} at once" if loop.parallelism else ""
    return f"over {source(loop.items)}{limit}"


def _kfp_pods(dag: Dag) -> int:
    """Pods of KFP's own backend: a driver for every group, two for a step, one iteration of a loop."""
    total = 0
    for task in (each for top in dag.tasks for each in (top, *top.on_exit)):
        if isinstance(task.body, Dag):
            total += 1 + (1 if task.loop else 0) + _kfp_pods(task.body)
        else:
            total += 1 if isinstance(task.body, Importer) else 2
    return total


def _table(plan: Plan) -> str:
    """The same for people: parameters, a table of the tasks, what each backend makes of them."""
    facts = description(plan)
    version = plan.sdk_version.removeprefix("kfp-")
    lines = [f"{plan.name}  (compiled by kfp {version})" if version else plan.name]
    lines += [f"  {summary}" for summary in plan.description.strip().splitlines()[:1]]
    for parameter in facts["parameters"]:
        default = json.dumps(parameter["default"]) if "default" in parameter else ""
        shown = default if len(default) <= SHOWN else f"{default[:SHOWN]}..."
        state = f"= {shown}" if shown else "required" if parameter["required"] else "optional"
        lines.append(f"  {parameter['name']}: {parameter['type']} {state}")
    lines += [f"  {name}: artifact" for name in facts["artifacts"]]
    lines += [_columns(facts["tasks"]), *_totals(facts["backends"])]
    return "\n".join(lines)


def _columns(tasks: list[dict[str, Any]]) -> str:
    columns = ("task", "kind", "image", "local", "argo", "notes")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for task in tasks:
        notes = [task["loop"], f"if {condition(task['condition'])}" if task["condition"] else ""]
        notes += [f"{task['retries']} retries" if task["retries"] else "", "cached" if task["cached"] else ""]
        row = {**task, "task": task["name"], "notes": ", ".join(filter(None, notes))}
        table.add_row(*(escape(row[column]) for column in columns))
    # A file or a pipe has no width: nothing is folded there.
    width = None if sys.stdout and sys.stdout.isatty() else WIDTH
    console = Console(file=io.StringIO(), width=width, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _totals(backends: dict[str, Any]) -> list[str]:
    containers = len(backends["local"]["containers"])
    local = f"local: {backends['local']['processes']} processes"
    local += f", {containers} of them need docker, podman or --host" if containers else ""
    argo, kfp = backends["argo"]["pods"], backends["kfp"]["pods"]
    return [f"{local}; Argo: {argo} pods; KFP's own backend: {kfp} pods (a loop counted once)"]
