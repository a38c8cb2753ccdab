"""The launcher as a program, as a pod starts it."""

import signal
import subprocess
import sys
import time

import pytest

from pipelines.sdk.launch import TaskDocument, decode
from tests.launch.pods import interpreter, shell

OUTPUT = "{{$.outputs.parameters['y'].output_file}}"
WRITE = f'printf "%s" "$(pwd) ${{PYTHONPATH-unset}}" > {OUTPUT}; echo out; echo err >&2'
Y = {"y": "STRING"}


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_mounted_launcher_runs_with_every_python_from_3_9_on(version, pod, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on the PATH or among pyenv's versions")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pod.write(shell(WRITE, output_parameters=Y))
    done = pod.run(python=[python, "-W", "error"], cwd=elsewhere)
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert decode(pod.out("p-y-file")) == f"{elsewhere} unset"
    assert not list((pod.base / "launch").rglob("__pycache__"))


@pytest.mark.parametrize("version", ["3.9", "3.11", "3.13"])
def test_every_module_of_the_package_is_read_by_old_and_new_pythons(version, pod, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version}")
    names = [module.stem for module in (pod.base / "launch").glob("*.py") if module.stem != "__main__"]
    script = "; ".join(f"import launch.{name}" for name in names)
    done = subprocess.run(
        [python, "-W", "error", "-B", "-c", script], cwd=pod.base, capture_output=True, text=True
    )
    assert done.stderr == ""


def test_the_launcher_runs_as_a_module(pod):
    pod.write(shell("echo out"))
    command = [sys.executable, "-m", "launch", *pod.command()[2:]]
    done = subprocess.run(command, capture_output=True, text=True, env=pod.env, timeout=60, cwd=pod.base)
    assert (done.returncode, done.stdout) == (0, "out\n")


def test_the_launcher_needs_nothing_but_the_standard_library(pod):
    pod.write(shell(WRITE, output_parameters=Y))
    assert pod.run(python=[sys.executable, "-S", "-s", "-E"]).returncode == 0


HEAVY = {"dataclasses", "typing", "inspect", "pathlib", "subprocess", "shutil", "tempfile", "urllib"}


def test_a_step_does_not_pay_for_modules_that_it_does_not_need(pod):
    pod.write(shell("true"))
    done = pod.run(python=[sys.executable, "-I", "-S", "-X", "importtime"])
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "launch.pod" in imported
    assert not imported & HEAVY


@pytest.mark.parametrize(
    ("script", "code", "line"),
    [
        ("exit 3", 3, "error: task for-loop-1/fit: exited with code 3"),
        ("kill -9 $$", 137, "error: task for-loop-1/fit: was killed by signal 9 (SIGKILL)"),
        ("exit 0", 1, "error: task for-loop-1/fit, output 'y': the step ended well but did not write it"),
    ],
)
def test_a_failing_step_gives_its_exit_code_and_one_line(pod, script, code, line):
    pod.write(shell(script, output_parameters=Y))
    done = pod.run()
    assert done.returncode == code
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1
    assert not (pod.base / "out" / "p-y-file").exists()


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("no-such-program", 127, "the program 'no-such-program' was not found; install it"),
        ("/etc/passwd", 126, "cannot be started: Permission denied"),
        ("/bin/echo\0", 126, "embedded null"),
    ],
)
def test_a_program_that_cannot_be_started_is_one_line(pod, program, code, words):
    pod.write(TaskDocument("fit", command=(program,)))
    done = pod.run()
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "1", '{"task": 1}', '{"task": {"name": "t"}}', '{"task": {}, "files": {}}',
     '{"task": {"name": "t"}, "files": {}}', '{"task": {"name": "t", "python": {"function": "f"}}}',
     '{"task": {"name": "t", "inputs": {"parameters": {"x": {}}}}, "files": {"parameters": {}}}'],
)  # fmt: skip
def test_a_document_that_cannot_be_read_is_one_line(pod, text):
    (pod.base / "steps" / "fit.json").write_text(text)
    done = pod.run()
    assert done.returncode == 1
    assert done.stderr.startswith("error: task for-loop-1/fit")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("trap", "code"), [("trap 'echo stopped > {folder}/seen; exit 9' TERM", 9), ("trap - TERM", 143)]
)
def test_sigterm_reaches_the_step_which_may_end_in_its_own_way(pod, tmp_path, trap, code):
    loop = f"touch {tmp_path}/ready; while :; do sleep 0.05; done"
    pod.write(shell(f"{trap.format(folder=tmp_path)}; {loop}"))
    process = subprocess.Popen(pod.command(), stderr=subprocess.PIPE, text=True, env=pod.env)
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
    assert process.returncode == code
    assert said.count("\n") == 1
    assert (tmp_path / "seen").exists() == (code == 9)
