"""YAML's events put together to plain JSON values that know on which lines they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pipelines.sdk.values import Json

MAX_DEPTH = 100
"""Levels of nesting."""
MAX_VALUES = 1_000_000
"""Values of a file, those behind an alias counted each time it is used."""
MAX_CHARACTERS = 64_000_000
"""Of all texts, counted likewise."""


class BadYaml(Exception):
    """The text cannot be read.

    Args:
        what: the problem.
        line: on which it is, from 1; 0 where that is not known.
    """

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what, line)
        self.what = what
        self.line = line


class Object(dict[str, Any]):
    """A JSON object; `lines` has the line of each key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}

    def merge(self, other: Object) -> None:
        """Takes the keys of another mapping that it has not."""
        for key in [each for each in other if each not in self]:
            self[key] = other[key]
            self.lines[key] = other.lines[key]


class Array(list[Any]):
    """A JSON array; `lines` has the line of each element."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


class MergeKey(str):
    """`<<` where it is a key, which brings the keys of other mappings in."""

    __slots__ = ()


Container: TypeAlias = Object | Array


@dataclass(frozen=True)
class Size:
    """What a value unfolds to: its levels, values and characters."""

    depth: int = 0
    values: int = 1
    characters: int = 0


@dataclass
class _Frame:
    """A mapping or sequence that is being read.

    `key` is the one that waits for its value; `merged` has the mappings that `<<` brings in.
    """

    container: Container
    anchor: str | None
    depth: int = 0
    values: int = 1
    characters: int = 0
    key: str | None = None
    merged: list[Object] = field(default_factory=list)


@dataclass
class Document:
    """A document that is being read; `json` says that it is in braces, as JSON is."""

    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Json, Size]] = field(default_factory=dict)
    root: Json = None
    json: bool = False

    def add(self, value: Json, size: Size, line: int) -> None:
        """Puts a value where it belongs."""
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        frame.depth = max(frame.depth, size.depth)
        frame.values += size.values
        frame.characters += size.characters
        if len(self.stack) + size.depth > MAX_DEPTH:
            raise BadYaml(f"it is nested more than {MAX_DEPTH} levels deep", line)
        if frame.values > MAX_VALUES or frame.characters > MAX_CHARACTERS:
            raise BadYaml("it unfolds to more than a pipeline can be (aliases of aliases?)", line)
        if isinstance(frame.container, Array):
            frame.container.append(value)
            frame.container.lines.append(line)
        elif frame.key is None:
            frame.key = _key(value, frame.container, line)
        elif isinstance(frame.key, MergeKey):
            frame.merged += _mappings(value, line)
            frame.key = None
        else:
            frame.container[frame.key] = value
            frame.container.lines[frame.key] = line
            frame.key = None

    def at_key(self) -> bool:
        """Whether what comes next is the key of a mapping."""
        frame = self.stack[-1] if self.stack else None
        return frame is not None and isinstance(frame.container, Object) and frame.key is None

    def open(self, container: Container, anchor: str | None, line: int, *, flow: bool) -> None:
        """Starts a mapping or sequence."""
        if not self.stack:
            self.json = flow
        if len(self.stack) >= MAX_DEPTH:
            raise BadYaml(f"it is nested more than {MAX_DEPTH} levels deep", line)
        if self.at_key():
            raise BadYaml("a mapping or list cannot be a key", line)
        self.stack.append(_Frame(container, anchor))

    def close(self, line: int) -> None:
        """Ends it. Only now can an alias name it, so that nothing contains itself."""
        frame = self.stack.pop()
        if isinstance(frame.container, Object):
            for each in frame.merged:  # what is written out counts, then what comes first
                frame.container.merge(each)
        size = Size(frame.depth + 1, frame.values, frame.characters)
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.container, size)
        self.add(frame.container, size, line)


def _mappings(value: Json, line: int) -> list[Object]:
    """What the value of a merge key brings in."""
    found = value if isinstance(value, Array) else [value]
    mappings = [each for each in found if isinstance(each, Object)]
    if len(mappings) < len(found):
        raise BadYaml("a merge key (<<) takes a mapping, or a list of mappings", line)
    return mappings


def _key(value: Json, mapping: Object, line: int) -> str:
    if not isinstance(value, str):
        raise BadYaml(f"the key {value!r} is no text: put it in quotes", line)
    if value in mapping:
        raise BadYaml(f"the key {value!r} stands twice", line)
    return value
