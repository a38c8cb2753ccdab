"""`make bench`: a step beside one of kfp.local, and the train pipeline cold and warm; all in one run."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import compiler

from tests.bench.pipelines import STEPS

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5


@dataclass(frozen=True)
class Measured:
    """One run of one side.

    Args:
        total: seconds from starting the command to its end: imports and everything.
        run: seconds of the run alone, after imports.
        cores: CPU seconds divided by `total`.
    """

    total: float
    run: float
    cores: float


def measure(command: list[str], home: str) -> Measured:
    """Runs a command that prints `{"seconds", "preload_seconds"?}`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    env = {**os.environ, "PIPELINES_HOME": home}
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    total = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    said: dict[str, Any] = json.loads(done.stdout)
    run = said["seconds"] - said.get("preload_seconds", 0.0)
    # In a chain steps follow each other: their own seconds leave out the start of the process before them.
    alone = sum((task["seconds"] for task in said.get("tasks", ())), 0.0) or run
    return Measured(total, min(run, alone), cpu / total)


def compare(file: str, home: str) -> tuple[list[Measured], list[Measured]]:
    """Both sides in turn, so that a noisy minute hits both."""
    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs.append(measure([sys.executable, "-W", "ignore", "-m", "tests.bench.kfp_local", file], home))
        ours.append(
            measure([sys.executable, "-m", "pipelines.sdk", "run", file, "--no-cache", "--json"], home)
        )
    return theirs, ours


def median(measured: list[Measured], field: str) -> float:
    return statistics.median(getattr(each, field) for each in measured)


def row(name: str, steps: int, theirs: list[Measured], ours: list[Measured]) -> str:
    their_step, our_step = (median(side, "run") / steps * 1000 for side in (theirs, ours))
    their_total, our_total = (median(side, "total") for side in (theirs, ours))
    return (
        f"| {name} | {their_step:.1f} | {our_step:.1f} | **{their_step / our_step:.1f}x** "
        f"| {their_total:.2f} | {our_total:.2f} | {their_total / our_total:.1f}x "
        f"| {median(ours, 'cores'):.2f} |"
    )


def train_pipeline(home: str) -> None:
    """The nightly job with an empty home, then again, when unchanged steps come from the cache."""
    for name in ("cold", "warm"):
        measured = measure([sys.executable, "pipelines/train.py", "run", "--json"], home)
        print(f"| train pipeline, {name} | {measured.total:.1f} | {measured.run:.1f} |", flush=True)
    subprocess.run(
        [sys.executable, "pipelines/train.py", "serve", "--stop"],
        cwd=ROOT,
        env={**os.environ, "PIPELINES_HOME": home},
        check=True,
        stderr=subprocess.DEVNULL,
    )


def main() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"
    print(f"{machine}; medians of {ROUNDS} runs each. kfp.local has SubprocessRunner(use_venv=False).")
    print("A step is its share of the run without imports; totals are with everything.\n")
    print("| | kfp.local, ms a step | ours, ms a step | | kfp.local, total s | ours, total s | | our cores |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for pipeline, steps in STEPS.items():
            file = f"{folder}/{pipeline.name}.yaml"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compiler.Compiler().compile(pipeline, file)
            print(row(pipeline.name, steps, *compare(file, f"{folder}/home")), flush=True)
        print("\n| | total s | without imports s |\n|---|---|---|")
        train_pipeline(f"{folder}/train-home")


if __name__ == "__main__":
    main()
