"""Local deployment with real, detached servers."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipelines.sdk.errors import EnvironmentProblem, PipelineError, UsageError
from pipelines.sdk.serving import client, local, processes, state
from tests.serving.conftest import ROOT

TABLE = {"columns": ["temp"], "data": [[12.8]]}


def servers_of(home):
    """Processes, of any parent, whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            ours = b"pipelines.sdk.serving" in command and any(str(home).encode() in part for part in command)
            if ours and not zombie:
                found.append(int(entry.name))
    return found


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def home(tmp_path):
    """A folder for the state; whatever a test left running is ended by its number."""
    yield tmp_path
    for pid in servers_of(tmp_path):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(home, models):
    def starter(run_id, model="station", version="1", **options):
        return local.start_challenger("weather", str(models / model), version, run_id, home=home, **options)

    return starter


def files(home):
    return sorted(f.name for f in (home / "serving" / "weather").iterdir() if f.name not in ("lock", "logs"))


def test_a_challenger_comes_up_beside_who_serves_and_a_switch_ends_the_old_one(home, start):
    first = start("run-1")
    assert local.current("weather", home=home) is None
    assert local.challenger("weather", "run-1", home=home) == first
    local.switch("weather", first, home=home)
    assert local.current("weather", home=home) == first
    assert local.challenger("weather", "run-1", home=home) is None

    second = start("run-2", version="2")
    assert local.current("weather", home=home) == first
    assert sorted(servers_of(home)) == sorted([first.pid, second.pid])
    local.switch("weather", second, home=home)
    local.switch("weather", second, home=home)  # a step that is repeated
    assert local.current("weather", home=home) == second
    assert servers_of(home) == [second.pid]
    assert client.predict(second.url, TABLE) == client.predict(
        second.url, TABLE, protocol="v2", model="weather"
    )
    assert json.loads((home / "serving/weather/endpoint.json").read_text())["url"] == second.url

    third = start("run-3")
    local.discard("weather", "run-3", home=home)
    local.discard("weather", "run-3", home=home)
    local.discard("weather", "run-2", home=home)  # serves: not a challenger any more
    assert servers_of(home) == [second.pid] != [third.pid]
    local.stop("weather", home=home)
    assert (servers_of(home), files(home), local.current("weather", home=home)) == ([], [], None)
    local.stop("weather", home=home)


def test_stop_ends_challengers_too_and_only_those_of_its_service(home, start, models):
    start("run-1")
    start("run-2")
    other = local.ensure("rain", str(models / "block"), "", home=home)
    local.stop("weather", home=home)
    assert servers_of(home) == [other.pid]
    assert local.ensure("rain", str(models / "block"), "", home=home) == other
    again = local.ensure("rain", str(models / "station"), "", home=home)
    assert (servers_of(home), local.current("rain", home=home)) == ([again.pid], again)
    local.stop("rain", home=home)


def test_a_second_challenger_of_a_run_replaces_the_first_and_old_logs_go(home, start):
    logs = home / "serving/weather/logs"
    logs.mkdir(parents=True)
    for i in range(40):
        (logs / f"{i}.log").write_text("old")
        os.utime(logs / f"{i}.log", (i, i))
    start("run-1")
    second = start("run-1")
    kept = {log.name for log in logs.iterdir()}
    assert len(kept) == 20
    assert "39.log" in kept
    assert "0.log" not in kept
    assert servers_of(home) == [second.pid]
    assert local.challenger("weather", "run-1", home=home) == second


def test_a_model_that_cannot_be_loaded_leaves_no_process_and_says_why(home, models):
    broken = home / "broken"
    shutil.copytree(models / "station", broken)
    (broken / "model.pkl").write_bytes(b"not a pickle")
    with pytest.raises(PipelineError) as caught:
        local.start_challenger("weather", str(broken), "1", "run-1", home=home)
    assert "the server ended before it was ready" in str(caught.value)
    assert "the model cannot be loaded" in str(caught.value)
    assert (servers_of(home), files(home)) == ([], [])


def test_a_server_that_is_not_ready_in_time_is_killed(home, start):
    with pytest.raises(PipelineError, match="was not ready in time"):
        start("run-1", timeout=0.2)
    assert (servers_of(home), files(home)) == ([], [])


def test_a_model_that_is_not_there_is_said_before_anything_starts(home, start):
    with pytest.raises(PipelineError, match="there is no such folder"):
        start("run-1", model="nothing")
    assert servers_of(home) == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 200])
def test_a_name_that_is_no_name_is_refused(home, name):
    with pytest.raises(UsageError, match="is not a name"):
        local.current(name, home=home)
    with pytest.raises(UsageError, match="is not a name"):
        local.discard("weather", name, home=home)


def test_a_home_that_is_a_file_is_an_environment_problem(home, models):
    (home / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="PIPELINES_HOME"):
        local.start_challenger("weather", str(models / "station"), "1", "run-1", home=home / "file")


def test_records_of_processes_that_are_gone_are_nobody(home, start):
    first = start("run-1")
    local.switch("weather", first, home=home)
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not servers_of(home))
    assert local.current("weather", home=home) is None
    with pytest.raises(PipelineError, match="there is no such challenger"):
        local.switch("weather", first, home=home)
    local.stop("weather", home=home)
    assert files(home) == []


