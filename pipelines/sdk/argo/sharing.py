"""What all containers of a workflow have in common is said once, in `templateDefaults`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OWN = ("image", "command", "args")
MERGED = ("env", "volumeMounts")
"""Lists that Argo merges with a template's own by the name of their entries."""


def shared(templates: Mapping[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Splits containers into what all have and what is each one's own.

    Args:
        templates: by name.

    Returns:
        The common fields, and the templates without them.
    """
    containers = [each["container"] for each in templates.values() if "container" in each]
    common: dict[str, Any] = {}
    for key in containers[0] if containers else ():
        if key in MERGED:
            common[key] = [e for e in containers[0][key] if all(e in c.get(key, []) for c in containers)]
        elif key not in OWN and all(each.get(key) == containers[0][key] for each in containers):
            common[key] = containers[0][key]
    common = {key: value for key, value in common.items() if value}
    return common, {name: _without(template, common) for name, template in templates.items()}


def _without(template: dict[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    if "container" not in template:
        return template
    container = dict(template["container"])
    for key, value in common.items():
        rest = [each for each in container[key] if each not in value] if key in MERGED else []
        container[key] = rest
    return {**template, "container": {key: value for key, value in container.items() if value != []}}
