"""The command of a native step: fields of its container, and the arguments that bring texts into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from pipelines.sdk.argo.exprlang import fail, given, literal, of_input, tag
from pipelines.sdk.argo.names import Names, parameter_names
from pipelines.sdk.argo.native.texts import for_kubelet, joined
from pipelines.sdk.argo.native.words import Choice, Inexpressible, Known, Later, Piece, Told, Word
from pipelines.sdk.argo.pods.environment import BRACE

ARGS = "args"
"""Parameter with all arguments as JSON, where their number depends on what is there."""

MAX_CHARACTERS = 120_000
"""Of a command's words. Beyond 128 KiB Argo brings them in a file, where no kubelet replaces anything."""

_LONGEST = 33_000  # characters of a parameter, by the limit of the wire format

_SPLICED = f'{{"containers":[{{"name":"main","args":{tag(of_input(ARGS))}}}]}}'


@dataclass(frozen=True)
class Command:
    """A command that Argo and the kubelet turn into the words that are meant.

    Args:
        container: `command` and `args`.
        template: fields of the template beside the container.
        env: variables that the words refer to.
        arguments: expressions, by parameter of the template.
    """

    container: Mapping[str, Any]
    template: Mapping[str, Any] = field(default_factory=dict)
    env: tuple[Mapping[str, str], ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)


def command(entry: Sequence[Word], args: Sequence[Word]) -> Command:
    """Writes a command.

    Args:
        entry: words of the command, at least one.
        args: words behind it.

    Raises:
        Inexpressible: something depends both on the pod and on an input that may be absent.
    """
    entry = _with_program(entry)
    writer, words = _Writer(), (*entry, *args)
    constant = sum(len(piece.text) + 2 for word in words for piece in word if isinstance(piece, Known))
    if constant > MAX_CHARACTERS:
        what = (
            f"has {constant:,} characters, and the words of a program's command can have {MAX_CHARACTERS:,}"
        )
        raise Inexpressible("its command", what, "put the script into the image, or let it read an artifact")
    fixed = next((at for at, word in enumerate(words) if _chosen(word)), len(words))
    if not fixed:
        raise Inexpressible("an IfPresent", "cannot be the program itself", "write the program before it")
    written = [writer.word(each) for each in words[:fixed]]
    if fixed == len(words):
        container = {"command": written[: len(entry)], "args": written[len(entry) :]}
        return Command(container, {}, writer.env(), _bounded(writer.arguments, constant))
    writer.arguments[ARGS] = _all(words[fixed:], writer)
    # Argo wraps the command that it finds after the patch, so a patch can have any number of words.
    arguments = _bounded(writer.arguments, constant)
    return Command({"command": written}, {"podSpecPatch": _SPLICED}, writer.env(), arguments)


def _with_program(entry: Sequence[Word]) -> Sequence[Word]:
    """The command with a first word that is always there, where an IfPresent gives it either way."""
    first = entry[0][0] if entry and _chosen(entry[0]) else None
    if not isinstance(first, Choice) or not first.then or not first.otherwise:
        return entry
    program = replace(first, then=first.then[:1], otherwise=first.otherwise[:1])
    rest = replace(first, then=first.then[1:], otherwise=first.otherwise[1:])
    return ((program, Known("")), (rest,), *entry[1:])


def _bounded(arguments: Mapping[str, str], constant: int) -> dict[str, str]:
    """The expressions of a command's texts, of which the last one fails where together they are too long."""
    found = dict(arguments)
    if constant + len(found) * _LONGEST > MAX_CHARACTERS:
        *_, last = found
        too_long = fail(f"the words of a command have more than {MAX_CHARACTERS} characters")
        room = f"len(join(#, '')) > {MAX_CHARACTERS - constant} ? {too_long} : last(#)"
        found[last] = given(f"[{', '.join(found.values())}]", room)
    return found


