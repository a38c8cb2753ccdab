"""Values as they reach a pod: a text, and a program of what is left to do with it.

Argo would change data that it decodes and encodes again. So a value travels as it was written, and what a
pipeline does to it on the way (selecting, collecting, filling in) is done here, by its reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from . import wire
from .errors import LaunchError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

Program: TypeAlias = "Sequence[Any]"
"""Of `--via`: a key, an index, `{"lists": n}`, `{"or": value}` or `{"resolve": {placeholder: name}}`."""

Resolver: TypeAlias = "Callable[[Any, Mapping[str, str]], Any]"
"""Resolves the placeholders in a value, given the name of what each stands for."""


def read_program(text: str) -> Program:
    """The program of a `--via`.

    Raises:
        LaunchError: it is none.
    """
    program = wire.decode(text)
    if not isinstance(program, list) or not all(map(_is_instruction, program)):
        raise LaunchError(f"{shorten(text)} is no program of selections")
    return program


def _is_instruction(each: Any) -> bool:
    if isinstance(each, dict):
        kinds = {"lists": int, "or": object, "resolve": dict}
        return len(each) == 1 and all(isinstance(v, kinds.get(k, ())) for k, v in each.items())
    return isinstance(each, (int, str)) and not isinstance(each, bool)


def arrived(text: str) -> str:
    """The wire text of a value; null for what a skipped task would have given.

    Args:
        text: what Argo has put in its place: some controllers leave nothing there, or the reference itself.
    """
    return wire.NULL if not text or text.startswith("{{") else text


def apply(value: Any, program: Program, resolve: Resolver, flat: bool = False) -> Any:
    """What a value comes to.

    Args:
        value: as it came.
        program: what is to be done with it.
        resolve: for `{"resolve": ...}`.
        flat: whether lists of lists become one list without gaps, as those of artifacts do.

    Raises:
        LaunchError: the value has no such key or index, or is no aggregate of lists.
    """
    for each in program:
        if not isinstance(each, dict):
            value = select(value, each)
        elif "lists" in each:
            value = unwrap(value, each["lists"])
            if flat:
                value = list(_flattened(value))
        elif "or" in each:
            value = each["or"] if value is None else value
        else:
            value = resolve(value, each["resolve"])
    return value


def select(value: Any, key: int | str) -> Any:
    """The element of a list, or the value under a key; a text is read as JSON first.

    Raises:
        LaunchError: there is none.
    """
    if isinstance(value, str):  # lists and dicts may travel as texts
        value = wire.decode(value)
    try:
        if isinstance(value, dict) and isinstance(key, str):
            return value[key]
        if isinstance(value, list) and isinstance(key, int) and key >= 0:
            return value[key]
    except (KeyError, IndexError):
        pass
    noun = "the key" if isinstance(key, str) else "an element"
    raise LaunchError(
        f"{shorten(value)} does not have {noun} {key!r}, which the pipeline selects",
        mend="look at what the step before gave",
    )


def unwrap(value: Any, levels: int) -> Any:
    """The values in what Argo collected from loops in each other.

    Argo puts texts that are JSON lists or objects into its aggregate as JSON, but only where all of them
    are; so each level can be a list, or text that holds one.

    Args:
        value: the aggregate, or an element of one.
        levels: how many loops; the innermost elements are twins, or null for no value.

    Raises:
        LaunchError: it is of another form.
    """
    found = wire.decode(value) if isinstance(value, str) else value
    if found is None:  # a loop that was skipped, or an iteration that gave nothing
        return None
    if levels == 0:
        if not isinstance(found, str):
            raise LaunchError(f"{shorten(value)} is not the output of an iteration")
        return wire.decode(found)
    if not isinstance(found, list):
        raise LaunchError(f"{shorten(value)} is not what a loop gives")
    return [unwrap(element, levels - 1) for element in found]


def _flattened(value: Any) -> Any:
    if isinstance(value, list):
        for element in value:
            yield from _flattened(element)
    elif value is not None:
        yield value
