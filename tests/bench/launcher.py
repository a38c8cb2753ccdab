"""What the launcher costs a step in a pod, beyond the start of a Python interpreter."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.sdk import ir
from pipelines.sdk.launch import InputParameter, TaskDocument
from pipelines.sdk.plan import Step
from pipelines.sdk.task_documents import task_document
from tests.bench.pipelines import chain
from tests.conformance.harness import compiled
from tests.launch.pods import Pod

ROUNDS = 31
COMPILED = {
    "a compiled standard library": {},
    "a standard library without bytecode": {"PYTHONPYCACHEPREFIX": "/nonexistent"},
}
"""Official python images hold no bytecode, and a step cannot write any: the second is the usual case."""


def milliseconds(commands: Sequence[Sequence[str]], env: Mapping[str, str], folder: Path) -> list[float]:
    """Medians of the commands' CPU time; they run in turns, so that a noisy minute hits all."""
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS):
        for command, durations in zip(commands, taken, strict=True):
            before = _cpu()
            subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
            durations.append(1000 * (_cpu() - before))
    return [statistics.median(each) for each in taken]


def _cpu() -> float:
    """Seconds that processes started here have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def plain(folder: Path) -> Pod:
    """A pod whose step is a program that ends at once."""
    pod = Pod(folder)
    pod.write(TaskDocument("fit", command=("true",), parameters={"a": InputParameter("NUMBER_INTEGER")}))
    return pod


def lightweight(folder: Path) -> Pod:
    """A pod whose step is a component of KFP."""
    pod = Pod(folder)
    task = ir.read_file(str(compiled(chain, folder))).root.tasks[0]
    assert isinstance(task.body, Step)
    pod.write(task_document("fit", task.body))
    return pod


def executor(pod: Pod) -> list[str]:
    """The command with which KFP runs the same component, without launcher and shell."""
    outputs = {"parameters": {"Output": {"outputFile": str(pod.folder / "out")}}}
    given = {
        "inputs": {"parameterValues": {"a": 1, "b": 2}},
        "outputs": {**outputs, "outputFile": str(pod.folder / "executor_output.json")},
    }
    source = pod.base / "steps" / "fit.py"
    words = ["--component_module_path", str(source), "--executor_input", json.dumps(given)]
    return [sys.executable, "-m", "kfp.dsl.executor_main", *words, "--function_to_execute", "add"]


def main() -> None:
    print(
        f"A step's program in a pod, ms of CPU; medians of {ROUNDS}. The launcher itself is never compiled.\n"
    )
    print(
        "| with | `python3 -c pass` | the launcher and `true` | it costs | KFP's executor | launcher and it |"
    )
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        (folders := [Path(name, "plain"), Path(name, "component")])[0].mkdir()
        folders[1].mkdir()
        pods = plain(folders[0]), lightweight(folders[1])
        env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nowhere"}
        python = [sys.executable, "-c", "pass"]
        one, two = pods[0].command("--in=a=1"), pods[1].command("--in=a=1", "--in=b=2")
        for case, more in COMPILED.items():
            start, ours = milliseconds([python, one], {**env, **more}, Path(name))
            theirs, both = milliseconds(
                [executor(pods[1]), two], {**env, **more, "_KFP_RUNTIME": "true"}, Path(name)
            )
            costs = f"| {case} | {start:.0f} | {ours:.0f} | **{ours - start:.0f}** "
            print(f"{costs}| {theirs:.0f} | {both:.0f} |", flush=True)


if __name__ == "__main__":
    main()
