"""More templates than one WorkflowTemplate can have: some go to further ones, by `templateRef`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_TEMPLATES = 200
"""maxItems of the templates in the kinds of Argo 4."""

Templates = Mapping[str, dict[str, Any]]


def spread(templates: Templates, name: str) -> tuple[Templates, dict[str, Templates]]:
    """Splits templates so that no document has too many.

    What a template calls by its name alone, Argo looks for in the document that the template itself is in.

    Args:
        templates: of the whole pipeline, by name; the entrypoint first.
        name: of the WorkflowTemplate.

    Returns:
        Its own templates, and those of further WorkflowTemplates by their name.
    """
    if len(templates) <= MAX_TEMPLATES:
        return templates, {}
    groups = [key for key, each in templates.items() if "container" not in each]
    leaves = [key for key, each in templates.items() if "container" in each]
    parts = {name: groups[:MAX_TEMPLATES]}
    rest = [*groups[MAX_TEMPLATES:], *leaves]
    for number in range(0, len(rest), MAX_TEMPLATES):
        parts[f"{name}-{number // MAX_TEMPLATES + 2}"] = rest[number : number + MAX_TEMPLATES]
    home = {key: document for document, keys in parts.items() for key in keys}
    placed: dict[str, Templates] = {
        document: {key: _referring(templates[key], document, home) for key in keys}
        for document, keys in parts.items()
    }
    return placed.pop(name), placed


def _referring(template: dict[str, Any], document: str, home: Mapping[str, str]) -> dict[str, Any]:
    if "dag" not in template:
        return template
    tasks = [_pointing(task, document, home) for task in template["dag"]["tasks"]]
    return {**template, "dag": {**template["dag"], "tasks": tasks}}


def _pointing(task: dict[str, Any], document: str, home: Mapping[str, str]) -> dict[str, Any]:
    found = dict(task)
    if home[found["template"]] != document:
        name = found.pop("template")
        found["templateRef"] = {"name": home[name], "template": name}
    if "hooks" in found:
        found["hooks"] = {key: _pointing(hook, document, home) for key, hook in found["hooks"].items()}
    return found
