"""What tests look for in compiled documents."""

import re
from collections.abc import Iterator
from typing import Any

SIMPLE = re.compile(r"\{\{(inputs\.parameters|tasks)\.([^}=]+)\}\}")
INPUT = re.compile(r"(?<![$]\.)inputs\.parameters\['([^']+)'\]")
TASK = re.compile(r"tasks\['([^']+)'\]")


def template_of(documents: Any) -> dict[str, Any]:
    """The WorkflowTemplate."""
    return next(each for each in documents if each["kind"] == "WorkflowTemplate")


def templates(documents: Any) -> dict[str, dict[str, Any]]:
    """Its templates by name."""
    return {each["name"]: each for each in template_of(documents)["spec"]["templates"]}


def texts(value: Any) -> Iterator[str]:
    """Every text below a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def inputs_named(value: Any) -> set[str]:
    """The input parameters that tags and expressions refer to."""
    found = set()
    for text in texts(value):
        found |= {m[2] for m in SIMPLE.finditer(text) if m[1] == "inputs.parameters"} | set(
            INPUT.findall(text)
        )
    return found


def tasks_named(value: Any) -> set[str]:
    """The tasks that tags and expressions refer to."""
    found = set()
    for text in texts(value):
        found |= {m[2].split(".")[0] for m in SIMPLE.finditer(text) if m[1] == "tasks"} | set(
            TASK.findall(text)
        )
    return found
