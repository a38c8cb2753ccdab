"""YAML text -> plain JSON values that know on which lines they stand.

PyYAML's own composer calls itself for every level, in C: a file of a few kilobytes can end the process.
Here the parser's events are put together in a loop, with limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from pipelines.sdk.ir.yamltree import MAX_DEPTH, Array, BadYaml, Document, MergeKey, Object, Size
from pipelines.sdk.values import Json

__all__ = ["MAX_DEPTH", "Array", "BadYaml", "Object", "documents"]

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


def documents(text: str) -> list[Json]:
    """The documents of a YAML file, those that are empty left out.

    Args:
        text: of the file.

    Raises:
        BadYaml: where it is no YAML, or has what JSON does not: keys that are no texts or stand twice, NaN,
            tags of other types, values that contain themselves.
    """
    found: list[Json] = []
    current = Document()
    for event in _events(text):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            current = Document()
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


def _take(event: Any, document: Document, line: int) -> None:
    if isinstance(event, yaml.ScalarEvent):
        is_merge = document.at_key() and event.tag is None and _implicit(event, document.json) == "merge"
        value = MergeKey(event.value) if is_merge else _scalar(event, line, document.json)
        size = Size(characters=len(event.value))
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
