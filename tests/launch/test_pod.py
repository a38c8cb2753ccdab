"""A step in a pod: the launcher with a pod's arguments and folders, as Argo starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kfp import dsl

from pipelines.sdk.launch import InputArtifact, InputParameter, OutputArtifact, TaskDocument, encode, twin, untwin
from pipelines.sdk.launch.project import digest
from tests.launch.kfp_steps import task_of

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

    def write(self, task, project=None):
        document = task.to_json()
        if task.python:
            (self.base / "steps" / "fit.py").write_text(task.python.source)
            document["python"] = {"function": task.python.function}
            document["command"] = ["{source}" if w == task.python.source else w for w in task.command]
        files = {
            "parameters": {name: f"{name}-file" for name in task.output_parameters},
            "artifacts": {name: f"{name}-file" for name in task.output_artifacts},
        }
        whole = {"task": document, "files": files, **({"project": project} if project else {})}
        (self.base / "steps" / "fit.json").write_text(json.dumps(whole))

    def command(self, *more):
        mount = f"--mount=gs://={self.folder}/gcs/"
        common = ["--step=fit", "--task=for-loop-1/fit", f"--root={self.root}", "--pod=night-x7k2p-fit-77"]
        return [sys.executable, str(self.base / "launch"), *common, f"--run={json.dumps(RUN)}", mount, *more]

    def run(self, *more, cwd=None):
        return subprocess.run(
            self.command(*more), capture_output=True, text=True, env=self.env, timeout=120, cwd=cwd or self.folder
        )

    def out(self, file):
        return (self.base / "out" / file).read_text()


@pytest.fixture
def pod(tmp_path):
    return Pod(tmp_path)


def shell(script, **kwargs):
    return TaskDocument("fit", command=("sh", "-ec", script), **kwargs)


def succeed(done):
    assert (done.returncode, done.stderr) == (0, "")
    return done


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def trained(text: str, count: int, model: dsl.Output[dsl.Model], data: dsl.Input[dsl.Dataset]) -> str:
    import os
    from pathlib import Path

    Path(model.path).write_text(Path(data.path).read_text() * count)
    model.metadata["count"] = count
    return text + os.environ["PIPELINE_TASK"] + os.environ["PIPELINE_RUN_ID"]


def test_a_lightweight_component_runs_at_once_and_its_results_are_files_for_argo(pod):
    pod.write(task_of(trained))
    (pod.base / "in" / "data").write_text("abc")
    record = {"name": "data", "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
              "uri": "gs://bucket/runs/night-x7k2p/load/data/p", "metadata": {}}  # fmt: skip
    done = pod.run(
        f"--in=text={encode(NASTY)}", "--in=count=2", f"--artifact=data={json.dumps(record)}",
        f"--held=data={pod.base}/in/data",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(pod.out("p-Output-file")) == f"{NASTY}for-loop-1/fit0c1d"
    assert untwin(pod.out("c-Output-file")) == pod.out("p-Output-file")
    model = json.loads(pod.out("a-model-file"))
    assert model["uri"] == "gs://bucket/runs/night-x7k2p/for-loop-1/fit/model/night-x7k2p-fit-77"
    assert model["metadata"]["count"] == 2
    assert untwin(pod.out("ac-model-file")) == pod.out("a-model-file")
    assert pod.out("artifacts/model-file") == "abcabc"
