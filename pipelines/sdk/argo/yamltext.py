"""Writes documents as YAML that people review: code as code, nothing that two parsers read differently.

PyYAML's own emitter looks at every character several times; it took most of the time that compiling takes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any

# Plain only where every YAML 1.1 and 1.2 parser sees a string: not `1e3`, `on`, `12:30`, `0x1f`, `~`, dates.
_PLAIN = re.compile(r"[A-Za-z/_][-A-Za-z0-9_./]*(?: [A-Za-z/_][-A-Za-z0-9_./]*)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_PRINTED = r" -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
_BLOCK = re.compile(rf"[\n{_PRINTED}]*")
_ESCAPED = re.compile(rf'["\\]|[^{_PRINTED}]')
_SHORT = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_ONE_LINE = ({"name", "value"}, {"name", "valueFrom"}, {"path"}, {"name", "mountPath"})
_ONE_LINE_WIDTH = 140
_STEP = "  "


def to_yaml(documents: Iterable[Mapping[str, Any]]) -> str:
    """Documents as one YAML stream, the same text for the same documents.

    Args:
        documents: of plain JSON values; the order of keys is kept.
    """
    return "---\n".join(map(_document, documents))


def _document(document: Mapping[str, Any]) -> str:
    lines: list[str] = []
    _below(lines, document, "", "")
    return "\n".join(lines or ["{}"]) + "\n"


def _below(lines: list[str], value: Any, pad: str, first: str) -> None:
    """Adds a mapping or list over several lines.

    Args:
        lines: to add to.
        value: it.
        pad: before each of its lines,
        first: but before the first one.
    """
    named = isinstance(value, Mapping)
    heads = (f"{_text(key)}:" for key in value) if named else repeat("-")
    for head, each in zip(heads, value.values() if named else value, strict=False):
        if not _is_tall(each):
            lines.append(f"{first}{head} {_flat(each, pad + _STEP)}")
        elif not named:
            _below(lines, each, pad + _STEP, f"{first}- ")
        else:
            lines.append(first + head)
            inner = pad + _STEP if isinstance(each, Mapping) else pad  # lists as kubectl writes them
            _below(lines, each, inner, inner)
        first = pad


def _is_tall(value: Any) -> bool:
    if not isinstance(value, Mapping | list | tuple) or not value:
        return False
    # Arguments and outputs are many and alike: one line each.
    return not (isinstance(value, dict) and set(value) in _ONE_LINE and len(str(value)) <= _ONE_LINE_WIDTH)


def _flat(value: Any, pad: str = "") -> str:
    """A value as it stands behind its key; with `pad`, text can go on over lines of that indentation."""
    if isinstance(value, str):
        return _block(value, pad) if pad and _is_block(value) else _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_flat(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return _number(value) if isinstance(value, float) else json.dumps(value)


def _number(value: float) -> str:
    """A number that YAML 1.1 takes for one: 1e+16 without a point is text there."""
    if not math.isfinite(value):
        return f"{value}".replace("inf", ".inf").replace("nan", ".nan")
    text = repr(value)
    return text.replace("e", ".0e", 1) if "e" in text and "." not in text else text


def _text(value: str) -> str:
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain else f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT.get(found[0]) or (f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}")


def _is_block(value: str) -> bool:
    """Whether a text can be shown line by line: YAML finds no blanks there that it would lose or mistake."""
    return (
        "\n" in value
        and not value.startswith((" ", "\n"))
        and not value.endswith(" ")
        and " \n" not in value
        and _BLOCK.fullmatch(value) is not None
    )


def _block(value: str, pad: str) -> str:
    kept = "-" if not value.endswith("\n") else "+" if value.endswith("\n\n") else ""
    lines = value.removesuffix("\n").split("\n")
    return "\n".join([f"|{kept}", *(pad + line if line else "" for line in lines)])
