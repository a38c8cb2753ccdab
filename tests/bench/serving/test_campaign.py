"""A small campaign with servers that sum: processes, environments, faults and measurements are real."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.sdk.errors import EnvironmentProblem
from tests.bench.serving import __main__ as command
from tests.bench.serving import environments
from tests.bench.serving.campaign import Campaign, Plan, measure, rehearse
from tests.bench.serving.processes import Running, free_ports
from tests.bench.serving.results import SCENARIOS
from tests.bench.serving.servers import ALL, Server
from tests.bench.serving.subject import INVOCATIONS, V1, V2, Subject

SUMMING = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "inputs" in body:
            rows = list(zip(*(tensor["data"] for tensor in body["inputs"])))
        else:
            rows = body["instances"] if "instances" in body else body["dataframe_split"]["data"]
        sums = [sum(row) for row in rows]
        if len(rows) > 1 and sys.argv[2:] == ["wrong"]:
            sums[500] += 1e-9
        answer = {"outputs": [{"data": sums}]} if "inputs" in body else {"predictions": sums}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass

ThreadingHTTPServer.request_queue_size = 64
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
ROWS = [[n / 7, n / 3, float(-n), n] for n in range(1000)]


def server(name, script, *options, peer=True):
    def started(site):
        return [str(site.python), str(script), str(site.port), *options]

    return Server(name, name, peer, (V2, INVOCATIONS, V1), None, started)


@pytest.fixture
def campaign(tmp_path):
    script = tmp_path / "summing.py"
    script.write_text(SUMMING)
    (tmp_path / "broken.py").write_text("raise SystemExit('no such model')")
    servers = (
        server("ours", script, peer=False),
        server("wrong", script, "wrong"),
        server("broken", tmp_path / "broken.py"),
    )
    subject = Subject(tmp_path, ROWS, [sum(row) for row in ROWS])
    said = []
    pythons = dict.fromkeys(servers, Path(sys.executable))
    return Campaign(pythons, subject, Plan(1, 0.02, 0.05), tmp_path, said.append)


def test_who_does_not_start_or_answers_wrongly_is_left_out_and_named(campaign):
    able, faults = rehearse(campaign)
    assert [each.name for each in able] == ["ours"]
    wrong, broken = faults
    assert wrong.startswith("wrong: V2, 1,000 rows, c=1: row 500 is ")
    assert broken.startswith("broken: it gave no right answer")
    assert "no such model" in broken


def test_a_round_measures_every_protocol_in_every_way_and_one_servers_fault_is_its_own(campaign):
    done = measure(campaign, 4)
    for name in ("ours", "wrong"):
        mine = {(each.protocol, each.scenario) for each in done.asked if each.server == name}
        every = {(protocol.name, scenario) for protocol in (V2, INVOCATIONS, V1) for scenario in SCENARIOS}
        assert mine == {pair for pair in every if name == "ours" or pair[1].rows == 1}
    assert all(each.round == 4 and each.rate > 0 and each.p50 <= each.p99 for each in done.asked)
    assert sorted(each.server for each in done.started) == ["ours", "wrong"]
    assert all(each.rss > 0 and each.processes == 1 and each.cpu > 0 for each in done.started)
    assert sorted(each.server for each in done.worked) == ["ours", "wrong"]
    # Broken twice: where it was started alone, and where all are; wrong at each of its protocols.
    assert sorted(fault.split(":")[0] for fault in done.faults) == ["broken"] * 2 + ["wrong"] * 3


def test_a_server_is_measured_and_ended_with_children_that_left_its_session(tmp_path):
    pids = tmp_path / "pids"
    script = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open({str(pids)!r} + ".new", "w").write(f"{{os.getpid()}} {{child.pid}}")
os.rename({str(pids)!r} + ".new", {str(pids)!r})
sum(range(3_000_000))
time.sleep(600)
"""
    running = Running([sys.executable, "-c", script], dict(os.environ), tmp_path)
    try:
        until = time.monotonic() + 30
        while not (pids.exists() and running.cpu() > 0.02):
            assert time.monotonic() < until, running.log.read_text()
            time.sleep(0.01)
        memory = running.memory()
        assert memory.processes == 2
        assert 0 < memory.pss <= memory.rss
        assert not running.ended
    finally:
        running.stop()
    assert running.ended
    assert not any(alive(int(pid)) for pid in pids.read_text().split())


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_free_ports_differ():
    assert len(set(free_ports(5))) == 5


