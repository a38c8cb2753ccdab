"""The words of a command, taken apart: what is known, what an expression gives, what only the pod knows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from pipelines.sdk.errors import Finding
from pipelines.sdk.launch import LaunchError
from pipelines.sdk.launch.placeholders import structure
from pipelines.sdk.launch.references import Reference, split


@dataclass(frozen=True)
class Known:
    """Text that is known when compiling."""

    text: str


@dataclass(frozen=True)
class Told:
    """Text that an expression gives before the step starts.

    Args:
        name: of the parameter that brings it to the step.
        expression: in the group's terms.
        plain: whether it never has a brace or a dollar sign.
    """

    name: str
    expression: str
    plain: bool = False


@dataclass(frozen=True)
class Later:
    """Text with tags that Argo replaces in the step's own template: never a brace or a dollar sign.

    Args:
        text: the text.
        expression: what gives it in an expression; empty where none does.
    """

    text: str
    expression: str = ""


Piece: TypeAlias = Known | Told | Later
Word: TypeAlias = "tuple[Piece | Choice, ...]"


@dataclass(frozen=True)
class Choice:
    """An `IfPresent`.

    Args:
        name: of the input.
        present: an expression that says whether it is there.
        then: words, where it is.
        otherwise: words, where it is not.
    """

    name: str
    present: str
    then: tuple[Word, ...]
    otherwise: tuple[Word, ...]


class Naming(Protocol):
    """Knows what placeholders stand for."""

    def piece(self, reference: Reference) -> Piece:
        """What a placeholder stands for.

        Raises:
            Inexpressible: only a launcher could say.
        """

    def present(self, name: str) -> bool | str:
        """Whether an input is there: True, False, or an expression.

        Raises:
            Inexpressible: there is no such input.
        """


class Inexpressible(Exception):
    """Something that Argo cannot do without a launcher in the step's image.

    Args:
        placeholder: as it is written in the command.
        why: it cannot.
        mend: what to do about it; empty where it is what helps with most of them.
    """

    def __init__(self, placeholder: str, why: str, mend: str = "") -> None:
        self.placeholder, self.why, self.mend = placeholder, why, mend
        super().__init__(f"{placeholder}: {why}")

    def finding(self, where: str, mend: str) -> Finding:
        """The same, for people.

        Args:
            where: the task.
            mend: what to do, where it says nothing of its own.
        """
        return Finding(f"{self.placeholder} {self.why}".rstrip(), where, self.mend or mend)


class Reader:
    """Takes the words of one step apart.

    Args:
        naming: says what placeholders stand for.
    """

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self.problems: list[Inexpressible] = []

    def words(self, elements: Sequence[str]) -> tuple[Word, ...]:
        """The words of a command; what cannot be said is noted as a problem.

        Args:
            elements: texts with placeholders, or the JSON of a `Concat` or `IfPresent`.
        """
        return tuple(word for element in elements for word in self._words(structure(element)))

    def _words(self, item: Any) -> Iterator[Word]:
        if isinstance(item, str):
            yield tuple(self._pieces(item))
        elif isinstance(item, list):
            for each in item:
                yield from self._words(each)
        elif isinstance(item, dict) and list(item) == ["Concat"]:
            yield tuple(piece for word in self._words(item["Concat"]) for piece in word)
        elif isinstance(item, dict) and list(item) == ["IfPresent"]:
            yield from self._chosen(item["IfPresent"])
        else:
            self._problem(json.dumps(item)[:60], "is neither text nor Concat nor IfPresent")

    def _pieces(self, text: str) -> Iterator[Piece]:
        try:
            for part in split(text):
                if isinstance(part, Reference):
                    yield self._naming.piece(part)
                elif part:
                    yield Known(part)
        except Inexpressible as error:
            self.problems.append(error)
        except LaunchError as error:
            self._problem(error.what, "")

    def _chosen(self, choice: Any) -> Iterator[Word]:
        name = choice.get("InputName") if isinstance(choice, dict) else None
        if not isinstance(name, str) or "Then" not in choice:
            self._problem(f"IfPresent {json.dumps(choice)[:60]}", "needs InputName and Then")
            return
        try:
            present = self._naming.present(name)
        except Inexpressible as error:
            self.problems.append(error)
            return
        branches = [() if each is None else tuple(self._words(each)) for each in _branches(choice)]
        if isinstance(present, bool):
            yield from branches[0 if present else 1]
        else:
            yield (Choice(name, present, branches[0], branches[1]),)

    def _problem(self, placeholder: str, why: str) -> None:
        self.problems.append(Inexpressible(placeholder, why))


def _branches(choice: Mapping[str, Any]) -> tuple[Any, Any]:
    return choice["Then"], choice.get("Else")
