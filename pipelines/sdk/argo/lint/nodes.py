"""Looking into documents that may have anything anywhere: what is not of the kind expected is absent."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pipelines.sdk.argo.lint.finding import Path


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping; empty where the value is none."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> Sequence[Any]:
    """A list; empty where the value is none."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Any) -> str:
    """A text; empty where the value is none."""
    return value if isinstance(value, str) else ""


def has(node: Any, key: str) -> bool:
    """Whether a key has a value: Kubernetes drops a null before it looks."""
    return mapping(node).get(key) is not None


def dig(node: Any, *keys: str) -> Any:
    """What stands below nested mappings; None where the way ends."""
    for key in keys:
        node = mapping(node).get(key)
    return node


def entries(node: Any, at: Path, *keys: str) -> list[tuple[Path, Mapping[str, Any]]]:
    """The mappings of a list below nested mappings, each with its path.

    Args:
        node: where the keys start.
        at: its path.
        keys: to the list.
    """
    found = enumerate(sequence(dig(node, *keys)))
    return [((*at, *keys, index), each) for index, each in found if isinstance(each, Mapping)]


def names(node: Any, *keys: str) -> set[str]:
    """The names of a list's entries."""
    return {text(each.get("name")) for _, each in entries(node, (), *keys)} - {""}


def texts(node: Any, at: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a value, in the order in which it stands there.

    Args:
        node: the value.
        at: its path.
    """
    stack: list[tuple[Path, Any]] = [(at, node)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, Mapping):
            stack.extend(((*path, str(key)), each) for key, each in reversed(list(value.items())))
        elif isinstance(value, list | tuple):
            stack.extend(((*path, index), value[index]) for index in reversed(range(len(value))))


def repeated(found: list[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    """Those names that an earlier entry has too.

    Args:
        found: the names, with their places.
    """
    seen: set[str] = set()
    for path, name in found:
        if name and name in seen:
            yield path, name
        seen.add(name)


def close_to(name: str, known: Collection[str]) -> str:
    """Advice about a name that is not known.

    Args:
        name: as written.
        known: those that exist.
    """
    near = difflib.get_close_matches(name, sorted(known), 1, 0.7)
    if near:
        return f"did you mean {near[0]}?"
    if not known:
        return ""
    listed = ", ".join(sorted(known)[:12])
    return f"known: {listed}{', ...' if len(known) > 12 else ''}"
