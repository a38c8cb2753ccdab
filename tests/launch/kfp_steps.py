"""Compiled KFP components as task documents, and a way to run their source in this process."""

import sys
import tempfile
from pathlib import Path

import yaml
from google.protobuf import json_format
from kfp.dsl import utils
from kfp.dsl.executor import Executor

from pipelines.sdk import ir
from pipelines.sdk.plan import Step
from pipelines.sdk.task_documents import task_document


def task_of(component):
    """The task document of a component, as the project reads it from what KFP's compiler made."""
    spec = json_format.MessageToDict(component.pipeline_spec)
    (task,) = ir.read(yaml.safe_dump(spec)).root.tasks
    assert isinstance(task.body, Step)
    return task_document(task.name, task.body)


def call(source, function, executor_input):
    """What the local backend does with a lightweight component, without its worker."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "the_component.py").write_text(source, encoding="utf-8")
        try:
            module = utils.load_module(module_name="the_component", module_directory=folder)
            Executor(executor_input=executor_input, function_to_execute=getattr(module, function)).execute()
        finally:
            sys.modules.pop("the_component", None)
