"""What a run shows: on terminals of every kind, in a log, when much happens, and whatever steps print."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.result import RunResult, TaskRecord
from pipelines.sdk.local.scope import Status
from pipelines.sdk.progress import Progress, error_console, summary
from tests.conftest import ROOT, Sdk
from tests.local import steps

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7][0-9;]*m")


def on_terminal(arguments: list[str], width: int = 100, **env: str) -> str:
    """What a command writes to a terminal of that width."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.sdk", *arguments],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            written += os.read(ours, 65536)
        except OSError:  # the last one has closed it
            break
    os.close(ours)
    assert process.wait(60) is not None
    return written.decode()


@pytest.fixture
def console() -> Console:
    made = error_console()
    made.file = io.StringIO()
    return made


def shown(console: Console) -> str:
    return console.file.getvalue()


def result(folder: Path, *tasks: TaskRecord, **more: Any) -> RunResult:
    return RunResult(
        "r-1", "p", more.pop("status", Status.FAILED), 1.0, folder, tasks, more.pop("outputs", {})
    )


def failed(name: str, message: str = "it failed", **more: Any) -> TaskRecord:
    return TaskRecord(name, Status.FAILED, 0.5, message=message, **more)


def test_a_log_has_each_step_once_and_no_escape(sdk: Sdk, compiled):
    finished = sdk("run", compiled(steps.greets))
    assert "\x1b" not in finished.err
    assert finished.err.count("✓ who") == 1


def test_on_a_terminal_lines_come_in_place_and_in_colour(sdk: Sdk, compiled):
    written = on_terminal(["run", compiled(steps.lasts)], PIPELINES_HOME=str(sdk.home))
    assert "\x1b[2K" in written, "the line of what runs is taken back"
    assert COLOUR.search(written)
    assert ESCAPE.sub("", written).count("✓ last") == 1


def test_no_color_is_respected(sdk: Sdk, compiled):
    written = on_terminal(["run", compiled(steps.lasts)], PIPELINES_HOME=str(sdk.home), NO_COLOR="1")
    assert not COLOUR.search(written)


def test_a_dumb_terminal_gets_no_escape(sdk: Sdk, compiled):
    written = on_terminal(["run", compiled(steps.lasts)], PIPELINES_HOME=str(sdk.home), TERM="dumb")
    assert "\x1b" not in written
    assert "✓ last" in written


def test_a_very_narrow_terminal_is_no_trouble(sdk: Sdk, compiled):
    written = on_terminal(["run", compiled(steps.lasts)], width=12, PIPELINES_HOME=str(sdk.home))
    assert "SUCCEEDED" in written
    assert "Traceback" not in written


def test_the_users_traceback_is_shown_once(sdk: Sdk, compiled):
    process = sdk.start("run", compiled(steps.raises_in_a_group))
    _, err = process.communicate(timeout=60)
    assert err.count("Traceback (most recent call last)") == 1
    assert err.count('raise ValueError("no such sensor: 7")') == 1
    # once when the step ends, once with its traceback; the groups around it only name it
    assert err.count("ValueError: no such sensor: 7") == 2
    assert err.count("because of") == err.count("because of exit-handler-1/for-loop-3.0/raising") > 0


def test_text_in_brackets_is_text(console, tmp_path):
    folder = tmp_path / "[red]folder"
    folder.mkdir()
    progress = Progress(console)
    progress.opened(RunFolder(folder, "[bold]id"))
    record = failed("[blue]step", "[red]no[/red] :smile: [/]", attempts=1, outputs={"a": "[green]x"})
    log = RunFolder(folder, "r-1").log(record.name)
    log.write_text("[link=x]printed[/link]\n")
    progress.ended(record)
    summary(result(folder, record, outputs={"out": "[dim]y"}), console)
    for text in ("[red]folder", "[bold]id", "[blue]step", "[red]no[/red] :smile: [/]", "[green]x", "[dim]y"):
        assert text in shown(console), text
    assert "[link=x]printed[/link]" in shown(console)


def test_what_would_steer_a_terminal_is_shown_as_text(console, tmp_path):
    record = failed("step", "\x1b[2Jgone\rover\nnext\x07", attempts=1)
    log = RunFolder(tmp_path, "r-1").log(record.name)
    log.write_text("\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07 text\n")
    Progress(console).ended(record)
    summary(result(tmp_path, record), console)
    assert "\x1b" not in shown(console)
    assert "\x07" not in shown(console)
    assert "\\x1b[2Jgone\\rover next\\x07" in shown(console)
    assert "red" in shown(console)


def test_thousands_of_tasks_are_summed_up(console, tmp_path):
    tasks = [failed(f"loop.{n}/fit", attempts=1, outputs={"reason": "why"}) for n in range(5000)]
    for task in tasks:
        RunFolder(tmp_path, "r-1").log(task.name).write_text("line\n" * 30)
    summary(result(tmp_path, *tasks), console)
    assert shown(console).count("\n") < 300
    assert "and 4940 more; all of them are in" in shown(console)
    assert "and 4995 more failed" in shown(console)


def test_a_message_is_not_repeated_by_the_last_line_of_the_log(console, tmp_path):
    record = failed("step", "it exited with code 1: ValueError: 7", attempts=2)
    RunFolder(tmp_path, "r-1").log("step", 2).write_text("Traceback\nValueError: 7\n")
    summary(result(tmp_path, record), console)
    assert "step: it exited with code 1\n" in shown(console)
    assert shown(console).count("ValueError: 7") == 1


def test_a_closed_terminal_is_no_error(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        console = error_console()
        console.file = file
        with Progress(console) as progress:
            progress.ended(failed("step"))
        summary(result(tmp_path, failed("step")), console)
        console.file = io.StringIO()
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())  # for what it still holds
