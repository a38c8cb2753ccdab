"""Finds the placeholders in a text and takes them apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from .errors import LaunchError
from .records import dataclass

QUOTES = ("''", "'", '"')  # the first is what older compilers wrote into single-quoted YAML

ATTRIBUTES: Mapping[tuple[str, str], frozenset[str]] = {
    ("inputs", "parameters"): frozenset({""}),
    ("outputs", "parameters"): frozenset({"output_file"}),
    ("inputs", "artifacts"): frozenset({"", "name", "uri", "path", "metadata"}),
    ("outputs", "artifacts"): frozenset({"", "name", "uri", "path", "metadata"}),
}


@dataclass(frozen=True)
class Reference:
    """A placeholder, taken apart.

    Args:
        text: as it was written.
        side: `inputs` or `outputs`; empty for a fact about the run.
        kind: `parameters` or `artifacts`; empty for a fact.
        name: of the input, the output or the fact.
        attribute: `uri` and the like; empty where the whole is meant.
        keys: into metadata.
    """

    text: str
    side: str
    kind: str
    name: str
    attribute: str = ""
    keys: tuple[str | int, ...] = ()


def split(text: str) -> Iterator[str | Reference]:
    """The text cut at its placeholders.

    Raises:
        LaunchError: something that starts like a placeholder is none.
    """
    start = 0
    while (at := text.find("{{$", start)) >= 0:
        # `{{$name}}` and `{{ name }}` belong to other template languages: only `{{$}}` and `{{$.` are KFP's.
        if text[at + 3 : at + 4] not in (".", "}") or (end := text.find("}}", at + 3)) < 0:
            yield text[start : at + 3]
            start = at + 3
            continue
        reference = _reference(text, at)
        if reference is None:
            raise LaunchError(f"{text[at : end + 2]} is not a placeholder that exists")
        yield text[start:at]
        yield reference
        start = at + len(reference.text)
    yield text[start:]


def _reference(text: str, start: int) -> Reference | None:
    """The placeholder that starts there: up to the first `}}` with which it makes sense."""
    following = text.find("{{$", start + 1)
    limit = following if following >= 0 else len(text)
    end = text.find("}}", start, limit)
    while end >= 0:
        whole = text[start : end + 2]
        reference = _parse(whole, text[start + 3 : end])
        if reference:
            return reference
        end = text.find("}}", end + 1, limit)
    return None


def _parse(whole: str, inside: str) -> Reference | None:
    body = inside[1:]
    if not inside or re.fullmatch(r"[a-zA-Z_]+(\.output_file)?", body):
        return Reference(whole, "", "", body)
    head = re.match(r"(inputs|outputs)\.(parameters|artifacts)\[", body)
    if not head:
        return None
    side, kind = head.groups()
    dead: set[str] = set()
    for name, rest in _bracketed(body[head.end() - 1 :]):
        tail = re.match(r"(?:\.([a-z_]+))?", rest)
        attribute = (tail and tail.group(1)) or ""
        keys = _keys(rest[tail.end() :] if tail else rest, dead)
        known = attribute in ATTRIBUTES[side, kind] and (not keys or attribute == "metadata")
        if name and known and keys is not None:
            return Reference(whole, side, kind, name, attribute, keys)
    return None


def _bracketed(text: str) -> Iterator[tuple[str, str]]:
    """Every way to read `['name']rest`, shortest name first: a name can hold quotes and brackets itself."""
    for quote in QUOTES:
        if not text.startswith(f"[{quote}"):
            continue
        start, closing = 1 + len(quote), f"{quote}]"
        end = text.find(closing, start)
        while end >= 0:
            yield text[start:end], text[end + len(closing) :]
            end = text.find(closing, end + 1)


def _keys(text: str, dead: set[str]) -> tuple[str | int, ...] | None:
    """`['a'][0]` as its keys; None where the text is not of that form.

    Args:
        text: the rest of a placeholder.
        dead: rests known not to be of that form; without it, thirty keys had a billion readings.
    """
    if not text:
        return ()
    if text in dead:
        return None
    index = re.match(r"\[(\d+)\]", text)
    ways: Iterable[tuple[str | int, str]] = (
        [(int(index.group(1)), text[index.end() :])] if index else _bracketed(text)
    )
    for key, rest in ways:
        keys = _keys(rest, dead)
        if keys is not None:
            return (key, *keys)
    dead.add(text)
    return None
