"""What travels in a pipeline: parameters, artifacts, and the bindings that bring a task its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Any] | dict[str, Any] | None"


class ParameterType(StrEnum):
    """The types a parameter can have, named as in IR."""

    STRING = "STRING"
    INTEGER = "NUMBER_INTEGER"
    DOUBLE = "NUMBER_DOUBLE"
    BOOLEAN = "BOOLEAN"
    LIST = "LIST"
    STRUCT = "STRUCT"
    FINAL_STATUS = "TASK_FINAL_STATUS"
    TASK_CONFIG = "TASK_CONFIG"


def fits(value: Json, kind: ParameterType) -> bool:
    """Whether a value is one of a type; a whole number is a NUMBER_DOUBLE too.

    Args:
        value: other than None, which is no value.
        kind: the type.
    """
    if kind is ParameterType.DOUBLE:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is ParameterType.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _PYTHON_TYPES.get(kind, dict))


_PYTHON_TYPES = {ParameterType.STRING: str, ParameterType.BOOLEAN: bool, ParameterType.LIST: list}


@dataclass(frozen=True)
class Parameter:
    """A parameter that a pipeline, group or component takes or gives.

    Args:
        name: as in IR, `pipelinechannel--` names of groups included.
        type: its type.
        has_default: whether `default` is meant (None is no default in IR, but an absent value at run time).
        default: the value where none is given.
        optional: whether it may be absent.
        literals: the only values it can take; empty where any value of the type is fine.
        description: from the docstring.
    """

    name: str
    type: ParameterType
    has_default: bool = False
    default: Json = None
    optional: bool = False
    literals: tuple[Json, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class ArtifactSpec:
    """An artifact that a pipeline, group or component takes or gives.

    Args:
        name: as in IR.
        schema_title: `system.Dataset`, `system.Model`, ...
        schema_version: of that type.
        is_list: whether it is a list of artifacts.
        optional: whether it may be absent.
        metadata: what IR says of an output before it exists.
        description: from the docstring.
    """

    name: str
    schema_title: str = "system.Artifact"
    schema_version: str = "0.0.1"
    is_list: bool = False
    optional: bool = False
    metadata: Mapping[str, Json] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True)
class Interface:
    """What goes into a pipeline, group or component, and what comes out."""

    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    artifacts: Mapping[str, ArtifactSpec] = field(default_factory=dict)
    output_parameters: Mapping[str, Parameter] = field(default_factory=dict)
    output_artifacts: Mapping[str, ArtifactSpec] = field(default_factory=dict)


# bindings: where the value of a task's input comes from


@dataclass(frozen=True)
class Constant:
    """A value known when the pipeline was compiled. Text in it can hold `{{$...}}` placeholders."""

    value: Json


@dataclass(frozen=True)
class DagInput:
    """An input of the enclosing pipeline or group.

    Args:
        name: of the input.
        path: the keys to follow inside the value (`item.a` of a loop over dicts is `("a",)`).
    """

    name: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskOutput:
    """An output of another task of the same pipeline or group.

    Args:
        task: name of the producer.
        output: name of its output.
        path: the keys to follow inside the value.
    """

    task: str
    output: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoopItem:
    """The element of the list that this iteration is for; only in the arguments of a task with a `loop`."""


@dataclass(frozen=True)
class FinalStatus:
    """How another task ended, as a `PipelineTaskFinalStatus`.

    Args:
        task: name of that task.
    """

    task: str


Binding: TypeAlias = Constant | DagInput | TaskOutput | LoopItem | FinalStatus


@dataclass(frozen=True)
class Selector:
    """An output of a group, taken from an output of one of its tasks.

    Args:
        sources: the producers; more than one where at most one of them ran (`dsl.OneOf`).
    """

    sources: tuple[TaskOutput, ...]
