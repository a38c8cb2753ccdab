"""What a run shows: a line a step, in place on a terminal, once in a log; a table at the end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.logs import tail
from pipelines.sdk.local.result import RunResult, TaskRecord
from pipelines.sdk.local.scope import Status
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
SHOWN_FAILURES = 5  # with their logs
SHOWN_RUNNING = 20


@dataclass
class Progress:
    """Shows a run on standard error while it goes on. Use as a context manager."""

    console: Console = field(default_factory=lambda: error_console())
    running: dict[str, float] = field(default_factory=dict)
    live: Live | None = None

    def __enter__(self) -> Progress:
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self.live = Live(
                console=self.console, get_renderable=self._running, refresh_per_second=8, transient=True
            )
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            with suppress(OSError):  # the terminal has been closed
                self.live.stop()

    def opened(self, folder: RunFolder) -> None:
        """Says which run this is."""
        self.console.print(f"run {folder.id}  ({_short(folder.path)})", soft_wrap=True)

    def started(self, path: str, task: Task) -> None:
        """A step has started; groups are not shown."""
        if isinstance(task.body, Step):
            self.running[path] = time.perf_counter()

    def ended(self, record: TaskRecord) -> None:
        """A task has ended: its line stays."""
        self.running.pop(record.name, None)
        if record.step or record.status is not Status.SUCCEEDED:
            self.console.print(_line(record), soft_wrap=True)

    def _running(self) -> Group:
        now = time.perf_counter()
        rows = sorted(self.running.items(), key=lambda each: each[1])[:SHOWN_RUNNING]
        texts = (
            Text(f"{_clean(path)}  {now - since:.0f} s", no_wrap=True, overflow="ellipsis")
            for path, since in rows
        )
        return Group(*(Spinner("dots", text) for text in texts))


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more: the run goes on, where rich would end the process with code 1."""
        self.quiet = True


def error_console() -> Console:
    """Standard error; a log has no width of its own, and wrapped lines are hard to search in.

    Nothing that a step or a user has written is taken for rich's markup.
    """
    width = None if sys.stderr.isatty() else LOG_WIDTH
    return _Console(file=sys.stderr, highlight=False, markup=False, emoji=False, width=width)


def _line(record: TaskRecord) -> Text:
    note = "cached" if record.cached else f"{record.seconds:.2f} s"
    if record.attempts > 1:
        note += f", attempt {record.attempts}"
    text = Text(f"{MARKS[record.status]} {_clean(record.name)}", style=STYLES[record.status])
    text.append(f"  {note}", style="dim")
    if record.status is not Status.SUCCEEDED and (why := _why(record)):
        text.append(f"  {why}")
    return text


def _why(record: TaskRecord) -> str:
    """A group names the task that it failed for; what went wrong there is said once, of that task."""
    return f"because of {_clean(record.culprit)}" if record.culprit else _clean(record.message)


def summary(result: RunResult, console: Console) -> None:
    """The table at the end, the last words of what failed, and the outputs of the pipeline.

    Args:
        result: of the run.
        console: to print on; see error_console.
    """
    with suppress(OSError):  # the terminal has been closed
        shown = [record for record in result.tasks if record.step or record.status is not Status.SUCCEEDED]
        console.print(_table(shown[:SHOWN_TASKS]))
        if len(shown) > SHOWN_TASKS:
            where = f"{_short(result.folder)}/run.json"
            console.print(f"... and {len(shown) - SHOWN_TASKS} more; all of them are in {where}")
        _failures([r for r in shown if r.status is Status.FAILED and not r.culprit], result, console)
        _verdicts(shown, console)
        for note in result.notes:
            console.print(f"note: {_clean(note)}", soft_wrap=True)
        counts = f"{len(result.tasks)} tasks, imports {result.preload_seconds:.1f} s"
        style = STYLES[result.status]
        console.print(Text(f"{result.status} in {result.seconds:.1f} s", style=style), f"({counts})")
        for name, value in result.outputs.items():
            console.print(f"  {name} = {_cut(json.dumps(value), 200)}", soft_wrap=True)


def _table(records: Iterable[TaskRecord]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("task", overflow="ellipsis", no_wrap=True, ratio=None)
    table.add_column("status", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("outputs", overflow="ellipsis", no_wrap=True)
    for record in records:
        status = "cached" if record.cached else str(record.status).lower()
        shown = Text(status, style=STYLES[record.status])
        table.add_row(Text(_clean(record.name)), shown, f"{record.seconds:.2f}", Text(_outputs(record)))
    return table


def _verdicts(records: Iterable[TaskRecord], console: Console) -> None:
    """What steps have decided, and where their pages are: the outputs made for people."""
    lines = []
    for record in records:
        reason = record.outputs.get("reason")
        if isinstance(reason, str):
            lines.append(f"{record.name}: {reason}")
        for value in record.outputs.values():
            if isinstance(value, dict) and _is_artifact(value) and value["type"]["schemaTitle"] in PAGES:
                lines.append(f"{record.name}: see {_short(Path(value['uri']))}")
    for line in lines[:SHOWN_TASKS]:
        console.print(_clean(line), soft_wrap=True)


def _outputs(record: TaskRecord) -> str:
    plain = {name: value for name, value in record.outputs.items() if not _is_artifact(value)}
    return _cut(", ".join(f"{name}={json.dumps(value)}" for name, value in plain.items()), 80)


def _is_artifact(value: object) -> bool:
    return isinstance(value, dict) and {"uri", "type", "name"} <= value.keys()


def _failures(records: list[TaskRecord], result: RunResult, console: Console) -> None:
    """What failed, with the last lines of its log: the author's own traceback."""
    for record in records[:SHOWN_FAILURES]:
        log = RunFolder(result.folder, result.run).log_of(record.name, max(record.attempts, 1))
        text = tail(log, LOG_LINES) if record.attempts else ""
        # The message ends with the log's last line, which is not to be read twice.
        last = text.splitlines()[-1] if text else ""
        said = record.message.removesuffix(last).rstrip(": ") if last else record.message
        console.print(Text(f"{_clean(record.name)}: {_clean(said)}", style="red"), soft_wrap=True)
        for line in text.splitlines():
            console.print(Text("    ") + Text.from_ansi(line), soft_wrap=True)
        if record.attempts:
            console.print(f"    log: {_short(log)}", soft_wrap=True)
    if len(records) > SHOWN_FAILURES:
        console.print(f"... and {len(records) - SHOWN_FAILURES} more failed")


def _clean(text: str) -> str:
    """Text on one line that cannot steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text.replace("\n", " "))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _short(path: Path) -> str:
    """The path as seen from here, where that is shorter."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
