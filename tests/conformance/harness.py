"""Compiles a case, runs it with our command line, and observes what came out."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import compiler

from tests.conformance.case import FOLDER, Case, Outcome
from tests.conformance.observe import content, files

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Ran:
    """A run of ours.

    Args:
        outcome: what is compared.
        report: the command's JSON.
        log: what it wrote to standard error.
        code: its exit code.
    """

    outcome: Outcome
    report: Mapping[str, Any]
    log: str
    code: int


def slug(name: str) -> str:
    return "".join(each if each.isalnum() else "-" for each in name)


def compiled(pipeline: Any, folder: Path) -> Path:
    """The pipeline's IR as a file; compiled once a folder."""
    module = pipeline.pipeline_func.__module__.rpartition(".")[2]
    path = folder / f"{module}-{pipeline.name}.yaml"
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiler.Compiler().compile(pipeline, str(path))
    return path


def arguments(case: Case, folder: Path) -> dict[str, Any]:
    """The case's arguments with the run's folder filled in; the folder is made, with its first files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in case.files.items():
        (folder / name).write_text(text)
    return {
        name: value.replace(FOLDER, str(folder)) if isinstance(value, str) else value
        for name, value in case.arguments.items()
    }


def as_options(values: Mapping[str, Any]) -> list[str]:
    """`-p NAME=VALUE` for each: text as it is, anything else as JSON."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    return [part for name, text in texts.items() for part in ("-p", f"{name}={text}")]


def run_file(path: Path, values: Mapping[str, Any], home: Path, options: Iterable[str] = ()) -> Ran:
    """Runs a compiled pipeline with our command line.

    Args:
        path: of the IR.
        values: its parameters.
        home: of runs and cache.
        options: further ones.
    """
    command = [
        sys.executable,
        "-m",
        "pipelines.sdk",
        "run",
        str(path),
        "--json",
        *as_options(values),
        *options,
    ]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PIPELINES_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(
            f"no JSON on stdout, exit code {done.returncode}:\n{done.stdout}\n{done.stderr}"
        ) from None
    outputs = {name: observed(value) for name, value in report["outputs"].items()}
    return Ran(Outcome(outputs, status=report["status"]), report, done.stderr, done.returncode)


def observed(value: Any) -> Any:
    """An output as it is compared: an artifact without its URI, but with its content."""
    if isinstance(value, list):
        return [observed(each) for each in value]
    if not (isinstance(value, dict) and value.keys() == {"name", "type", "uri", "metadata"}):
        return value
    return {
        "name": value["name"],
        "type": value["type"]["schemaTitle"],
        "metadata": value["metadata"],
        "content": content(value["uri"]),
    }


def run_case(case: Case, compiled_in: Path, folder: Path) -> Ran:
    """Runs a case with our command line, uncached, in a home of its own."""
    values = arguments(case, folder / "seen")
    ran = run_file(
        compiled(case.pipeline, compiled_in), values, folder / "home", ("--no-cache", *case.options)
    )
    outcome = Outcome(ran.outcome.outputs, files(folder / "seen"), ran.outcome.status)
    return Ran(outcome, ran.report, ran.log, ran.code)


def run_oracle(cases: Iterable[Case], compiled_in: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Runs cases with kfp.local; outcomes as JSON, by name."""
    jobs = [
        {
            "name": case.name,
            "file": str(compiled(case.pipeline, compiled_in)),
            "arguments": arguments(case, folder / slug(case.name) / "seen"),
            "folder": str(folder / slug(case.name) / "seen"),
            "root": str(folder / slug(case.name) / "root"),
        }
        for case in cases
    ]
    (folder / "jobs.json").write_text(json.dumps(jobs))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.conformance.oracle",
            str(folder / "jobs.json"),
            str(folder / "results.json"),
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, dict[str, Any]] = json.loads((folder / "results.json").read_text())
    return results