def image(word: Word, arguments: dict[str, str]) -> str:
    """An image with placeholders in its name.

    Args:
        word: the name.
        arguments: takes what has to be given to the template.
    """
    if all(isinstance(piece, Known) for piece in word):
        return _known(word)
    name = literal("^[-A-Za-z0-9._/:@]+$")
    arguments["image"] = given(_raw(word), f"# matches {name} ? # : {fail('the image is no name of one')}")
    return tag(of_input("image"))


def _chosen(word: Word) -> bool:
    return len(word) == 1 and isinstance(word[0], Choice)


def _known(word: Word) -> str:
    return "".join(piece.text for piece in word if isinstance(piece, Known))


class _Writer:
    """Writes words; remembers which texts they need."""

    def __init__(self) -> None:
        self._names: Names = parameter_names()
        self._names.unique(ARGS)
        self._given: dict[str, str] = {}
        self.arguments: dict[str, str] = {}
        self.braces = False

    def env(self) -> tuple[Mapping[str, str], ...]:
        return ({"name": BRACE, "value": "{"},) if self.braces else ()

    def word(self, word: Word) -> str:
        """A word as text with tags."""
        if not _simple(word):
            return self._tag("word", self.escaped(_raw(word)))
        return "".join(self._piece(word, at) for at in range(len(word)))

    def escaped(self, text: str, every_brace: bool = False) -> str:
        self.braces = True
        return for_kubelet(text, every_brace=every_brace)

    def _piece(self, word: Sequence[Piece], at: int) -> str:
        piece = word[at]
        if isinstance(piece, Known):
            return self._text(piece.text, before=at + 1 < len(word), behind=at > 0)
        if isinstance(piece, Later):
            return piece.text
        if piece.plain:
            return self._tag(piece.name, piece.expression)
        neighbours = [word[n] for n in (at - 1, at + 1) if 0 <= n < len(word)]
        touching = any(isinstance(each, Told) and not each.plain for each in neighbours)
        return self._tag(piece.name, self.escaped(piece.expression, touching))

    def _tag(self, name: str, expression: str) -> str:
        if expression not in self._given:
            self._given[expression] = self._names.unique(f"t-{name}")
            self.arguments[self._given[expression]] = expression
        return tag(of_input(self._given[expression]))

    def _text(self, text: str, *, before: bool, behind: bool) -> str:
        """Known text; a brace beside a tag would change where the tag starts."""
        if "$$" in text or "$(" in text or text.endswith("$"):
            text = text.replace("$", "$$")
        brace = f"$({BRACE})"
        written = text.replace("{{", f"{{{brace}")
        if before and written.endswith("{"):
            written = f"{written[:-1]}{brace}"
        if behind and written.startswith("{"):
            written = f"{brace}{written[1:]}"
        self.braces = self.braces or brace in written
        return written


def _simple(word: Word) -> TypeGuard[tuple[Piece, ...]]:
    return not any(isinstance(piece, Choice) for piece in word)


def _raw(word: Word) -> str:
    """Expression of a word as the program is to read it."""
    return joined([_raw_piece(piece) for piece in word]) if word else "''"


def _raw_piece(piece: Piece | Choice) -> str:
    match piece:
        case Known(text):
            return literal(text)
        case Told(_, expression, _):
            return expression
        case Later(text, expression):
            if not expression:
                raise Inexpressible(text, "is known to the pod alone, and stands beside an IfPresent")
            return expression
        case Choice(_, present, then, otherwise):
            parts = [joined([_raw(each) for each in words]) if words else "''" for words in (then, otherwise)]
            return f"{present} ? {parts[0]} : {parts[1]}"


def _all(words: Sequence[Word], writer: _Writer) -> str:
    """Expression of the JSON of all words."""
    lists = ", ".join(_list(word) for word in words)
    every = writer.escaped("#")
    return f"toJson(map(flatten([{lists}]), {every}))"


def _list(word: Word) -> str:
    piece = word[0] if word else None
    if len(word) == 1 and isinstance(piece, Choice):
        then, otherwise = (", ".join(map(_list, words)) for words in (piece.then, piece.otherwise))
        return f"{piece.present} ? [{then}] : [{otherwise}]"
    return f"[{_raw(word)}]"
