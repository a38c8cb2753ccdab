"""What applying documents would change: the server's own answer, beside what is there now."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_BOOKKEEPING = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
_KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Change:
    """What becomes of one object.

    Args:
        kind: of the object.
        name: of the object.
        action: create, update, unchanged or delete.
        diff: unified, of the object as YAML; empty where nothing changes or all of it is new.
    """

    kind: str
    name: str
    action: str
    diff: str = ""

    def to_json(self) -> dict[str, str]:
        """For `--json`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "action": self.action,
            **({"diff": self.diff} if self.diff else {}),
        }

    def __str__(self) -> str:
        """The object and what becomes of it, and the difference below that."""
        head = f"{self.action:9} {self.kind} {self.name}"
        return f"{head}\n{self.diff}".rstrip()


def between(
    live: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> Change:
    """The change from one state of an object to another.

    Args:
        live: as it is; None where it is not there.
        wanted: as the server says it would be.
        before: the object of another name whose place it takes; None where it takes nobody's.
    """
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    if live is not None and meant(live) == meant(wanted):
        return Change(kind, name, "unchanged")
    old = live or before
    if old is None:  # all of it is new; `compile` shows it
        return Change(kind, name, "create")
    lines = difflib.unified_diff(
        to_yaml(meant(old)).splitlines(),
        to_yaml(meant(wanted)).splitlines(),
        f"{kind}/{old['metadata']['name']} now",
        f"{kind}/{name} then",
        lineterm="",
    )
    return Change(kind, name, "update" if live else "create", "\n".join(lines))


def meant(document: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what the server and its controllers add for themselves."""
    metadata = {key: value for key, value in document["metadata"].items() if key not in _BOOKKEEPING}
    annotations = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k != _KUBECTL}
    if annotations:
        metadata["annotations"] = annotations
    rest = {key: value for key, value in document.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": metadata}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, so that a diff of code reads as one."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(document: Mapping[str, Any]) -> str:
    """An object as YAML that people read; the keys' order says nothing."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=True, width=1000, allow_unicode=True)
