"""IR as documents that a test can change, and back to text."""

import copy
import json
import warnings
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from kfp import compiler

from pipelines.sdk import ir
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Plan, Task, walk
from tests.ir.rich import rich

ONE_STEP = """
pipelineInfo: {name: one}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
root:
  dag:
    tasks:
      say:
        componentRef: {name: comp-say}
        taskInfo: {name: say}
        inputs:
          parameters:
            text: {runtimeValue: {constant: hello}}
components:
  comp-say:
    executorLabel: exec-say
    inputDefinitions:
      parameters:
        text: {parameterType: STRING}
deploymentSpec:
  executors:
    exec-say:
      container: {image: "alpine:3.20", command: [echo], args: ["{{$.inputs.parameters['text']}}"]}
"""


@cache
def _rich_text() -> str:
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder) / "rich.yaml"
        compiler.Compiler().compile(rich, str(file))
        return file.read_text()


@cache
def _documents(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


def rich_documents() -> list[Any]:
    """The pipeline and the platform document of the rich pipeline."""
    return copy.deepcopy(_documents(_rich_text()))


def one_step() -> Any:
    """The document of a pipeline of one container component."""
    return copy.deepcopy(_documents(ONE_STEP)[0])


def as_text(*documents: Any) -> str:
    """JSON is YAML, and quicker to write."""
    return "\n---\n".join(json.dumps(document) for document in documents)


def read(*documents: Any) -> Plan:
    return ir.read(as_text(*documents), "file.yaml")


def refused(text: str) -> str:
    """The message that a text gets; every part of it names the file."""
    with pytest.raises(BadPipeline) as caught:
        ir.read(text, "file.yaml")
    assert all(finding.where.startswith("file.yaml") for finding in caught.value.findings)
    return str(caught.value)


def refused_documents(*documents: Any) -> str:
    return refused(as_text(*documents))


def tasks(plan: Plan) -> dict[str, Task]:
    return dict(walk(plan.root))


def put(document: Any, path: str, value: Any) -> Any:
    """The document with another value at a path such as `root/dag/tasks`; on the way, mappings are made."""
    *above, last = path.split("/")
    place = document
    for key in above:
        place = place.setdefault(key, {})
    place[last] = value
    return document
