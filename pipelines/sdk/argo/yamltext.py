"""Writes documents as YAML that people review: code as code, nothing that two parsers read differently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

# Plain only where every YAML 1.1 and 1.2 parser sees a string: not `1e3`, `on`, `12:30`, `0x1f`, `~`, dates.
_PLAIN = re.compile(r"[A-Za-z/_][-A-Za-z0-9_./]*(?: [A-Za-z/_][-A-Za-z0-9_./]*)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_BLOCK = re.compile(r"[\t\n -~\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*")
_ONE_LINE = ({"name", "value"}, {"name", "valueFrom"}, {"path"}, {"name", "mountPath"})
_ONE_LINE_WIDTH = 140
_WIDTH = 2**20  # never folded: a folded line hides what changed


class _Dumper(yaml.CSafeDumper):
    """As SafeDumper without aliases, in libyaml, which takes a fifteenth of the time."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=_style(value))


def _style(value: str) -> str | None:
    # A block keeps code readable; it cannot hold blanks at the end of a line, nor what YAML does not print.
    if "\n" in value and _BLOCK.fullmatch(value) and not value.startswith((" ", "\n")):
        lines = value.split("\n")
        if not any(line != line.rstrip() or "\x85" in line or "\u2028" in line for line in lines):
            return "|"
    return None if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else '"'


def _mapping(dumper: _Dumper, value: dict[str, Any]) -> yaml.MappingNode:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", value.items())
    # Arguments and outputs are many and alike: one line each.
    node.flow_style = set(value) in _ONE_LINE and len(str(value)) <= _ONE_LINE_WIDTH
    return node


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)


def to_yaml(documents: Iterable[Mapping[str, Any]]) -> str:
    """Documents as one YAML stream, the same text for the same documents.

    Args:
        documents: of plain JSON values; the order of keys is kept.
    """
    texts = [
        yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
        for document in documents
    ]
    return "---\n".join(texts)
