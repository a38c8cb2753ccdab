"""Constants with placeholders that a group or an importer is given; a step's are resolved by its launcher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.sdk.launch import Context
from pipelines.sdk.launch.placeholders import Scope, facts_of, resolve
from pipelines.sdk.local.scope import Artifacts, Value


def resolve_template(template: Any, arguments: Mapping[str, Value], context: Context) -> Any:
    """A JSON value with the placeholders in its texts resolved.

    Args:
        template: as the pipeline's author wrote it.
        arguments: of the same task; its parameters can be named.
        context: facts about the run.

    Raises:
        LaunchError: a placeholder names nothing.
    """
    values = {name: value for name, value in arguments.items() if not isinstance(value, Artifacts)}
    return resolve(template, Scope(values.__getitem__, facts=facts_of(context)))
