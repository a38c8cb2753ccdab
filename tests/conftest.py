"""Compiled pipelines and the command line, for every test that runs one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)

    def task(self, name: str) -> dict[str, Any]:
        return next(task for task in self.json["tasks"] if task["name"] == name)


@dataclass(frozen=True)
class Sdk:
    """`python -m pipelines.sdk`, with a home of its own."""

    home: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.sdk", *arguments],
            cwd=ROOT,
            env={**os.environ, "PIPELINES_HOME": str(self.home), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def __call__(self, *arguments: str, **env: str) -> Finished:
        process = self.start(*arguments, **env)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        return Finished(process.returncode, out, err)

    def runs(self) -> list[Path]:
        return sorted((self.home / "runs").glob("*"))


@pytest.fixture(scope="session", autouse=True)
def signals_as_on_a_terminal() -> None:
    """A script that runs the tests in the background, or under nohup, hands down signals that are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def sdk(tmp_path: Path) -> Iterator[Sdk]:
    made = Sdk(tmp_path / "home")
    yield made
    for process in made.started:  # of a test that failed before it had waited
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[Any], str]:
    """Compiles a pipeline and gives the file's path."""

    def compile_(pipeline: Any) -> str:
        from kfp import compiler

        file = tmp_path / f"{pipeline.name}.yaml"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiler.Compiler().compile(pipeline, str(file))
        return str(file)

    return compile_