def test_a_foreign_process_with_the_number_of_a_server_is_neither_believed_nor_killed(home, start):
    endpoint = start("run-1")
    local.switch("weather", endpoint, home=home)
    file = home / "serving/weather/endpoint.json"
    record = state.read(file)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        # What is left after a crash, when another program has the number.
        state.write(
            file, dataclasses.replace(record, endpoint=dataclasses.replace(endpoint, pid=stranger.pid))
        )
        assert local.current("weather", home=home) is None
        local.stop("weather", home=home)
        assert stranger.poll() is None
        assert files(home) == []
    finally:
        stranger.kill()
        stranger.wait()


def test_another_server_at_the_recorded_port_is_not_believed(home, start, station):
    first = start("run-1")
    local.switch("weather", first, home=home)
    file = home / "serving/weather/endpoint.json"
    moved = dataclasses.replace(first, port=station.port, url=station.url)
    state.write(file, dataclasses.replace(state.read(file), endpoint=moved))
    assert local.current("weather", home=home) is None


def test_a_record_that_is_no_json_is_nobody_and_stop_clears_it(home, start):
    endpoint = start("run-1")
    file = home / "serving/weather/endpoint.json"
    for text in ("", "{", "[]", '{"pid": 1}'):
        file.write_text(text)
        assert local.current("weather", home=home) is None
    local.switch("weather", endpoint, home=home)
    assert local.current("weather", home=home) == endpoint
    file.write_text("{")
    local.stop("weather", home=home)
    assert not file.exists()


def test_two_switches_at_once_leave_one_server(home, start):
    endpoints = [start("run-1"), start("run-2")]
    problems = []

    def switch(endpoint):
        try:
            local.switch("weather", endpoint, home=home)
        except PipelineError as error:
            problems.append(error)

    threads = [threading.Thread(target=switch, args=[endpoint]) for endpoint in endpoints]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serving = local.current("weather", home=home)
    assert problems == []
    assert serving in endpoints
    assert servers_of(home) == [serving.pid]
    assert files(home) == ["endpoint.json"]


DEPLOYER = """
import sys
from pathlib import Path
from pipelines.sdk.serving import local
print("starts", flush=True)
local.start_challenger("weather", sys.argv[1], "1", "run-1", home=Path(sys.argv[2]))
print("started", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("when", ["while it starts", "after it started"])
def test_a_deployer_that_is_killed_leaves_only_what_discard_removes(home, models, when):
    command = [sys.executable, "-c", DEPLOYER, str(models / "station"), str(home)]
    deployer = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert deployer.stdout.readline() == "starts\n"
    if when == "after it started":
        assert deployer.stdout.readline() == "started\n"
    else:
        until(lambda: servers_of(home))
    deployer.kill()
    deployer.wait()
    local.discard("weather", "run-1", home=home)
    until(lambda: not servers_of(home))
    assert [name for name in files(home) if not name.startswith(".port-")] == []


def test_the_challenger_of_a_run_that_was_killed_goes_with_the_next_run_and_no_other_does(home, start):
    runner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        lost, kept = start("run-1", owner=runner.pid), start("run-2", owner=os.getpid())
        local.discard("weather", "run-3", home=home)
        assert sorted(servers_of(home)) == sorted([lost.pid, kept.pid])
    finally:
        runner.kill()
        runner.wait()
    local.discard("weather", "run-3", home=home)
    assert servers_of(home) == [kept.pid]
    assert files(home) == ["challenger-run-2.json"]


def test_who_serves_outlives_the_run_that_started_it(home, start):
    runner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    serving = start("run-1", owner=runner.pid)
    local.switch("weather", serving, home=home)
    runner.kill()
    runner.wait()
    local.discard("weather", "run-2", home=home)
    assert local.current("weather", home=home) == serving


def test_a_server_whose_deployer_died_before_it_was_recorded_leaves_by_itself(home, models):
    place = state.Place.of("weather", home)
    with place.locked():
        arguments = ["--instance", "t", "--claim", str(place.challenger("run-1")), str(models / "station")]
        pid = processes.start(arguments, home / "log", {})
        assert processes.birth(pid)
    until(lambda: not processes.birth(pid))
    assert "does not name this process" in (home / "log").read_text()


def test_a_deployer_that_was_killed_in_the_middle_of_a_switch_does_not_cost_the_one_who_serves(home, start):
    first = start("run-1")
    local.switch("weather", first, home=home)
    place = state.Place.of("weather", home)
    record = state.read(place.serving)
    state.write(place.retired(record), record)  # noted as leaving, but the switch never came
    local.discard("weather", "run-9", home=home)
    assert local.current("weather", home=home) == first
    assert files(home) == ["endpoint.json"]


SERVE = """
import sys
from pathlib import Path
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.serving import local
try:
    local.serve(sys.argv[1], "weather", port=0, home=Path(sys.argv[2]))
except PipelineError as error:
    sys.exit(str(error))
"""


def test_serving_in_the_foreground_is_known_as_long_as_it_lasts(home, models):
    command = [sys.executable, "-c", SERVE, str(models / "station"), str(home)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until(lambda: local.current("weather", home=home))
        endpoint = local.current("weather", home=home)
        assert endpoint.pid == process.pid
        assert len(client.predict(endpoint.url, TABLE)) == 1
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert f"is served already, at {endpoint.url}" in second.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert files(home) == []
    finally:
        process.kill()
        process.wait()


def test_home_is_taken_from_the_environment(home, monkeypatch):
    monkeypatch.setenv("PIPELINES_HOME", str(home / "elsewhere"))
    assert state.Place.of("weather", None).folder == home / "elsewhere/serving/weather"
    monkeypatch.delenv("PIPELINES_HOME")
    monkeypatch.chdir(home)
    assert state.Place.of("weather", None).folder == home / ".pipelines/serving/weather"
