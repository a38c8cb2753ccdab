"""Pods of a run that took place: ours, and those of KFP's own backend by its rules; and tables of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.sdk.argo import Options, emit
from pipelines.sdk.plan import Dag, Importer, Plan, Task, walk

README = Path(__file__).resolve().parents[2] / "README.md"
NIGHTS = ("train, the gate lets the model pass", "train again, the champion stays")
HEAD = "| run | steps | our pods | pods of KFP's own backend |\n|---|---|---|---|"
NOT_STARTED = "not started"
REFUSED = "refused"
"""In place of KFP's pods: its backend compiles no loop over artifacts."""

Records = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Pods:
    """What a run took.

    Args:
        steps: container steps that ran, each iteration's own.
        ours: pods on plain Argo: one for each attempt of a step.
        kfp: pods of KFP's backend; None where it refuses the pipeline.
    """

    steps: int
    ours: int
    kfp: int | None


def count(plan: Plan, tasks: Iterable[Mapping[str, Any]]) -> Pods:
    """Counts the pods of a run.

    Args:
        plan: the pipeline.
        tasks: of the report of a local run, groups among them.
    """
    records = {task["name"]: task for task in tasks}
    # What becomes a pod on Argo is what the compiler says, not what a plan has.
    leaves = {step.name for step in emit(plan, Options()).steps}
    attempts = [
        record.get("attempts", 1)
        for name, record in records.items()
        if re.sub(r"\.\d+(?=/|$)", "", name) in leaves and _ran(record)
    ]
    refused = any(task.loop and task.loop.over_artifacts for _, task in walk(plan.root))
    return Pods(len(attempts), sum(attempts), None if refused else 1 + _kfp_group(plan.root, records, ""))


def _ran(record: Mapping[str, Any] | None) -> bool:
    return record is not None and record["status"] not in ("SKIPPED", "CANCELLED")


def _kfp_group(dag: Dag, records: Records, prefix: str) -> int:
    """Pods of what is in a group; its own driver is not among them."""
    tasks = [each for task in dag.tasks for each in (task, *task.on_exit)]
    return sum(_kfp_task(task, records, f"{prefix}{task.name}") for task in tasks)


def _kfp_task(task: Task, records: Records, path: str) -> int:
    record = records.get(path)
    if record is None or record["status"] == "CANCELLED" or record.get("message", "").startswith(NOT_STARTED):
        return 0
    if not _ran(record):
        return 1  # a driver that found the condition false
    if task.loop is None:
        return _kfp_once(task, records, path)
    # One driver counts the items; each iteration is a group of its own, or a step.
    return 1 + sum(_kfp_once(task, records, at) for at in _iterations(path, records))


def _kfp_once(task: Task, records: Records, path: str) -> int:
    if isinstance(task.body, Importer):
        return 1  # driver and importer in one
    if isinstance(task.body, Dag):
        return 1 + _kfp_group(task.body, records, f"{path}/")
    record = records[path]
    return 1 + (record.get("attempts", 1) if _ran(record) else 0)


def _iterations(path: str, records: Records) -> list[str]:
    """Paths of a loop's iterations."""
    found = (re.match(rf"{re.escape(path)}\.\d+(?=/|$)", name) for name in records)
    return sorted({match[0] for match in found if match})


def row(name: str, pods: Pods) -> str:
    """A line of a table."""
    return f"| {name} | {pods.steps} | {pods.ours} | {REFUSED if pods.kfp is None else pods.kfp} |"


def total(rows: Iterable[str]) -> str:
    """The line that sums up the lines of a table; what KFP refuses counts on neither side."""
    counted = [cells for cells in map(_cells, rows) if cells[3] != REFUSED]
    steps, ours, kfp = (sum(int(cells[column]) for cells in counted) for column in (1, 2, 3))
    return f"| {len(counted)} runs of `tests/conformance` | {steps} | {ours} | {kfp} |"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(nights: Iterable[str], cases: Iterable[str]) -> str:
    """Both tables as Markdown: the train pipeline and the sum, and folded every conformance run."""
    cases = list(cases)
    short = [HEAD, *nights, total(cases)]
    folded = ["<details>", "<summary>Each of these runs</summary>", "", HEAD, *cases, "", "</details>"]
    return "\n".join([*short, "", *folded])


def in_readme() -> str:
    """The tables as README.md has them."""
    return around()[1]


def around() -> tuple[str, str, str]:
    """README.md before the tables, the tables, and what comes after them."""
    before, opening, rest = README.read_text(encoding="utf-8").partition("<!-- make pods -->\n")
    inside, closing, after = rest.partition("\n<!-- end -->")
    if not opening or not closing:
        raise SystemExit("README.md has no place for the tables: <!-- make pods --> ... <!-- end -->")
    return before + opening, inside, closing + after
