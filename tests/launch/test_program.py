"""The launcher as a program, as a pod starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.sdk.launch import Request, Result, TaskDocument, decode, encode

PACKAGE = Path(__file__).parents[2] / "pipelines" / "sdk" / "launch"
NASTY = "{{x}} $(y) é \"'\n"


@pytest.fixture
def mounted(tmp_path):
    """The package as a ConfigMap volume shows it: links into a hidden folder."""
    hidden = tmp_path / "mount" / "launch" / "..2024_01_01"
    hidden.mkdir(parents=True)
    for module in PACKAGE.glob("*.py"):
        shutil.copy(module, hidden)
        (hidden.parent / module.name).symlink_to(hidden / module.name)
    return hidden.parent


def request(root, script):
    outputs = {"y": "STRING"}
    task = TaskDocument("fit", command=("sh", "-c", script), output_parameters=outputs)
    return Request(task, str(root), parameters={"x": encode(NASTY)})


def launched(python, launcher, tmp_path, wanted, **kwargs):
    (tmp_path / "request.json").write_text(
        wanted if isinstance(wanted, str) else json.dumps(wanted.to_json())
    )
    files = [str(tmp_path / "request.json"), str(tmp_path / "result.json")]
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [python, *launcher, *files], capture_output=True, text=True, env=env, timeout=60, **kwargs
    )


OUTPUT = "{{$.outputs.parameters['y'].output_file}}"
WRITE = f'printf "%s" "$(pwd) ${{PYTHONPATH-unset}}" > {OUTPUT}; echo out; echo err >&2'


def interpreter(version):
    managed = [str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")]
    for python in (shutil.which(f"python{version}"), *managed):
        if python and subprocess.run([python, "-V"], capture_output=True).returncode == 0:  # no dead shim
            return python
    return None


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_mounted_launcher_runs_with_every_python_from_3_9_on(version, mounted, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on the PATH or among pyenv's versions")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = launched(
        python, ["-W", "error", str(mounted)], tmp_path, request(tmp_path / "root", WRITE), cwd=elsewhere
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    result = Result.from_json(json.loads((tmp_path / "result.json").read_text()))
    assert decode(result.parameters["y"]) == f"{elsewhere} unset"


def test_the_launcher_runs_as_a_module(mounted, tmp_path):
    done = launched(
        sys.executable, ["-m", "launch"], tmp_path, request(tmp_path / "root", WRITE), cwd=mounted.parent
    )
    assert done.returncode == 0
    assert "parameters" in json.loads((tmp_path / "result.json").read_text())


def test_the_launcher_needs_nothing_but_the_standard_library(mounted, tmp_path):
    wanted = request(tmp_path / "root", WRITE)
    done = launched(sys.executable, ["-S", "-s", "-E", str(mounted)], tmp_path, wanted)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("script", "code", "line"),
    [
        ("exit 3", 3, "error: task fit: exited with code 3"),
        ("kill -9 $$", 137, "error: task fit: was killed by signal 9 (SIGKILL)"),
        ("exit 0", 1, "error: task fit, output 'y': the step ended well but did not write it"),
    ],
)
def test_a_failing_step_gives_its_exit_code_one_line_and_a_result(mounted, tmp_path, script, code, line):
    done = launched(sys.executable, [str(mounted)], tmp_path, request(tmp_path / "root", script))
    assert done.returncode == code
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    error = json.loads((tmp_path / "result.json").read_text())["error"]
    assert set(error) == {"what", "where", "mend"}
    assert error["what"] in done.stderr


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"task": {}, "root": "/"}', '{"task": {"name": "t"}}', '{"task": 1, "root": "/"}',
     '{"task": {"name": "t", "inputs": {"parameters": {"x": {}}}}, "root": "/"}',
     '{"task": {"name": "t"}, "root": "/", "context": {"typo": 1}}'],
)  # fmt: skip
def test_a_request_that_cannot_be_read_is_one_line(mounted, tmp_path, text):
    done = launched(sys.executable, [str(mounted)], tmp_path, text)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_missing_argument_file_or_folder_is_one_line(mounted, tmp_path):
    wanted = tmp_path / "good.json"
    wanted.write_text(
        json.dumps(Request(TaskDocument("t", command=("true",)), str(tmp_path / "r")).to_json())
    )
    for arguments, code in (
        ([], 2),
        (["nowhere.json", "x"], 1),
        ([str(wanted), str(tmp_path / "no" / "x")], 1),
    ):
        done = subprocess.run(
            [sys.executable, str(mounted), *arguments], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == code
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1


def test_sigterm_reaches_the_step_which_may_end_in_its_own_way(mounted, tmp_path):
    trap = f"trap 'echo stopped > {tmp_path}/seen; exit 9' TERM"
    script = f"{trap}; touch {tmp_path}/ready; while :; do sleep 0.05; done"
    (tmp_path / "request.json").write_text(json.dumps(request(tmp_path / "root", script).to_json()))
    files = [str(tmp_path / "request.json"), str(tmp_path / "result.json")]
    process = subprocess.Popen([sys.executable, str(mounted), *files], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            if (tmp_path / "ready").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 9
    assert "exited with code 9" in said
    assert (tmp_path / "seen").read_text() == "stopped\n"
