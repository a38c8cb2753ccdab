"""A pipeline function -> IR -> Plan."""

from __future__ import annotations

import ast
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.settings import STEP_IMAGE

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
        return _DEFAULT.sub(_in_order, file.read_text(encoding="utf-8"))


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
