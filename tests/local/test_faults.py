"""What can go wrong on this machine, and what the user reads then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Finished, Sdk
from tests.local import steps


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or after
        return False
    return state != "Z"


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def failed(finished: Finished, task: str) -> str:
    assert finished.code == 1
    assert finished.json["status"] == "FAILED"
    record = finished.task(task)
    assert record["status"] == "FAILED"
    return record["message"]


def test_a_step_that_raises_shows_its_last_line_and_stops_what_needs_it(sdk: Sdk, compiled) -> None:
    process = sdk.start("run", compiled(steps.raises), "--json")
    out, err = process.communicate(timeout=60)
    finished = Finished(process.returncode, out, err)
    assert "ValueError: no such sensor: 7" in failed(finished, "raising")
    assert finished.task("after")["status"] == "SKIPPED"
    assert 'raise ValueError("no such sensor: 7")' in err, "the author's own line"
    assert "executor.py" not in err, "and nobody else's"


def test_a_step_that_exits_3_is_said_to_have_exited_with_3(sdk: Sdk, compiled) -> None:
    assert "exited with code 3" in failed(sdk("run", compiled(steps.exits), "--json"), "exiting")


def test_a_step_that_exits_0_without_a_result_is_no_success_where_it_owes_one(sdk: Sdk, compiled) -> None:
    finished = sdk("run", compiled(steps.exits), "-p", "code=0", "--json")
    assert finished.code == 0, "it owes none"


def test_a_worker_killed_in_mid_step_fails_that_step(sdk: Sdk, compiled) -> None:
    assert "SIGKILL" in failed(sdk("run", compiled(steps.is_killed), "--json"), "killed")


def test_a_zygote_that_is_killed_fails_the_run_and_leaves_nothing(sdk: Sdk, compiled, tmp_path: Path) -> None:
    started, closed = tmp_path / "started", tmp_path / "closed"
    process = sdk.start(
        "run", compiled(steps.sleeps), "-p", f"started={started}", "-p", f"closed={closed}", "--json"
    )
    wait_for(lambda: started.exists() and started.read_text().count(" ") == 1)
    step, child = map(int, started.read_text().split())
    zygote = int(Path(f"/proc/{step}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(zygote, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert json.loads(out)["status"] == "FAILED"
    wait_for(lambda: not alive(step) and not alive(child))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_every_child_and_runs_the_exit_handler(
    number, sdk: Sdk, compiled, tmp_path: Path
) -> None:
    started, closed = tmp_path / "started", tmp_path / "closed"
    process = sdk.start(
        "run", compiled(steps.sleeps), "-p", f"started={started}", "-p", f"closed={closed}", "--json"
    )
    wait_for(lambda: started.exists() and started.read_text().count(" ") == 1)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert json.loads(out)["status"] == "CANCELLED"
    assert json.loads(closed.read_text())[0] == "CANCELLED"
    assert not any(alive(int(pid)) for pid in started.read_text().split())


def test_a_runner_that_is_killed_leaves_no_step_behind(sdk: Sdk, compiled, tmp_path: Path) -> None:
    started = tmp_path / "started"
    arguments = ("-p", f"started={started}", "-p", f"closed={tmp_path / 'closed'}")
    process = sdk.start("run", compiled(steps.sleeps), *arguments)
    wait_for(lambda: started.exists() and started.read_text().count(" ") == 1)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not any(alive(int(pid)) for pid in started.read_text().split()))


def test_what_a_step_leaves_running_is_ended_with_it(sdk: Sdk, compiled, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    assert sdk("run", compiled(steps.leaves_a_child), "-p", f"pid_file={pid_file}").code == 0
    wait_for(lambda: not alive(int(pid_file.read_text())))


def test_two_runs_at_once_in_one_folder_do_not_meet(sdk: Sdk, compiled) -> None:
    file = compiled(steps.greets)
    processes = [sdk.start("run", file, "--json", "-p", f"name=n{i}") for i in range(4)]
    outputs = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert [each["outputs"]["Output"] for each in outputs] == ["n0", "n1", "n2", "n3"]
    assert len({each["run"] for each in outputs}) == 4 == len(sdk.runs())


def test_fifty_megabytes_of_log_are_kept_and_stop_nothing(sdk: Sdk, compiled) -> None:
    finished = sdk("run", compiled(steps.chats), "--json")
    assert finished.code == 0
    assert (Path(finished.json["folder"]) / "logs" / "chatty.log").stat().st_size == 50 * 1024 * 1024


def test_a_parameter_of_40_kilobytes_is_refused_where_it_is_made(sdk: Sdk, compiled) -> None:
    message = failed(sdk("run", compiled(steps.long_parameter), "--json"), "long-text")
    assert "Output" in message
    assert "artifact" in message


@pytest.mark.parametrize("kind", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_refused_where_it_is_made(kind: str, sdk: Sdk, compiled) -> None:
    assert "Output" in failed(
        sdk("run", compiled(steps.odd_number), "-p", f"kind={kind}", "--json"), "number"
    )


def test_a_lone_surrogate_is_refused_where_it_is_made(sdk: Sdk, compiled) -> None:
    assert "surrogate" in failed(sdk("run", compiled(steps.odd_text), "--json"), "surrogate")


def test_an_unwritable_home_is_said_before_anything_starts(sdk: Sdk, compiled, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finished = sdk("run", compiled(steps.greets), PIPELINES_HOME=str(tmp_path / "file" / "home"))
    assert finished.code == 4
    assert "PIPELINES_HOME" in finished.err


def test_forked_steps_do_not_draw_the_same_random_numbers(sdk: Sdk, compiled) -> None:
    drawn = sdk("run", compiled(steps.draws), "--json").json["outputs"]["Output"]
    assert len(set(drawn)) == 4


def test_a_package_that_is_not_installed_is_said_before_anything_starts(sdk: Sdk, compiled) -> None:
    finished = sdk("run", compiled(steps.packs))
    assert finished.code == 4
    assert "no-such-package-as-this==1.0" in finished.err
    assert not sdk.runs()


def test_a_container_component_without_an_engine_is_said_before_anything_starts(sdk: Sdk, compiled) -> None:
    finished = sdk("run", compiled(steps.contained), PATH="/nonexistent")
    assert finished.code == 4
    assert "--host" in finished.err
    assert not sdk.runs()


def test_every_wrong_parameter_is_in_one_message(sdk: Sdk, compiled) -> None:
    wrong = {"ratio": "much", "flag": "perhaps", "items": "{}", "options": "[1", "texd": "b"}
    pairs = [text for name, value in wrong.items() for text in ("-p", f"{name}={value}")]
    finished = sdk("run", compiled(steps.typed), *pairs)
    assert finished.code == 2
    for name in ("count", *wrong):
        assert f"parameter {name}" in finished.err
    assert "did you mean 'text'?" in finished.err
    assert not sdk.runs()


def test_a_command_line_that_is_no_pair_is_refused(sdk: Sdk, compiled) -> None:
    finished = sdk("run", compiled(steps.greets), "-p", "name")
    assert finished.code == 2
    assert "NAME=VALUE" in finished.err


def test_json_is_alone_on_standard_output(sdk: Sdk, compiled) -> None:
    finished = sdk("run", compiled(steps.greets), "--json")
    assert set(finished.json) >= {"run", "status", "seconds", "tasks", "outputs"}
    assert set(finished.task("who")) >= {"name", "status", "seconds", "outputs"}


def test_spawned_steps_give_what_forked_ones_give(sdk: Sdk, compiled) -> None:
    file = compiled(steps.greets)
    forked, spawned = (
        sdk("run", file, "--json", "--no-cache", PIPELINES_START=how) for how in ("fork", "spawn")
    )
    assert forked.json["outputs"] == spawned.json["outputs"] == {"Output": "world"}


def test_a_variable_of_a_step_counts_as_if_python_had_started_with_it(sdk: Sdk, compiled) -> None:
    finished = sdk("run", compiled(steps.tells_times), "--json")
    assert finished.json["outputs"] == {"here": "00:00", "there": "03:30"}


def test_no_process_is_left_after_a_run(sdk: Sdk, compiled) -> None:
    sdk("run", compiled(steps.greets))
    found = subprocess.run(["pgrep", "-f", str(sdk.home)], capture_output=True, text=True).stdout
    assert not found
