"""`inspect`: what a compiled pipeline consists of, and what each backend makes of it."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from pipelines.sdk import ir
from pipelines.sdk.plan import Dag, Importer, Plan, Step, Task, walk
from pipelines.sdk.values import Parameter


def command() -> click.Command:
    """`inspect FILE.yaml [--json]`."""

    @click.command("inspect", help="Show the tasks, parameters and images of a compiled pipeline.")
    @click.argument("file")
    @click.option("--json", "as_json", is_flag=True, help="Print it as JSON, alone, on stdout.")
    def inspect_command(file: str, as_json: bool) -> None:
        plan = ir.read_file(file)
        if as_json:
            json.dump(description(plan), sys.stdout, indent=2)
            sys.stdout.write("\n")
        else:
            _print(plan, Console(highlight=False))

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
        "loop": f"over {task.loop.items}" if task.loop else "",
        "retries": task.retry.limit if task.retry else 0,
        "cached": task.cache.enabled,
        "after": list(task.after),
    }
    image = body.image if isinstance(body, Step) else ""
    return {"name": path, "kind": kind, "image": image, "local": local, "argo": argo, **extras}


def _kfp_pods(dag: Dag) -> int:
    """Pods of KFP's own backend, a loop counted as one iteration: a driver for every group, two for a step."""
    total = 0
    for task in (each for top in dag.tasks for each in (top, *top.on_exit)):
        if isinstance(task.body, Dag):
            total += 1 + (1 if task.loop else 0) + _kfp_pods(task.body)
        else:
            total += 1 if isinstance(task.body, Importer) else 2
    return total


def _print(plan: Plan, console: Console) -> None:
    facts = description(plan)
    console.print(f"{plan.name}  (kfp {plan.sdk_version.removeprefix('kfp-') or '?'})", markup=False)
    for parameter in facts["parameters"]:
        default = json.dumps(parameter["default"]) if "default" in parameter else ""
        state = f"= {default}" if default else "required" if parameter["required"] else "optional"
        console.print(f"  {parameter['name']}: {parameter['type']} {state}", markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("task", "kind", "image", "local", "argo"):
        table.add_column(column, overflow="fold")
    for task in facts["tasks"]:
        table.add_row(*(task[key] for key in ("name", "kind", "image", "local", "argo")))
    console.print(table)
    pods = facts["backends"]
    console.print(
        f"local: {pods['local']['processes']} processes; Argo: {pods['argo']['pods']} pods; "
        f"KFP's own backend: {pods['kfp']['pods']} pods (a loop counted once)"
    )
