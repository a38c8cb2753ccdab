"""Several processes behind one socket."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.serving.conftest import ROOT, start
from tests.serving.crowd import crowd, request
from tests.serving.test_model_server_life import GOOD, until

ASKED = request("/invocations", b'{"columns": ["temp", "wind"], "data": [[12.8, 3.0]]}')


def children(server):
    """Numbers of the workers that are alive."""
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in listed.split() if state(int(pid)) not in "ZX"]


def state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def ticks(pid):
    """What a process has computed so far, in the system's units."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def counted(server, name):
    """The sum of a counter over its labels."""
    lines = server.ask("/metrics").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}_total"))


def test_all_workers_answer_and_count_together(launch, models):
    server = launch(models / "bare", "--workers", "3")
    assert len(children(server)) == 3
    told = crowd(server.port, ASKED, clients=24, new=12, event=lambda: time.sleep(1) or True)
    assert (told.lost, told.statuses, told.refused) == ([], {200}, 0)
    assert counted(server, "model_server_requests") == told.answered
    assert counted(server, "model_server_rows") == told.answered
    busy = [
        int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11]) for pid in children(server)
    ]
    assert all(ticks > 5 for ticks in busy), busy
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) == 0
    assert "Traceback" not in server.log.read_text()


def test_a_killed_worker_costs_the_requests_that_it_had_and_no_count(launch, models):
    server = launch(models / "bare", "--workers", "2")
    victim = children(server)[0]

    def kill():
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(children(server)) == 2 and victim not in children(server))
        time.sleep(1)
        return True

    told = crowd(server.port, ASKED, clients=16, new=8, event=kill)
    # One for each connection that the worker held at most; whoever came anew was answered by the others.
    assert len(told.lost) <= 16
    assert (told.statuses, told.refused) == ({200}, 0)
    assert counted(server, "model_server_requests") >= told.answered
    assert "another takes its place" in server.log.read_text()
    assert server.ask("/v2/health/ready").status == 200


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
def test_two_hundred_connections_at_full_speed_lose_nothing_at_the_end(launch, models, options):
    server = launch(models / "bare", *options)
    told = crowd(server.port, ASKED, clients=200, event=lambda: server.process.send_signal(signal.SIGTERM))
    assert (told.lost, told.statuses) == ([], {200})
    assert server.process.wait(timeout=30) == 0
    assert "Traceback" not in server.log.read_text()


def test_workers_end_when_the_process_that_watches_them_is_killed(launch, models):
    server = launch(models / "bare", "--workers", "2")
    workers = children(server)
    server.process.kill()
    server.process.wait()
    until(lambda: all(state(pid) in "ZX" for pid in workers))


def test_ctrl_c_ends_workers_without_a_trace(launch, models):
    server = launch(models / "bare", "--workers", "2")
    workers = children(server)
    for pid in [*workers, server.process.pid]:  # a terminal sends it to all of them
        os.kill(pid, signal.SIGINT)
    assert server.process.wait(timeout=30) == 0
    assert all(state(pid) in "ZX" for pid in workers)
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
def test_a_model_that_does_not_return_holds_up_no_end_beyond_the_grace(launch, models, tmp_path, options):
    server = launch(models / "echo", *options, "--drain", "0", "--grace", "1")
    begun = tmp_path / "begun"
    body = json.dumps({**GOOD, "params": {"do": f"sleep {begun}", "seconds": 600.0}}).encode()

    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(request("/invocations", body))
        until(begun.exists)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        client.settimeout(30)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1000) == b""


def test_workers_that_cannot_live_end_the_server_with_a_reason():
    code = """if True:
        import socket
        from pipelines.sdk.errors import EnvironmentProblem
        from pipelines.sdk.serving.workers import supervise
        try:
            supervise(socket.socket(), 2, lambda worker, ready: 1 / 0, lambda: print("never"), 1.0)
        except EnvironmentProblem as error:
            print(error)
    """
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "workers end as soon as they begin" in ended.stdout) == (0, True)
    assert "never" not in ended.stdout
    assert "ZeroDivisionError" in ended.stderr


def test_a_prediction_log_that_cannot_be_written_is_said_before_anything_is_served(models, tmp_path):
    process, port_file, log = start(
        models / "bare", tmp_path, "--workers", "2", "--prediction-log", "/proc/x"
    )
    assert process.wait(timeout=90) != 0
    assert "Traceback" not in log.read_text()
    assert not port_file.exists()


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
def test_more_than_may_wait_are_asked_to_come_back(launch, models, tmp_path, options):
    server = launch(models / "echo", "--max-waiting", "2", *options)
    sleep = {**GOOD, "params": {"do": f"sleep {tmp_path / 'begun'}", "seconds": 1.0}}
    told = crowd(
        server.port,
        request("/invocations", json.dumps(sleep).encode()),
        clients=20,
        seconds=3,
        event=lambda: True,
    )
    assert told.statuses == {200, 503}
    assert not told.lost
