"""The commands of a tiny pipeline file, in this process and in one of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.sdk import cli
from tests.commands.tiny import tiny
from tests.conftest import ROOT, Finished

Command = Callable[..., Finished]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys) -> Iterator[Command]:
    """A command of the tiny pipeline, in this process: for those that run no steps."""
    monkeypatch.setenv("PIPELINES_HOME", str(tmp_path / "home"))
    for name in (
        "MLFLOW_TRACKING_URI",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "STORAGE_EMULATOR_HOST",
        "PIPELINE_IMAGE",
    ):
        monkeypatch.delenv(name, raising=False)

    before = dict(os.environ)

    def run(*arguments: str, **env: str) -> Finished:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        code = cli.main(tiny, arguments=arguments)
        return Finished(code, *capsys.readouterr())

    yield run
    os.environ.clear()
    os.environ.update(before)


def start(
    *arguments: str, home: Path, file: Path = ROOT / "tests/commands/tiny.py", cwd: Path = ROOT
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(file), *arguments],
        cwd=cwd,
        env={**os.environ, "PIPELINES_HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> Finished:
    out, err = process.communicate(timeout=120)
    return Finished(process.returncode, out, err)
