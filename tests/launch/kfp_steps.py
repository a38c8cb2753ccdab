"""Compiled KFP components as task documents, and the way the local backend runs their source."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.dsl import utils
from kfp.dsl.executor import Executor

from pipelines.sdk.launch import TaskDocument


def task_of(component: Any, name: str = "step") -> TaskDocument:
    """The task document of a component, from the IR that KFP's compiler made of it."""
    spec = json_format.MessageToDict(component.pipeline_spec)
    (definition,) = spec["components"].values()
    (executor,) = spec["deploymentSpec"]["executors"].values()
    container, inputs, outputs = (
        executor["container"],
        definition.get("inputDefinitions", {}),
        definition.get("outputDefinitions", {}),
    )
    command = container.get("command", [])
    args = container.get("args", [])
    python = None
    if "--function_to_execute" in args:
        python = {"source": command[-1], "function": args[args.index("--function_to_execute") + 1]}
    return TaskDocument.from_json(
        {
            "name": name,
            "component": name,
            "image": container["image"],
            "command": command,
            "args": args,
            "inputs": {
                "parameters": {n: _parameter(p) for n, p in inputs.get("parameters", {}).items()},
                "artifacts": {
                    n: {"list": a.get("isArtifactList", False), "optional": a.get("isOptional", False)}
                    for n, a in inputs.get("artifacts", {}).items()
                },
            },
            "outputs": {
                "parameters": {
                    n: {"type": p["parameterType"]} for n, p in outputs.get("parameters", {}).items()
                },
                "artifacts": {n: {**a["artifactType"]} for n, a in outputs.get("artifacts", {}).items()},
            },
            "python": python,
        }
    )


def _parameter(spec: dict[str, Any]) -> dict[str, Any]:
    default = {"default": spec["defaultValue"]} if "defaultValue" in spec else {}
    return {"type": spec["parameterType"], "optional": spec.get("isOptional", False), **default}


def call(source: str, function: str, executor_input: dict[str, Any]) -> None:
    """Runs a lightweight component's source in this process, with KFP's own executor."""
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder) / "the_component.py"
        module.write_text(source, encoding="utf-8")
        try:
            loaded = utils.load_module(module_name="the_component", module_directory=folder)
            Executor(executor_input=executor_input, function_to_execute=getattr(loaded, function)).execute()
        finally:
            sys.modules.pop("the_component", None)
