"""YAML text -> plain JSON values that know on which lines they stand.

PyYAML's own composer calls itself for every level, in C: a file of a few kilobytes can end the process.
Here the parser's events are put together in a loop, with limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from pipelines.sdk.values import Json

MAX_DEPTH = 100
"""Levels of nesting."""
MAX_VALUES = 1_000_000
"""Values of a file, those behind an alias counted each time it is used."""
MAX_CHARACTERS = 64_000_000
"""Of all texts, counted likewise."""

# 1e-07 is a number in JSON, but a text in the YAML that kfp writes.
_JSON_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+")
_TAG = "tag:yaml.org,2002:"
_RESOLVERS = yaml.resolver.Resolver.yaml_implicit_resolvers
_CONSTRUCTORS = {
    "null": yaml.constructor.SafeConstructor.construct_yaml_null,
    "bool": yaml.constructor.SafeConstructor.construct_yaml_bool,
    "int": yaml.constructor.SafeConstructor.construct_yaml_int,
    "float": yaml.constructor.SafeConstructor.construct_yaml_float,
}


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


class Array(list[Any]):
    """A JSON array; `lines` has the line of each element."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


Container: TypeAlias = Object | Array


@dataclass(frozen=True)
class _Size:
    """What a value unfolds to: its levels, values and characters."""

    depth: int = 0
    values: int = 1
    characters: int = 0


@dataclass
class _Frame:
    """A mapping or sequence that is being read; `key` is the one that waits for its value."""

    container: Container
    anchor: str | None
    depth: int = 0
    values: int = 1
    characters: int = 0
    key: str | None = None


@dataclass
class _Document:
    """A document that is being read; `json` says that it is in braces, as JSON is."""

    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Json, _Size]] = field(default_factory=dict)
    root: Json = None
    json: bool = False

    def add(self, value: Json, size: _Size, line: int) -> None:
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
        else:
            frame.container[frame.key] = value
            frame.container.lines[frame.key] = line
            frame.key = None

    def open(self, container: Container, anchor: str | None, line: int, *, flow: bool) -> None:
        """Starts a mapping or sequence."""
        if not self.stack:
            self.json = flow
        if len(self.stack) >= MAX_DEPTH:
            raise BadYaml(f"it is nested more than {MAX_DEPTH} levels deep", line)
        if self.stack and isinstance(self.stack[-1].container, Object) and self.stack[-1].key is None:
            raise BadYaml("a mapping or list cannot be a key", line)
        self.stack.append(_Frame(container, anchor))

    def close(self, line: int) -> None:
        """Ends it. Only now can an alias name it, so that nothing contains itself."""
        frame = self.stack.pop()
        size = _Size(frame.depth + 1, frame.values, frame.characters)
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.container, size)
        self.add(frame.container, size, line)


def documents(text: str) -> list[Json]:
    """The documents of a YAML file, those that are empty left out.

    Args:
        text: of the file.

    Raises:
        BadYaml: where it is no YAML, or has what JSON does not: keys that are no texts or stand twice, NaN,
            tags of other types, values that contain themselves.
    """
    found: list[Json] = []
    current = _Document()
    for event in _events(text):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            current = _Document()
        elif isinstance(event, yaml.DocumentEndEvent):
            found += [] if current.root is None else [current.root]
        else:
            _take(event, current, line)
    return found


def _events(text: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(filter(None, (error.context, error.problem)))
        raise BadYaml(f"not YAML: {what}", mark.line + 1 if mark else 0) from error
    except yaml.YAMLError as error:
        raise BadYaml(f"not YAML: {' '.join(str(error).split())}") from error


def _take(event: Any, document: _Document, line: int) -> None:
    if isinstance(event, yaml.ScalarEvent):
        value = _scalar(event, line, document.json)
        size = _Size(characters=len(event.value))
        if event.anchor:
            document.anchors[event.anchor] = (value, size)
        document.add(value, size, line)
    elif isinstance(event, yaml.AliasEvent):
        if event.anchor not in document.anchors:
            raise BadYaml(f"alias *{event.anchor} names nothing that stands whole above it", line)
        document.add(*document.anchors[event.anchor], line)
    elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"{_TAG}{'map' if mapping else 'seq'}"):
            raise BadYaml(f"tag {event.tag} is nothing that JSON has", line)
        document.open(Object() if mapping else Array(), event.anchor, line, flow=bool(event.flow_style))
    elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
        document.close(line)


def _key(value: Json, mapping: Object, line: int) -> str:
    if not isinstance(value, str):
        raise BadYaml(f"the key {value!r} is no text: put it in quotes", line)
    if value == "<<":
        raise BadYaml("merge keys (<<) are not read: write out what they stand for", line)
    if value in mapping:
        raise BadYaml(f"the key {value!r} stands twice", line)
    return value


def _scalar(event: Any, line: int, json: bool) -> Json:
    tag = event.tag.removeprefix(_TAG) if event.tag not in (None, "!") else _implicit(event, json)
    if tag in ("str", "merge", "timestamp", "value") and event.tag in (None, "!", f"{_TAG}str"):
        return str(event.value)  # dates, `=` and `<<` are texts to JSON
    if tag not in _CONSTRUCTORS:
        raise BadYaml(f"tag {event.tag} is nothing that JSON has", line)
    node = yaml.ScalarNode(f"{_TAG}{tag}", event.value)
    try:
        value: Json = _CONSTRUCTORS[tag](yaml.constructor.SafeConstructor(), node)
    except (ValueError, LookupError) as error:
        shown = event.value if len(event.value) <= 40 else f"{event.value[:40]}..."
        raise BadYaml(f"{shown!r} is no value of type {tag}", line) from error
    if isinstance(value, float) and not math.isfinite(value):
        raise BadYaml(f"{event.value} is no number that JSON has", line)
    return value


def _implicit(event: Any, json: bool) -> str:
    if not event.implicit[0]:  # it is quoted
        return "str"
    if json and _JSON_NUMBER.fullmatch(event.value):
        return "float"
    for tag, expression in _RESOLVERS.get(event.value[:1], []):
        if expression.match(event.value):
            return str(tag).removeprefix(_TAG)
    return "str"
