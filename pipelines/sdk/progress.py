"""What a run shows: a line a step, in place on a terminal, once in a log; a table at the end."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.run import RunResult, TaskRecord
from pipelines.sdk.local.scope import Status
from pipelines.sdk.local.steps import tail
from pipelines.sdk.plan import Step, Task

MARKS = {Status.SUCCEEDED: "✓", Status.FAILED: "✗", Status.SKIPPED: "-", Status.CANCELLED: "■"}
STYLES = {
    Status.SUCCEEDED: "green",
    Status.FAILED: "bold red",
    Status.SKIPPED: "dim",
    Status.CANCELLED: "yellow",
}
LOG_LINES = 12  # of a failed step, shown after the table
LOG_WIDTH = 200  # characters, where the output is no terminal
PAGES = frozenset({"system.HTML", "system.Markdown"})
SHOWN_TASKS = 60  # in the table; a loop over thousands is summed up


@dataclass
class Progress:
    """Shows a run on standard error while it goes on. Use as a context manager."""

    console: Console = field(default_factory=lambda: error_console())
    running: dict[str, float] = field(default_factory=dict)
    live: Live | None = None
    folder: RunFolder | None = None

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self.live = Live(
                console=self.console, get_renderable=self._running, refresh_per_second=8, transient=True
            )
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def opened(self, folder: RunFolder) -> None:
        """Says which run this is."""
        self.folder = folder
        self.console.print(f"run {folder.id}  ({_short(folder.path)})", soft_wrap=True)

    def started(self, path: str, task: Task) -> None:
        """A step has started; groups are not shown."""
        if isinstance(task.body, Step) and not task.loop:
            self.running[path] = time.perf_counter()

    def ended(self, record: TaskRecord) -> None:
        """A task has ended: its line stays."""
        self.running.pop(record.name, None)
        if record.step or record.status is not Status.SUCCEEDED:
            self.console.print(_line(record), soft_wrap=True)

    def _running(self) -> Group:
        now = time.perf_counter()
        rows = sorted(self.running.items(), key=lambda each: each[1])[:20]
        return Group(*(Spinner("dots", Text(f"{path}  {now - since:.0f} s")) for path, since in rows))


def error_console() -> Console:
    """Standard error; a log has no width of its own, and wrapped lines are hard to search in."""
    console = Console(file=sys.stderr, highlight=False)
    return console if console.is_terminal else Console(file=sys.stderr, highlight=False, width=LOG_WIDTH)


def _line(record: TaskRecord) -> Text:
    note = "cached" if record.cached else f"{record.seconds:.2f} s"
    text = Text(f"{MARKS[record.status]} {record.name}", style=STYLES[record.status])
    text.append(f"  {note}", style="dim")
    if record.message and record.status is not Status.SUCCEEDED:
        text.append(f"  {record.message}")
    return text


def summary(result: RunResult, console: Console) -> None:
    """The table at the end, the last words of what failed, and the outputs of the pipeline.

    Args:
        result: of the run.
        console: to print on.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, justify in (("task", "left"), ("status", "left"), ("seconds", "right"), ("outputs", "left")):
        table.add_column(column, justify=justify, overflow="ellipsis", no_wrap=True)  # type: ignore[arg-type]
    shown = [record for record in result.tasks if record.step or record.status is not Status.SUCCEEDED]
    for record in shown[:SHOWN_TASKS]:
        status = "cached" if record.cached else str(record.status).lower()
        style = STYLES[record.status]
        table.add_row(record.name, Text(status, style=style), f"{record.seconds:.2f}", _outputs(record))
    console.print(table)
    if len(shown) > SHOWN_TASKS:
        console.print(
            f"... and {len(shown) - SHOWN_TASKS} more; all of them are in {_short(result.folder)}/run.json"
        )
    for record in shown:
        if record.status is Status.FAILED and record.step:
            _last_words(record, result, console)
    for record in shown:
        _verdict(record, console)
    counts = f"{len(result.tasks)} tasks, imports {result.preload_seconds:.1f} s"
    style = STYLES[result.status]
    console.print(Text(f"{result.status} in {result.seconds:.1f} s", style=style), f"({counts})")
    for name, value in result.outputs.items():
        console.print(f"  {name} = {_cut(json.dumps(value), 200)}", markup=False)


def _verdict(record: TaskRecord, console: Console) -> None:
    """What a step has decided, and where its pages are: the outputs made for people."""
    reason = record.outputs.get("reason")
    if isinstance(reason, str):
        console.print(f"{record.name}: {reason}", markup=False, soft_wrap=True)
    for value in record.outputs.values():
        if isinstance(value, dict) and _is_artifact(value) and value["type"]["schemaTitle"] in PAGES:
            console.print(f"{record.name}: see {_short(Path(value['uri']))}", markup=False, soft_wrap=True)


def _outputs(record: TaskRecord) -> str:
    plain = {name: value for name, value in record.outputs.items() if not _is_artifact(value)}
    return _cut(", ".join(f"{name}={json.dumps(value)}" for name, value in plain.items()), 80)


def _is_artifact(value: object) -> bool:
    return isinstance(value, dict) and {"uri", "type", "name"} <= value.keys()


def _last_words(record: TaskRecord, result: RunResult, console: Console) -> None:
    log = RunFolder(result.folder, result.run).log(record.name)
    console.print(Text(f"{record.name}: {record.message}", style="red"))
    text = tail(log, LOG_LINES)
    if text:
        console.print("".join(f"    {line}\n" for line in text.splitlines()), end="", markup=False)
    console.print(f"    log: {_short(log)}", markup=False)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _short(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
