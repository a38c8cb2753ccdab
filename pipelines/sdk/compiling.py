"""A pipeline function -> IR -> Plan."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.settings import STEP_IMAGE


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
        return file.read_text(encoding="utf-8")


def with_image(text: str, image: str) -> str:
    """IR in which another image takes the place of the project's own.

    Args:
        text: of the IR.
        image: the other one.
    """
    return re.sub(rf"(?m)^(\s*image: ){re.escape(STEP_IMAGE)}$", lambda found: f"{found[1]}{image}", text)
