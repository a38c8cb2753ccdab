"""How values travel through a workflow: texts that Argo moves unread, and what the reader does to them.

Argo would change data that it decodes and encodes again, so nothing is selected, unwrapped or filled in on
the way. A Carrier is a wire text together with a program (`via`) that the consumer's launcher applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from pipelines.sdk.launch import encode
from pipelines.sdk.launch.references import Reference
from pipelines.sdk.values import Json


@dataclass(frozen=True)
class Text:
    """A text that is known when compiling, or that Argo knows when it runs.

    Args:
        static: the text itself, where it is known.
        expression: what gives it, in Argo's expression language; empty where it is known.
        simple: the plain tag, or text with plain tags, that gives the same; empty where there is none.
        output: name of an output parameter of the task that it comes from, seen from the task's body.
    """

    static: str = ""
    expression: str = ""
    simple: str = ""
    output: str = ""

    def value(self) -> str:
        """As the value of an argument."""
        if not self.expression and not self.simple:
            return self.static
        return self.simple or "{{=" + self.expression + "}}"


@dataclass(frozen=True)
class Key:
    """The value under a key."""

    name: str


@dataclass(frozen=True)
class Index:
    """The element with a number."""

    at: Text


@dataclass(frozen=True)
class Lists:
    """What Argo collected from loops in each other."""

    levels: int


@dataclass(frozen=True)
class Or:
    """Another value, where there is none; `wire` is its wire text."""

    wire: str


@dataclass(frozen=True)
class Resolve:
    """Text of the pipeline's author with placeholders.

    Args:
        siblings: by the name that a placeholder has for it, a value; or the name of another input of the
            step itself.
        placeholders: all that are in it, each once.
    """

    siblings: tuple[tuple[str, Carrier | str], ...]
    placeholders: tuple[Reference, ...] = ()


Via: TypeAlias = Key | Index | Lists | Or | Resolve


@dataclass(frozen=True)
class Carrier:
    """A value on its way.

    Args:
        text: the wire text.
        via: what the reader does to it, in order.
        artifact: whether it is a record of an artifact, or a list of them.
        folders: for a list of artifacts, where below the run's root their bytes are.
    """

    text: Text
    via: tuple[Via, ...] = ()
    artifact: bool = False
    folders: tuple[str, ...] = ()

    def then(self, *via: Via) -> Carrier:
        """The same with more to do at its end."""
        return replace(self, via=(*self.via, *via))

    @property
    def levels(self) -> int:
        """Of loops whose outputs are collected in it."""
        return next((each.levels for each in self.via if isinstance(each, Lists)), 0)


def constant(value: Json) -> Carrier:
    """A value that is known."""
    return Carrier(Text(static=encode(value)))


def through(base: str, carrier: Carrier, give: Callable[[str, Text], Text]) -> Carrier:
    """The same value on the other side of a border: of a template's inputs, or its outputs.

    Args:
        base: name of the input or output.
        carrier: on this side.
        give: takes a name that would suit and a text, and gives the text as it is called on the other side.
    """
    text = give(f"{'a' if carrier.artifact else 'p'}-{base}", carrier.text)
    via: list[Via] = []
    for number, each in enumerate(carrier.via):
        if isinstance(each, Index):
            via.append(Index(give(f"i-{base}-{number}", each.at)))
        elif isinstance(each, Resolve):
            siblings = tuple((n, _sibling(f"{base}-{n}", s, give)) for n, s in each.siblings)
            via.append(replace(each, siblings=siblings))
        else:
            via.append(each)
    return replace(carrier, text=text, via=tuple(via))


def _sibling(base: str, sibling: Carrier | str, give: Callable[[str, Text], Text]) -> Carrier | str:
    return sibling if isinstance(sibling, str) else through(base, sibling, give)


def readings(name: str, carrier: Carrier) -> Iterator[tuple[str, Carrier]]:
    """A carrier and all that its placeholders name, each under the name of its own that `program` refers to.

    Args:
        name: of the input.
        carrier: its value.
    """
    yield name, carrier
    for each in carrier.via:
        if isinstance(each, Resolve):
            for placeholder, sibling in each.siblings:
                if isinstance(sibling, Carrier):
                    yield from readings(f"{name}.{placeholder}", sibling)


def program(name: str, carrier: Carrier) -> str:
    """What the launcher reads behind `--via`: a JSON list; indices are tags until Argo has put them in."""
    return f"[{','.join(_instruction(name, each) for each in carrier.via)}]"


def _instruction(name: str, each: Via) -> str:
    match each:
        case Key(key):
            return encode(key)
        case Index(at):
            return at.value()
        case Lists(levels):
            return f'{{"lists":{levels}}}'
        case Or(wire):
            return f'{{"or":{wire}}}'
        case Resolve(siblings, _):
            names = {n: s if isinstance(s, str) else f"{name}.{n}" for n, s in siblings}
            return encode({"resolve": names})
