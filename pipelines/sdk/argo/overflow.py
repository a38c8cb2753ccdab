"""More templates than one WorkflowTemplate can have: containers go to further ones, by `templateRef`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.sdk.errors import BadPipeline, Finding

MAX_TEMPLATES = 200
"""maxItems of the templates in the kinds of Argo 4."""

Templates = Mapping[str, dict[str, Any]]


def spread(templates: Templates, name: str) -> tuple[Templates, dict[str, Templates]]:
    """Splits templates so that no document has too many.

    Args:
        templates: of the whole pipeline, by name.
        name: of the WorkflowTemplate.

    Returns:
        Its own templates, and those of further WorkflowTemplates by their name.

    Raises:
        BadPipeline: there are too many groups; they cannot be moved.
    """
    if len(templates) <= MAX_TEMPLATES:
        return templates, {}
    groups = {key: each for key, each in templates.items() if "container" not in each}
    if len(groups) > MAX_TEMPLATES:
        what = f"it has {len(groups)} groups, and a WorkflowTemplate takes {MAX_TEMPLATES} templates"
        raise BadPipeline(Finding(what, name, "split the pipeline, or loop over what repeats"))
    leaves = [key for key in templates if key not in groups]
    further = {
        f"{name}-{number // MAX_TEMPLATES + 2}": leaves[number : number + MAX_TEMPLATES]
        for number in range(0, len(leaves), MAX_TEMPLATES)
    }
    home = {key: document for document, keys in further.items() for key in keys}
    own = {key: _referring(each, home) for key, each in groups.items()}
    return own, {document: {key: templates[key] for key in keys} for document, keys in further.items()}


def _referring(template: dict[str, Any], home: Mapping[str, str]) -> dict[str, Any]:
    if "dag" not in template:
        return template
    tasks = [_pointing(task, home) for task in template["dag"]["tasks"]]
    return {**template, "dag": {**template["dag"], "tasks": tasks}}


def _pointing(task: dict[str, Any], home: Mapping[str, str]) -> dict[str, Any]:
    found = dict(task)
    if found["template"] in home:
        name = found.pop("template")
        found["templateRef"] = {"name": home[name], "template": name}
    if "hooks" in found:
        found["hooks"] = {key: _pointing(hook, home) for key, hook in found["hooks"].items()}
    return found
