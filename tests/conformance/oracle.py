"""Runs compiled pipelines with kfp.local, in a process of its own since kfp.local keeps global state.

`python -m tests.conformance.oracle JOBS.json RESULTS.json`; a job has a name, a compiled file, arguments, a
pipeline root and the folder in which its steps leave what they saw.
"""

import json
import logging
import multiprocessing
import sys
import warnings
from pathlib import Path
from typing import Any

from kfp import components, dsl, local

from tests.conformance.observe import content, files

FORK = multiprocessing.get_context("fork")
TIMEOUT_SECONDS = 60
ATTEMPTS = 3


def observed(value: Any) -> Any:
    if isinstance(value, list):
        return [observed(each) for each in value]
    if not isinstance(value, dsl.Artifact):
        return value
    return {
        "name": value.name,
        "type": value.schema_title,
        "metadata": value.metadata,
        "content": content(value.path),
    }


def run(job: dict[str, Any]) -> dict[str, Any]:
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=job["root"],
        workspace_root=f"{job['root']}-workspace",
    )
    outcome: dict[str, Any]
    try:
        ran = components.load_component_from_file(job["file"])(**job["arguments"])
        outputs = {name: observed(value) for name, value in ran.outputs.items()}
        json.dumps(outputs)
        outcome = {"outputs": outputs, "status": "SUCCEEDED"}
    except Exception as error:  # whatever kfp.local raises is its answer
        outcome = {"outputs": {}, "status": "FAILED", "error": f"{type(error).__name__}: {error}"}
    return {**outcome, "files": files(job["folder"])}


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Runs a job in a fork: a clean kfp.local each time, since its threads now and then never end."""
    for _ in range(ATTEMPTS):
        receiver, sender = FORK.Pipe(duplex=False)
        process = FORK.Process(target=lambda sender=sender: sender.send(run(job)))
        process.start()
        try:
            if receiver.poll(TIMEOUT_SECONDS):
                return receiver.recv()
        finally:
            process.kill()
            process.join()
    raise TimeoutError(f"kfp.local did not come to an end: {job['name']}")


def main(jobs: str, results: str) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    outcomes = {job["name"]: answer(job) for job in json.loads(Path(jobs).read_text())}
    Path(results).write_text(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
