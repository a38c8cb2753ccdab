"""Settings that a component wants to be told (`dsl.TaskConfig`), in place of its pod or beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pipelines.sdk.plan import Resources, Step

_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ENV": ("secretAsEnv", "configMapAsEnv", "fieldPathAsEnv"),
    "KUBERNETES_VOLUMES": ("pvcMount", "secretAsVolume", "configMapAsVolume"),
    "KUBERNETES_NODE_SELECTOR": ("nodeSelector",),
    "KUBERNETES_TOLERATIONS": ("tolerations",),
    "KUBERNETES_AFFINITY": ("nodeAffinity", "podAffinity"),
    "RESOURCES": (),
}
"""What each name means. As in KFP, emptyDirs, shared memory and ephemeral volumes are never handed over."""


def kept(step: Step) -> Step:
    """The step with the settings that its pod keeps.

    Args:
        step: says in `passthrough` which ones it hands to the component, and whether its pod keeps them too.
    """
    return _without(step, {name for name, applies in step.passthrough.items() if not applies})


def handed_over(step: Step) -> Step:
    """The step with the settings that its component is told, and no other."""
    told = {key for name in step.passthrough for key in _PARTS.get(name, ())}
    step = _without(step, set(_PARTS) - set(step.passthrough))
    return replace(step, kubernetes={key: value for key, value in step.kubernetes.items() if key in told})


def _without(step: Step, names: set[str]) -> Step:
    gone = {key for name in names for key in _PARTS.get(name, ())}
    return replace(
        step,
        kubernetes={key: value for key, value in step.kubernetes.items() if key not in gone},
        env={} if "ENV" in names else step.env,
        resources=Resources() if "RESOURCES" in names else step.resources,
    )
