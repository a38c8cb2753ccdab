"""Ctrl-C and its relatives, at every moment of a run: what still runs, what is left, what is said."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Sdk
from tests.local import steps
from tests.local.test_faults import alive, wait_for


def below(pid: int) -> set[int]:
    """The processes that a process has started, and those have, and so on."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
    parents = {int(line.split()[0]): int(line.split()[1]) for line in listing.splitlines()}
    found, new = set[int](), {pid}
    while new:
        found |= new
        new = {child for child, parent in parents.items() if parent in new} - found
    return found - {pid}


class Running:
    """A run in a process of its own, and all it has started."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.children: set[int] = set()

    def signal(self, number: int = signal.SIGINT) -> None:
        self.children |= below(self.process.pid)
        self.process.send_signal(number)

    def ended(self) -> tuple[int, dict[str, Any], str]:
        out, err = self.process.communicate(timeout=60)
        assert "Traceback" not in err, err
        assert "never retrieved" not in err, err
        wait_for(lambda: not any(alive(pid) for pid in self.children))
        return self.process.returncode, json.loads(out) if out else {}, err


@pytest.fixture
def starts(sdk: Sdk, compiled, tmp_path: Path) -> Iterator[Any]:
    """Starts a pipeline, with modules of its own on the path."""
    started: list[Running] = []

    def start(pipeline: Any, env: dict[str, str] | None = None, **parameters: object) -> Running:
        pairs = [text for name, value in parameters.items() for text in ("-p", f"{name}={value}")]
        path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
        process = sdk.start("run", compiled(pipeline), "--json", *pairs, **{**path, **(env or {})})
        started.append(Running(process))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()


def states(report: dict[str, Any]) -> dict[str, str]:
    return {task["name"]: task["status"] for task in report["tasks"]}


@pytest.fixture
def slow_import(tmp_path: Path) -> Path:
    """The module `slow_to_import` says in this file that its import has begun; it takes minutes."""
    marker = tmp_path / "importing"
    (tmp_path / "slow_to_import.py").write_text(
        f"import pathlib, time\npathlib.Path({str(marker)!r}).touch()\ntime.sleep(300)\n"
    )
    return marker


def test_ctrl_c_during_a_long_import_does_not_wait_for_it(starts, slow_import, tmp_path):
    run = starts(steps.imports_for_long, closed=tmp_path / "closed")
    wait_for(slow_import.exists)
    run.signal()
    code, report, _ = run.ended()
    assert code == 130
    assert json.loads((tmp_path / "closed").read_text())[0] == "CANCELLED", "the exit handler has run"
    assert states(report)["exit-handler-1/import-slowly"] == "CANCELLED"


def test_ctrl_c_while_the_mlflow_store_is_made(starts, sdk, tmp_path):
    sdk.home.mkdir()
    with (sdk.home / "mlflow.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else makes it, and does not come to an end
        run = starts(steps.tracks)
        wait_for(lambda: any(path.stat().st_size == 0 for path in sdk.home.glob("runs/*/logs/mlflow.log")))
        run.signal()
        code, report, _ = run.ended()
    assert code == 130
    assert states(report) == {"track": "CANCELLED"}


def test_a_second_ctrl_c_ends_the_exit_handler_too(starts, tmp_path):
    run = starts(steps.closes_for_ever, started=tmp_path / "started", closing=tmp_path / "closing")
    wait_for((tmp_path / "started").exists)
    run.signal()
    wait_for((tmp_path / "closing").exists)
    run.signal()
    code, report, err = run.ended()
    assert code == 130
    assert "exit handlers still run" in err
    assert states(report)["close-for-ever"] == "CANCELLED"


def test_ctrl_c_twice_in_a_row_ends_at_once(starts, tmp_path):
    run = starts(steps.closes_for_ever, started=tmp_path / "started", closing=tmp_path / "closing")
    wait_for((tmp_path / "started").exists)
    run.signal()
    run.signal()
    code, report, _ = run.ended()
    assert code == 130
    assert report["status"] == "CANCELLED"


def test_ctrl_c_while_a_step_waits_to_be_tried_again(starts, tmp_path):
    run = starts(steps.tries_again, counts=tmp_path / "counts")
    wait_for((tmp_path / "counts").exists)
    run.signal()
    code, report, _ = run.ended()
    assert code == 130
    assert states(report) == {"fail-and-count": "CANCELLED"}


def test_a_terminal_that_closes_ends_the_run_in_order(starts, tmp_path):
    run = starts(steps.sleeps, started=tmp_path / "started", closed=tmp_path / "closed")
    wait_for(lambda: (tmp_path / "started").exists())
    run.process.stderr.close()
    run.signal(signal.SIGHUP)
    out = run.process.stdout.read()
    assert run.process.wait(60) == 130
    assert json.loads(out)["status"] == "CANCELLED"
    assert json.loads((tmp_path / "closed").read_text())[0] == "CANCELLED"
    wait_for(lambda: not any(alive(pid) for pid in run.children))


@contextmanager
def ignoring(number: int) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_nohup_is_respected(starts, tmp_path):
    with ignoring(signal.SIGHUP):
        run = starts(steps.sleeps, started=tmp_path / "started", closed=tmp_path / "closed")
    wait_for(lambda: (tmp_path / "started").exists() and " " in (tmp_path / "started").read_text())
    run.signal(signal.SIGHUP)
    step, _ = map(int, (tmp_path / "started").read_text().split())
    run.signal(signal.SIGINT)
    code, _, err = run.ended()
    assert code == 130
    assert err.count("exit handlers still run") == 1, "only Ctrl-C has stopped it"
    assert not alive(step)


def test_a_runs_folder_that_vanishes_is_said_and_leaves_no_process(starts, sdk, tmp_path):
    run = starts(steps.waits_then_goes_on, started=tmp_path / "started", go=tmp_path / "go")
    wait_for((tmp_path / "started").exists)
    run.children |= below(run.process.pid)
    (folder,) = sdk.runs()
    shutil.rmtree(folder)
    folder.write_text("")  # so that nobody makes it again
    (tmp_path / "go").touch()
    code, report, err = run.ended()
    assert code == 1
    assert states(report)["after"] in {"FAILED", "SKIPPED"}
    assert "run.json cannot be written" in err
    assert str(folder) in err


def test_a_step_that_spoils_its_own_result_fails(sdk: Sdk, compiled):
    finished = sdk("run", compiled(steps.spoils), "--json")
    assert finished.code == 1
    assert "left no whole result" in finished.task("spoil-result")["message"]


def test_a_step_that_is_killed_after_its_work_was_done_has_failed(sdk: Sdk, compiled):
    finished = sdk("run", compiled(steps.dies_late), "--json")
    assert finished.code == 1
    assert "SIGKILL" in finished.task("die-late")["message"]
    assert "after its work was done" in finished.task("die-late")["message"]


def test_attempts_have_logs_and_folders_of_their_own(sdk: Sdk, compiled, tmp_path):
    pairs = ("-p", f"counts={tmp_path / 'counts'}")
    finished = sdk("run", compiled(steps.tries_thrice), *pairs, "--json", "--no-cache")
    assert finished.code == 0, finished.err
    assert finished.task("fail-and-count")["attempts"] == 3
    logs = {path.name: path.read_text() for path in Path(finished.json["folder"], "logs").glob("fail*")}
    assert set(logs) == {f"fail-and-count{n}.log" for n in ("", "~attempt-2", "~attempt-3")}
    assert "attempt 1 fails" in logs["fail-and-count.log"]
    assert "attempt 2 fails" in logs["fail-and-count~attempt-2.log"]
    assert logs["fail-and-count~attempt-3.log"] == ""


def test_a_run_inside_a_running_loop_works_as_in_a_notebook(sdk: Sdk, compiled, tmp_path):
    program = tmp_path / "notebook.py"
    program.write_text(
        "import asyncio, pathlib, sys\n"
        "from pipelines.sdk import ir\n"
        "from pipelines.sdk.local.run import Options, run\n"
        "async def cell():\n"
        "    plan = ir.read_file(sys.argv[1])\n"
        "    given = {'started': sys.argv[3], 'closed': sys.argv[4]}\n"
        "    return run(plan, given, Options(pathlib.Path(sys.argv[2]), 2, True)).status\n"
        "loop = asyncio.new_event_loop()\n"  # as ipykernel has one: Ctrl-C is a KeyboardInterrupt there
        "print(loop.run_until_complete(cell()))\n"
    )
    started, closed = tmp_path / "started", tmp_path / "closed"
    process = subprocess.Popen(
        [sys.executable, str(program), compiled(steps.sleeps), str(sdk.home), str(started), str(closed)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    run = Running(process)
    wait_for(lambda: started.exists() and " " in started.read_text())
    run.signal()
    out, _ = process.communicate(timeout=60)
    assert out.strip() == "CANCELLED"
    assert json.loads(closed.read_text())[0] == "CANCELLED"
    wait_for(lambda: not any(alive(pid) for pid in run.children))
