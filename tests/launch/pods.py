"""A pod's folders, and its launcher as Argo starts it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipelines.sdk.launch import TaskDocument
from pipelines.sdk.launch.pod import MODULES

PACKAGE = Path(__file__).parents[2] / "pipelines" / "sdk" / "launch"
RUN = {"name": "night-x7k2p", "uid": "0c1d", "created": "2026-01-02T03:04:05Z", "scheduled": ""}
NASTY = "{{workflow.name}} $(HOME) \x7f é \"'\n\\"


class Pod:
    """The folders of a pod, and a way to run its launcher."""

    def __init__(self, folder):
        self.base, self.folder = folder / "kfp", folder
        hidden = self.base / "launch" / "..2024"
        hidden.mkdir(parents=True)
        for module in PACKAGE.glob("*.py"):
            shutil.copy(module, hidden)
            (hidden.parent / module.name).symlink_to(hidden / module.name)
        for name in ("steps", "out", "in"):
            (self.base / name).mkdir()
        self.root = "gs://bucket/runs"
        self.env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nowhere"}

    def write(self, task, modules=None, own=None):
        document = task.to_json()
        if task.python:
            (self.base / "steps" / "fit.py").write_text(task.python.source)
            document["python"] = {"function": task.python.function}
            document["command"] = ["{source}" if w == task.python.source else w for w in task.command]
        files = {
            "parameters": {name: f"{name}-file" for name in task.output_parameters},
            "artifacts": {name: f"{name}-file" for name in task.output_artifacts},
        }
        whole = {"task": document, "files": files, "own": bool(modules) if own is None else own}
        if modules:
            (self.base / "steps" / MODULES).write_text(json.dumps(modules))
        (self.base / "steps" / "fit.json").write_text(json.dumps(whole))

    def command(self, *more):
        mount = f"--mount=gs://={self.folder}/gcs/"
        common = ["--step=fit", "--task=for-loop-1/fit", f"--root={self.root}", "--pod=night-x7k2p-fit-77"]
        return [sys.executable, str(self.base / "launch"), *common, f"--run={json.dumps(RUN)}", mount, *more]

    def run(self, *more, cwd=None, python=(sys.executable,)):
        command = [*python, *self.command(*more)[1:]]
        return subprocess.run(
            command, capture_output=True, text=True, env=self.env, timeout=120, cwd=cwd or self.folder
        )

    def out(self, file):
        return (self.base / "out" / file).read_text()


def shell(script, **kwargs):
    return TaskDocument("fit", command=("sh", "-ec", script), **kwargs)


def succeed(done):
    assert (done.returncode, done.stderr) == (0, "")
    return done


def interpreter(version):
    managed = [str(path) for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python3")]
    for python in (shutil.which(f"python{version}"), *managed):
        if python and subprocess.run([python, "-V"], capture_output=True).returncode == 0:  # no dead shim
            return python
    return None
