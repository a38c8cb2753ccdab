"""Files -> documents that know their lines; what cannot be read is a finding too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pipelines.sdk.argo.lint.finding import ERROR, LintFinding, Path
from pipelines.sdk.ir import yamltext

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Source:
    """A file that has been read.

    Args:
        file: its name.
        documents: those in it.
        lines: its text.
        findings: what hinders reading it.
    """

    file: str
    documents: tuple[Any, ...] = ()
    lines: tuple[str, ...] = ()
    findings: tuple[LintFinding, ...] = field(default=())


def sources(paths: Sequence[str | FilePath]) -> list[Source]:
    """Reads files; of a folder, every YAML and JSON file in it.

    Args:
        paths: of files and folders.
    """
    found: list[FilePath] = []
    for path in map(FilePath, paths):
        below = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES) if path.is_dir() else []
        found += below if path.is_dir() and below else [path]
    return [_source(path) for path in dict.fromkeys(found)]


def _source(path: FilePath) -> Source:
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return _unread(file, "unreadable-file", "it is no text file in UTF-8", "give YAML or JSON files")
    except (OSError, ValueError) as error:
        what = "it is a folder without YAML files" if path.is_dir() else _reason(error)
        return _unread(
            file, "unreadable-file", f"cannot read it: {what}", "give the path of a file that exists"
        )
    try:
        documents = yamltext.documents(text)
    except yamltext.BadYaml as error:
        return _unread(file, "not-yaml", error.what, "mend the YAML", error.line)
    lines = tuple(text.splitlines())
    if not documents:
        return _unread(
            file, "no-argo-kind", "the file is empty", "give a file with a Workflow or WorkflowTemplate"
        )
    return Source(file, tuple(documents), lines)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _unread(file: str, rule: str, what: str, mend: str, line: int = 0) -> Source:
    why = "Nothing in it can be checked."
    return Source(file, findings=(LintFinding(file, "", "", what, why, mend, ERROR, rule, line),))


def line_of(document: Any, path: Path, lines: Sequence[str]) -> int:
    """The line on which a value stands; of one that is missing, that of what should have it; 0 if not known.

    Args:
        document: as it was read.
        path: of the value.
        lines: of the file.
    """
    node, line = document, 0
    for key in path:
        if not isinstance(node, yamltext.Object | yamltext.Array):
            break
        inside = _child(node, key)
        if inside is None:
            return line or _first(document)
        recorded, value = inside
        # A mapping or list is recorded where it ends: its first value is nearer to its beginning.
        line = (
            _key_line(key, _first(value) or recorded, lines)
            if isinstance(value, Mapping | list)
            else recorded
        )
        node = value
    return line or _first(document)


def _child(node: yamltext.Object | yamltext.Array, key: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yamltext.Object) and isinstance(key, str) and key in node:
        return node.lines[key], node[key]
    if isinstance(node, yamltext.Array) and isinstance(key, int) and key < len(node):
        return node.lines[key], node[key]
    return None


def _first(node: Any) -> int:
    """The line of the first value in it that is no mapping and no list."""
    while isinstance(node, yamltext.Object | yamltext.Array) and node:
        key: Any = next(iter(node)) if isinstance(node, yamltext.Object) else 0
        line, node = node.lines[key], node[key]
        if not isinstance(node, yamltext.Object | yamltext.Array) or not node:
            return line
    return 0


def _key_line(key: str | int, line: int, lines: Sequence[str]) -> int:
    """The line of a key, which is a few above its first value."""
    if isinstance(key, int):
        return line
    for number in range(min(line, len(lines)), max(0, line - 20), -1):
        if lines[number - 1].strip().lstrip("- ").startswith((f"{key}:", f'"{key}":', f"'{key}':")):
            return number
    return line
