"""A conformance case: a small pipeline, what it is given, and what must come out on every backend."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kfp import dsl

FOLDER = "{folder}"  # in an argument: a fresh folder of this run, in which steps leave what they saw
BASE_IMAGE = "python:3.11"


@dataclass(frozen=True)
class Outcome:
    """What can be observed of a run.

    Args:
        outputs: of the pipeline; an artifact is `{"name", "type", "metadata", "content"}`.
        files: in the run's folder: name -> text.
        status: SUCCEEDED or FAILED.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    status: str = "SUCCEEDED"


@dataclass(frozen=True)
class KfpLocal:
    """How kfp.local differs from what is right. The test fails when it no longer does.

    Args:
        wrong: in words.
        gives: what it gives in place of the expected outcome; None where it gives up.
        error: part of its message, where it gives up.
    """

    wrong: str
    gives: Outcome | None = None
    error: str = ""


@dataclass(frozen=True)
class Case:
    """One run of one pipeline.

    Args:
        name: unique; a pipeline can be in several cases.
        pipeline: decorated with `@dsl.pipeline`.
        expected: the outcome; None where that of kfp.local is taken for right.
        arguments: pipeline parameters.
        files: that are in the run's folder before it starts.
        kfp_local: where kfp.local is wrong, or cannot run it.
        options: of the command line.
    """

    name: str
    pipeline: Any
    expected: Outcome | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    kfp_local: KfpLocal | None = None
    options: tuple[str, ...] = ()


def doubles(outcome: Outcome) -> Outcome:
    """The outcome with every whole number a float: protobuf's Struct, and so kfp.local, knows no others."""
    return replace(outcome, outputs=_doubles(outcome.outputs))


def _doubles(value: Any) -> Any:
    if isinstance(value, list):
        return [_doubles(each) for each in value]
    if isinstance(value, dict):
        return {key: _doubles(each) for key, each in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def component(function: Any) -> Any:
    """A lightweight component that installs nothing."""
    return dsl.component(base_image=BASE_IMAGE, install_kfp_package=False)(function)


def artifact(
    name: str, content: Any, kind: str = "Dataset", metadata: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An artifact as it is observed."""
    return {"name": name, "type": f"system.{kind}", "metadata": dict(metadata or {}), "content": content}
