"""The rules that Argo's schema states in CEL; an API server applies them before any controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.finding import Hit, Path
from pipelines.sdk.argo.lint.nodes import has, text

TEMPLATE_TYPES = (
    "container", "script", "dag", "steps", "resource", "suspend", "containerSet", "data", "http", "plugin",
)  # fmt: skip
POD_TYPES = frozenset({"container", "containerSet", "script", "resource", "data"})
LEAF_TYPES = POD_TYPES | {"http", "plugin"}
LOCATIONS = ("s3", "gcs", "git", "http", "raw", "hdfs", "oss", "azure", "artifactory", "plugin")


def broken(record: str, node: Mapping[str, Any], at: Path) -> Iterator[tuple[str, Hit]]:
    """The rules that a record breaks, by their ids.

    Args:
        record: its name.
        node: the record.
        at: its path.
    """
    for rule, check in _RULES.get(record, ()):
        hit = check(node, at)
        if hit:
            yield rule, hit


def _locations(node: Mapping[str, Any], at: Path) -> Hit | None:
    found = [each for each in LOCATIONS if has(node, each)]
    if len(found) < 2:
        return None
    return Hit((*at, found[1]), f"the artifact is at two places: {' and '.join(found)}", "keep one of them")


def _realtime(node: Mapping[str, Any], at: Path) -> Hit | None:
    if node.get("realtime") is not True or "resourcesDuration." not in text(node.get("value")):
        return None
    mend = "set `realtime: false`"
    return Hit((*at, "value"), "a real-time gauge cannot show resourcesDuration", mend)


def _sequence(node: Mapping[str, Any], at: Path) -> Hit | None:
    if not (has(node, "count") and has(node, "end")):
        return None
    return Hit((*at, "end"), "withSequence has both `count` and `end`", "keep one of them")


def _depends_twice(node: Mapping[str, Any], at: Path) -> Hit | None:
    if not (has(node, "depends") and has(node, "dependencies")):
        return None
    mend = 'write all of them in `depends`, as "a.Succeeded && b.Succeeded"'
    return Hit((*at, "dependencies"), "the task has both `depends` and `dependencies`", mend)


def _continue_on(node: Mapping[str, Any], at: Path) -> Hit | None:
    if not (has(node, "depends") and has(node, "continueOn")):
        return None
    mend = "say it where the next task depends on this one: `depends: task.Succeeded || task.Failed`"
    return Hit((*at, "continueOn"), "a task with `depends` cannot have `continueOn`", mend)


def _digit(node: Mapping[str, Any], at: Path) -> Hit | None:
    name = text(node.get("name"))
    if not name[:1].isdigit() or not (has(node, "depends") or has(node, "dependencies")):
        return None
    what = f"the task's name {name!r} begins with a digit, and the task depends on others"
    return Hit((*at, "name"), what, "put a letter first")


def _manifests(node: Mapping[str, Any], at: Path) -> Hit | None:
    if not (has(node, "manifest") and has(node, "manifestFrom")):
        return None
    return Hit((*at, "manifestFrom"), "there are both `manifest` and `manifestFrom`", "keep one of them")


def _types(node: Mapping[str, Any], at: Path) -> Hit | None:
    found = [each for each in TEMPLATE_TYPES if has(node, each)]
    if len(found) < 2:
        return None
    what = f"the template is two things at once: {' and '.join(found)}"
    return Hit((*at, found[1]), what, "make a template of each")


def _limit_of_group(field: str) -> Callable[[Mapping[str, Any], Path], Hit | None]:
    def check(node: Mapping[str, Any], at: Path) -> Hit | None:
        kind = next((each for each in ("dag", "steps") if has(node, each)), "")
        if not kind or not node.get(field):
            return None
        mend = f"set {field} on the templates that run pods, or activeDeadlineSeconds on the whole workflow"
        return Hit((*at, field), f"{field} on a template of type {kind}", mend)

    return check


_Check = Callable[[Mapping[str, Any], Path], Hit | None]
_ONE_PLACE: tuple[tuple[str, _Check], ...] = (("artifact-locations", _locations),)
_RULES: Mapping[str, tuple[tuple[str, _Check], ...]] = {
    "Artifact": _ONE_PLACE,
    "ArtifactLocation": _ONE_PLACE,
    "ArtifactPaths": _ONE_PLACE,
    "Gauge": (("gauge-realtime", _realtime),),
    "Sequence": (("sequence-count-or-end", _sequence),),
    "DAGTask": (
        ("depends-or-dependencies", _depends_twice),
        ("depends-and-continue-on", _continue_on),
        ("task-name-digit", _digit),
    ),
    "ResourceTemplate": (("manifest-twice", _manifests),),
    "Template": (
        ("template-types", _types),
        ("timeout-on-group", _limit_of_group("timeout")),
        ("deadline-on-group", _limit_of_group("activeDeadlineSeconds")),
    ),
}
