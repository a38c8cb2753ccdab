"""A pipeline function -> IR -> Plan."""

from __future__ import annotations

import ast
import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir import header
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import STEP_IMAGE
from pipelines.sdk.values import Json

_DEFAULT = re.compile(r"(?m)^(?P<start>#    \S+: \w+ \[Default: )(?P<value>[\[{].*)\]$")


def to_ir(pipeline: Any) -> str:
    """Compiles a pipeline to the text of its IR.

    Args:
        pipeline: what `@dsl.pipeline` made of a function.

    Raises:
        BadPipeline: where kfp refuses it.
    """
    from kfp import compiler  # a second of imports that only authors of pipelines pay

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compiler.Compiler().compile(pipeline, str(file))
        except (TypeError, ValueError, RuntimeError) as error:
            raise BadPipeline(Finding(f"kfp cannot compile it: {error}", pipeline.name)) from error
        return header.mended(_DEFAULT.sub(_in_order, file.read_text(encoding="utf-8")))


def _in_order(found: re.Match[str]) -> str:
    """The default of an input in kfp's comments, its keys sorted: kfp writes them as a hash has them."""
    try:
        value = ast.literal_eval(found["value"])
    except (ValueError, SyntaxError, RecursionError):
        return found[0]
    return f"{found['start']}{_sorted(value)!r}]"


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in sorted(value.items())}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def with_image(text: str, image: str) -> str:
    """IR in which another image takes the place of the project's own.

    Args:
        text: of the IR.
        image: the other one.
    """
    return re.sub(rf"(?m)^(\s*image: ){re.escape(STEP_IMAGE)}$", lambda found: f"{found[1]}{image}", text)


def with_choices(plan: Plan, choices: Mapping[str, Sequence[Json]]) -> Plan:
    """The same pipeline, some of whose parameters can take only certain values.

    Args:
        plan: the pipeline.
        choices: values by parameter; KeyError where there is no such parameter.
    """
    takes = plan.root.interface
    narrowed = {name: replace(takes.parameters[name], literals=tuple(each)) for name, each in choices.items()}
    interface = replace(takes, parameters={**takes.parameters, **narrowed})
    return replace(plan, root=replace(plan.root, interface=interface))
