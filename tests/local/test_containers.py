"""Container components: the command line that an engine gets, and what happens to a container at the end.

Where podman is installed it reads the command line itself. Whether it may start containers is another matter,
so for whole runs a program in its place runs the command, and notes what it was asked.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.sdk import launch
from pipelines.sdk.local.containers import Engine, container_name, find_engine
from tests.conftest import Sdk
from tests.local import steps
from tests.local.test_faults import alive, wait_for

STAND_IN = """#!{python}
import json, os, sys
asked = sys.argv[1:]
with open({asked!r}, "a") as file:
    file.write(json.dumps(asked) + "\\n")
if asked[0] == "version":
    print("1.0")
elif asked[0] == "run":
    entry = asked.index("--entrypoint")
    command = [asked[entry + 1], *asked[entry + 3 :]]
    os.execvp(command[0], command)
"""


def request(home: Path, **more: Any) -> launch.Request:
    task = launch.TaskDocument(
        name="a/b",
        component="c",
        image=more.pop("image", "example.org/tool:1"),
        command=("sh", "-c"),
        args=("echo $0", "{{$.inputs.parameters['x']}}"),
        env={"MINE": "1"},
    )
    return launch.Request(
        task=task, root=str(home / "runs"), context=launch.Context(task_id="run/a/b/1"), **more
    )


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    home = tmp_path / 'ho,me "x" y'
    home.mkdir()
    return Engine("podman", home)


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """An image with nothing in it: enough for podman to make a container that is never started."""
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    name = f"localhost/pipelines-test-{os.getpid()}:1"
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    made = subprocess.run(
        ["podman", "import", str(tmp_path / "empty.tar"), name], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"podman cannot keep images here: {made.stderr}")
    yield name
    subprocess.run(["podman", "rmi", name], capture_output=True, check=True)


def test_podman_understands_the_command_line(engine, image, tmp_path):
    outside = tmp_path / 'im,ported "1"'
    outside.write_text("data")
    records = {"data": [{"name": "data", "type": {}, "uri": str(outside), "metadata": {}}]}
    wrapped = engine.wrap(request(engine.home, image=image, artifacts=records)).task
    _, run, *rest = wrapped.command
    assert run == "run"
    made = subprocess.run(["podman", "create", *rest], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    container = made.stdout.strip()
    try:
        shown = subprocess.run(["podman", "inspect", container], capture_output=True, text=True, check=True)
    finally:
        subprocess.run(["podman", "rm", container], capture_output=True, check=True)
    (found,) = json.loads(shown.stdout)
    assert {(mount["Destination"], mount["RW"]) for mount in found["Mounts"]} == {
        (str(engine.home), True),
        (str(outside), False),
    }
    assert found["Name"] == container_name(request(engine.home))
    assert found["Config"]["Entrypoint"] in ("sh", ["sh"])
    assert found["Config"]["Cmd"] == ["-c", "echo $0", "{{$.inputs.parameters['x']}}"]
    assert found["Config"]["User"] == f"{os.getuid()}:{os.getgid()}"


def test_an_image_keeps_its_own_entry_point_where_no_command_is_given(engine):
    given = request(engine.home)
    bare = launch.Request(
        task=launch.TaskDocument(name="a", image="tool", args=("--help",)),
        root=given.root,
        context=given.context,
    )
    command = engine.wrap(bare).task.command
    assert "--entrypoint" not in command
    assert command[-2:] == ("tool", "--help")


def test_each_attempt_has_a_container_of_its_own_name(engine):
    one, two = (
        container_name(
            launch.Request(
                task=request(engine.home).task, root="/", context=launch.Context(task_id=f"r/a/{n}")
            )
        )
        for n in (1, 2)
    )
    assert one != two


def test_what_is_not_there_is_not_mounted(engine):
    records = {"data": [{"name": "data", "type": {}, "uri": "/no/such/file", "metadata": {}}]}
    assert "/no/such/file" not in str(engine.wrap(request(engine.home, artifacts=records)).task.command)


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A `docker` in a folder of its own; gives the file in which it notes what it was asked."""
    asked, program = tmp_path / "asked", tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, asked=str(asked)))
    program.chmod(0o755)
    return asked


def path_with(stand_in: Path) -> str:
    return f"{stand_in.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"


def asked(stand_in: Path) -> list[list[str]]:
    return [json.loads(line) for line in stand_in.read_text().splitlines()]


def test_an_engine_that_does_not_answer_is_none(stand_in, monkeypatch):
    monkeypatch.setenv("PATH", str(stand_in.parent / "bin"))
    assert find_engine() == "docker"
    (stand_in.parent / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
    assert find_engine() == ""


def test_a_container_gets_its_inputs_and_gives_its_outputs(stand_in, sdk: Sdk, compiled, tmp_path):
    file = compiled(steps.shouts)
    finished = sdk("run", file, "--json", "-p", "text=it's $(HOME) {{x}}", PATH=path_with(stand_in))
    assert finished.code == 0, finished.err
    assert finished.json["outputs"] == {"Output": "it's $(HOME) {{x}}!"}
    (run,) = [each for each in asked(stand_in) if each[0] == "run"]
    assert run[run.index("--entrypoint") + 2] == "example.org/shout:1"


def test_a_container_that_is_stopped_is_killed_with_its_client(stand_in, sdk: Sdk, compiled, tmp_path):
    pid = tmp_path / "pid"
    process = sdk.start("run", compiled(steps.hangs), "--json", "-p", f"pid={pid}", PATH=path_with(stand_in))
    wait_for(lambda: pid.exists() and pid.read_text().strip() != "")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["status"] == "CANCELLED"
    (run,) = [each for each in asked(stand_in) if each[0] == "run"]
    assert asked(stand_in)[-1] == ["kill", run[run.index("--name") + 1]]
    wait_for(lambda: not alive(int(pid.read_text())))


def test_a_result_made_in_a_container_is_not_one_made_on_the_host(stand_in, sdk: Sdk, compiled):
    file = compiled(steps.shouts)

    def cached(*options: str) -> bool:
        finished = sdk("run", file, "--json", "-p", "text=a", *options, PATH=path_with(stand_in))
        return finished.task("shout")["cached"]

    assert [cached(), cached("--host"), cached(), cached("--host")] == [False, False, True, True]
