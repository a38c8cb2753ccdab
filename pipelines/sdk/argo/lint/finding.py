"""What lint says: one finding, and the rules that give them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Path: TypeAlias = tuple[str | int, ...]
"""The keys and indices from a document's root to a value."""

ERROR = "error"
WARNING = "warning"

_PLAIN = re.compile(r"[A-Za-z_][-A-Za-z0-9_]*")
_S = TypeVar("_S")


@dataclass(frozen=True)
class LintFinding:
    """One thing that is wrong, or likely to be, in an Argo document.

    Args:
        file: in which it is; what the caller named the documents, where there is no file.
        object: `Kind/name` of the document; "" where it has none.
        path: of the value, as `spec.templates[2].dag.tasks[0].depends`.
        what: the problem.
        why: what Argo or Kubernetes would make of it.
        mend: what to do about it.
        severity: `error` (it will not work) or `warning` (it may not do what is meant).
        rule: the stable name of the rule.
        line: from 1; 0 where it is not known.
    """

    file: str
    object: str
    path: str
    what: str
    why: str
    mend: str
    severity: str
    rule: str
    line: int = 0


@dataclass(frozen=True)
class Hit:
    """Where a rule is broken.

    Args:
        path: of the value.
        what: the problem.
        mend: what to do about it.
        severity: where it is not the rule's own.
    """

    path: Path
    what: str
    mend: str
    severity: str = ""


@dataclass(frozen=True)
class Rule(Generic[_S]):
    """One rule of lint.

    Args:
        id: its stable name.
        why: what Argo or Kubernetes makes of a document that breaks it.
        check: gives the places where a subject breaks it.
        severity: of its findings.
    """

    id: str
    why: str
    check: Callable[[_S], Iterable[Hit]]
    severity: str = ERROR


@dataclass(frozen=True)
class Family(Generic[_S]):
    """Several rules that one look at a subject decides.

    Args:
        why: by the id of each rule, what Argo or Kubernetes makes of a document that breaks it.
        check: gives the ids of broken rules, and where.
        warnings: the ids of those whose findings are warnings.
    """

    why: Mapping[str, str]
    check: Callable[[_S], Iterable[tuple[str, Hit]]]
    warnings: frozenset[str] = frozenset()


def shown(path: Path) -> str:
    """A path as people write it: `spec.templates[2].name`.

    Args:
        path: of a value.
    """
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _PLAIN.fullmatch(key):
            text += f".{key}" if text else key
        else:
            text += f'["{key}"]'
    return text
