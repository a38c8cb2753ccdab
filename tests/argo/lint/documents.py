"""Valid documents, and broken ones made from them."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
DELETE = "DELETE"


@dataclass(frozen=True)
class Case:
    """A broken document, the rule that it breaks, and where.

    Args:
        rule: the id of the rule.
        at: the path of the finding.
        put: values, by the paths where they go; "DELETE" takes one away.
        of: the valid document from which it is made.
        also: other rules that it cannot but break.
        argo: the version for which it is broken.
        severity: of the finding.
    """

    rule: str
    at: str
    put: Mapping[str, Any]
    of: str = "workflow"
    also: tuple[str, ...] = ()
    argo: str = "4.1"
    severity: str = "error"


def valid(name: str) -> dict[str, Any]:
    """A document with which nothing is wrong: `workflow`, `template` or `cron`."""
    return copy.deepcopy(_read(name))


@cache
def _read(name: str) -> dict[str, Any]:
    return yaml.safe_load((HERE / "valid" / f"{name}.yaml").read_text())


def broken(case: Case) -> dict[str, Any]:
    """The document of a case."""
    document = valid(case.of)
    for path, value in case.put.items():
        put(document, path, copy.deepcopy(value))
    return document


def put(document: Any, path: str, value: Any) -> None:
    """Puts a value at a path as `spec/templates/0/name`."""
    *way, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    for key in way:
        document = document.setdefault(key, {}) if isinstance(document, dict) else document[key]
    if value == DELETE:
        del document[last]
    elif isinstance(document, list) and last == len(document):
        document.append(value)
    else:
        document[last] = value


def cases() -> list[Case]:
    """Those of the files, and those that are too large to be written down."""
    entries = [
        each for file in sorted((HERE / "broken").glob("*.yaml")) for each in yaml.safe_load(file.read_text())
    ]
    return [*map(_case, entries), *_large()]


def _case(entry: dict[str, Any]) -> Case:
    if "is" in entry:
        entry["put"] = {re.sub(r"[.\[]", "/", entry["at"]).replace("]", ""): entry.pop("is")}
    return Case(**{**entry, "also": tuple(entry.get("also", ()))})


def _large() -> list[Case]:
    templates = {f"spec/templates/{i}": {"name": f"t{i}", "suspend": {}} for i in range(7, 201)}
    tasks = {f"spec/templates/0/dag/tasks/{i}": {"name": f"t{i}", "template": "pause"} for i in range(3, 201)}
    inputs = {
        f"spec/templates/4/inputs/parameters/{i}": {"name": f"p{i}", "default": ""} for i in range(1, 501)
    }
    megabyte = "x" * 2**20
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": megabyte}}
    arguments = {"spec/templates/1/container/args/0": megabyte[: 2**18]}
    at = "spec.templates[0].dag.tasks"
    return [
        Case("too-many-items", "spec.templates", templates),
        Case("too-many-items", at, tasks),
        Case("too-many-items", at, tasks, argo="3.7", severity="warning"),
        Case("too-many-items", "spec.templates[4].inputs.parameters", inputs),
        Case("configmap-size", "data", config_map, "template", ("no-argo-kind",)),
        Case("workflow-size", "spec", {"metadata/annotations/a": megabyte}),
        Case("template-size", "spec.templates[1]", arguments, severity="warning"),
    ]