@pytest.mark.parametrize("protocol", [V2, INVOCATIONS, V1])
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "no predictions in b''"),
        (b"{}", "no predictions in"),
        (b"[1.0]", "no predictions in"),
        (b'{"predictions": [1.0], "outputs": [{"data": [1.0]}]}', "not 2 predictions"),
        (b'{"predictions": {"0": 1.0}, "outputs": [{"data": {}}]}', "not 2 predictions"),
        (b'{"predictions": [1.0, 2.5], "outputs": [{"data": [1.0, 2.5]}]}', "row 1 is 2.5, not 2.0"),
        (b'{"predictions": [1.0, "2"], "outputs": [{"data": [1.0, "2"]}]}', "row 1 is '2', not 2.0"),
    ],
)
def test_what_is_not_the_right_answer_is_a_fault(protocol, answer, why):
    subject = Subject(Path(), [], [1.0, 2.0])
    assert why in subject.fault(protocol, 2, answer)
    assert not subject.fault(protocol, 2, b'{"predictions": [1.0, 2.0], "outputs": [{"data": [1.0, 2.0]}]}')


def test_all_servers_but_ours_are_peers_and_names_are_taken_once():
    assert [each.name for each in ALL if each.peer] == ["mlserver", "mlflow", "kserve"]
    assert len({each.name for each in ALL}) == len(ALL)


def pins(text):
    lines = (line.split(" \\")[0].strip() for line in text.splitlines())
    return {line for line in lines if "==" in line and not line.startswith(("#", "--"))}


@pytest.mark.parametrize("peer", ["mlserver", "mlflow", "kserve"])
def test_a_peer_predicts_with_the_versions_that_the_model_is_made_with(peer):
    names = ("mlflow==", "numpy==", "pandas==", "scikit-learn==", "scipy==", "skops==")
    ours = {
        pin for pin in pins((environments.ROOT / "requirements.lock").read_text()) if pin.startswith(names)
    }
    theirs = {pin for pin in pins(environments.of_peer(peer).requirements) if pin.startswith(names)}
    assert theirs == ours


def test_the_server_of_the_image_has_mlflow_without_its_own_servers():
    names = {pin.split("==")[0] for pin in pins(environments.of_image().requirements)}
    assert {"mlflow-skinny", "scikit-learn", "httptools"} <= names
    assert not names & {"mlflow", "kfp", "kserve"}


@pytest.mark.parametrize("path", [None, "/usr/bin:/bin"], ids=["as it is", "without uv"])
def test_an_environment_is_made_once_with_uv_or_without(tmp_path, monkeypatch, path):
    if path:
        monkeypatch.setenv("PATH", path)
    nothing = environments.Environment("nothing", "")
    python = environments.made(nothing, tmp_path)
    made = python.lstat().st_ctime_ns
    assert subprocess.run([python, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\n"
    assert environments.made(nothing, tmp_path) == python
    assert python.lstat().st_ctime_ns == made


def test_an_environment_that_cannot_be_made_says_why_and_is_tried_again(tmp_path):
    odd = environments.Environment("odd", f"{tmp_path / 'nowhere' / 'package-1.0-py3-none-any.whl'}\n")
    for _ in range(2):
        with pytest.raises(EnvironmentProblem, match=r"install.* failed:\n"):
            environments.made(odd, tmp_path)


def test_an_unknown_server_is_a_users_mistake_that_names_the_known_ones(capsys):
    assert command.main(["--only", "ours,nobody"]) == 2
    said = capsys.readouterr().err
    assert "no server is called nobody" in said
    assert "mlserver" in said


def test_that_results_cannot_be_written_is_said_before_anything_is_measured(capsys, tmp_path):
    assert command.main(["--only", "bare", "--json", str(tmp_path / "nowhere" / "results.json")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_no_round_is_a_users_mistake(capsys):
    for text in ("0", "-1", "many"):
        with pytest.raises(SystemExit, match="2"):
            command.main(["--rounds", text])
    assert "at least one round is needed" in capsys.readouterr().err
