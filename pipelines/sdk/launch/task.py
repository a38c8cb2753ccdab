"""A step as it was compiled: plain JSON at the edge, frozen dataclasses inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .errors import LaunchError
from .records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")


@dataclass(frozen=True)
class InputParameter:
    """A parameter that the step takes.

    Args:
        type: as in IR, `NUMBER_DOUBLE` for example.
        optional: whether it may be absent.
        has_default: whether `default` is meant.
        default: the value where none is given.
        literals: the only values it can take; empty where any value of the type is fine.
    """

    type: str
    optional: bool = False
    has_default: bool = False
    default: Any = None
    literals: tuple[Any, ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> InputParameter:
        """From `{"type", "default"?, "optional"?, "literals"?}`."""
        return cls(
            type=document["type"],
            optional=document.get("optional", False),
            has_default="default" in document,
            default=document.get("default"),
            literals=tuple(document.get("literals", ())),
        )

    def to_json(self) -> dict[str, Any]:
        """The way back; `default` is there only where there is one."""
        default = {"default": self.default} if self.has_default else {}
        return {"type": self.type, **default, "optional": self.optional, "literals": list(self.literals)}


@dataclass(frozen=True)
class InputArtifact:
    """An artifact that the step takes, or a list of them."""

    is_list: bool = False
    optional: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> InputArtifact:
        """From `{"list"?, "optional"?}`."""
        return cls(is_list=document.get("list", False), optional=document.get("optional", False))

    def to_json(self) -> dict[str, Any]:
        """The way back."""
        return {"list": self.is_list, "optional": self.optional}


@dataclass(frozen=True)
class OutputArtifact:
    """An artifact that the step gives, or a list of them; `metadata` is what is known before it exists."""

    schema_title: str = "system.Artifact"
    schema_version: str = "0.0.1"
    is_list: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> OutputArtifact:
        """From `{"schemaTitle"?, "schemaVersion"?, "list"?, "metadata"?}`."""
        return cls(
            schema_title=document.get("schemaTitle", "system.Artifact"),
            schema_version=document.get("schemaVersion", "0.0.1"),
            is_list=document.get("list", False),
            metadata=document.get("metadata") or {},
        )

    def to_json(self) -> dict[str, Any]:
        """The way back."""
        return {
            "schemaTitle": self.schema_title,
            "schemaVersion": self.schema_version,
            "list": self.is_list,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True)
class Python:
    """The source of a lightweight component, and the function in it that is called."""

    source: str
    function: str


@dataclass(frozen=True)
class TaskDocument:
    """A step as it was compiled: the same for every run.

    Args:
        name: path of the task, `for-loop-1/fit` for example.
        component: name of the component.
        image: container image; the launcher only carries it.
        command: entry point; elements can be placeholders.
        args: likewise.
        env: environment variables, added to those of the launcher.
        parameters: what it takes.
        artifacts: what it takes.
        output_parameters: types of what it gives, by name.
        output_artifacts: what it gives.
        python: the source, where it is a lightweight component.
    """

    name: str
    component: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, InputParameter] = field(default_factory=dict)
    artifacts: Mapping[str, InputArtifact] = field(default_factory=dict)
    output_parameters: Mapping[str, str] = field(default_factory=dict)
    output_artifacts: Mapping[str, OutputArtifact] = field(default_factory=dict)
    python: Python | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> TaskDocument:
        """From the form that the Argo backend puts into a ConfigMap.

        Raises:
            LaunchError: the document lacks something.
        """
        return reading("task document", _task, document)

    def to_json(self) -> dict[str, Any]:
        """The way back."""
        return {
            "name": self.name,
            "component": self.component,
            "image": self.image,
            "command": list(self.command),
            "args": list(self.args),
            "env": dict(self.env),
            "inputs": {
                "parameters": {name: each.to_json() for name, each in self.parameters.items()},
                "artifacts": {name: each.to_json() for name, each in self.artifacts.items()},
            },
            "outputs": {
                "parameters": {name: {"type": each} for name, each in self.output_parameters.items()},
                "artifacts": {name: each.to_json() for name, each in self.output_artifacts.items()},
            },
            "python": {"source": self.python.source, "function": self.python.function}
            if self.python
            else None,
        }


def _task(document: Mapping[str, Any]) -> TaskDocument:
    inputs, outputs, python = document.get("inputs", {}), document.get("outputs", {}), document.get("python")
    parameters, artifacts = inputs.get("parameters", {}), inputs.get("artifacts", {})
    return TaskDocument(
        name=document["name"],
        component=document.get("component", ""),
        image=document.get("image", ""),
        command=tuple(document.get("command", ())),
        args=tuple(document.get("args", ())),
        env=document.get("env") or {},
        parameters={name: InputParameter.from_json(each) for name, each in parameters.items()},
        artifacts={name: InputArtifact.from_json(each) for name, each in artifacts.items()},
        output_parameters={name: each["type"] for name, each in outputs.get("parameters", {}).items()},
        output_artifacts={
            name: OutputArtifact.from_json(each) for name, each in outputs.get("artifacts", {}).items()
        },
        python=Python(source=python["source"], function=python["function"]) if python else None,
    )


def reading(noun: str, read: Callable[[Mapping[str, Any]], T], document: Mapping[str, Any]) -> T:
    """Read a document, and say what is wrong with it where it cannot be read.

    Raises:
        LaunchError: the document lacks something, or is of another shape.
    """
    try:
        return read(document)
    except KeyError as error:
        raise LaunchError(f"the {noun} lacks {error}") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise LaunchError(f"the {noun} is not one: {error}") from error
