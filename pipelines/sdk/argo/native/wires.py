"""Wire texts of a native step's inputs, after all that a launcher would do to them on arrival."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pipelines.sdk.argo.exprlang import given, literal, of, value
from pipelines.sdk.argo.native.facts import fact
from pipelines.sdk.argo.native.texts import any_text
from pipelines.sdk.argo.native.words import Inexpressible, Known, Later
from pipelines.sdk.argo.travel import Carrier, Lists, Or, Resolve, Text
from pipelines.sdk.launch import encode
from pipelines.sdk.launch.references import Reference
from pipelines.sdk.values import Interface

_START, _END = "\x01", "\x02"  # stand around a placeholder's number; JSON has neither


def wire(carrier: Carrier) -> str:
    """Expression of the wire text; empty where only a part of it is meant.

    Args:
        carrier: without placeholders.
    """
    text = of(carrier.text)
    for each in carrier.via:
        if isinstance(each, Lists):
            text = given(text, _collected(each.levels))
        elif isinstance(each, Or):
            text = f"({text} == 'null' ? {literal(each.wire)} : {text})"
        else:
            return ""
    return text


def _collected(levels: int) -> str:
    """Wire text of `#`, what Argo collected from loops: twins hold the very texts that the steps wrote."""
    if not levels:
        return "# == nil || # == 'null' ? 'null' : fromJSON(#)"
    whole = f"'[' + join(map(#, {_collected(levels - 1)}), ',') + ']'"
    return given("type(#) == 'string' ? fromJSON(#) : #", f"# == nil ? 'null' : {whole}")


@dataclass(frozen=True)
class Arrivals:
    """The inputs of a native step, with the placeholders in their values resolved.

    Args:
        inputs: as the step's template receives them.
        interface: of the step.
        root: the pipeline root.
        where: names the step in messages.
        unfolding: names of inputs that are being looked at.
    """

    inputs: Mapping[str, Carrier]
    interface: Interface
    root: str
    where: str
    unfolding: list[str] = field(default_factory=list)

    def plain(self, name: str) -> Carrier | None:
        """An input without placeholders; None where it is never there.

        Raises:
            Inexpressible: only a launcher could resolve them.
        """
        carrier = self.inputs.get(name)
        if carrier is None:
            return None
        with self._unfolding(name):
            return self._resolved(name, carrier)

    @contextmanager
    def _unfolding(self, name: str) -> Iterator[None]:
        if name in self.unfolding:
            raise Inexpressible(f"input {name!r}", "has a value that refers to itself", "give it another")
        self.unfolding.append(name)
        try:
            yield
        finally:
            self.unfolding.pop()

    def _resolved(self, name: str, carrier: Carrier) -> Carrier:
        if not carrier.via or not isinstance(carrier.via[0], Resolve):
            return carrier
        resolve = carrier.via[0]
        siblings = dict(resolve.siblings)
        texts = [self._text(name, each, siblings) for each in resolve.placeholders]
        cut, chosen = of(carrier.text), "#"
        for number, (reference, text) in enumerate(zip(resolve.placeholders, texts, strict=True)):
            written = encode(reference.text)[1:-1]
            cut = f"replace({cut}, {literal(written)}, {literal(f'{_START}{number}{_END}')})"
            mark = literal(f"{number}{_END}")
            chosen = f"hasPrefix(#, {mark}) ? toJson({text})[1:-1] + trimPrefix(#, {mark}) : {chosen}"
        whole = f"join(map(split({cut}, {literal(_START)}), {chosen}))"
        return replace(carrier, text=Text(expression=whole), via=carrier.via[1:])

    def _text(self, name: str, reference: Reference, siblings: Mapping[str, Carrier | str]) -> str:
        """Expression of the text that takes a placeholder's place."""
        if (reference.side, reference.kind) == ("inputs", "parameters"):
            return self._sibling(reference.name, siblings)
        if not reference.side:
            piece = fact(reference, self.root)
            if isinstance(piece, Known):
                return literal(piece.text)
            if piece.expression:
                return piece.expression
            raise Inexpressible(piece.text if isinstance(piece, Later) else name, "is known to the pod alone")
        raise Inexpressible(f"input {name!r}", f"gets a text with {reference.text} in it")

    def _sibling(self, name: str, siblings: Mapping[str, Carrier | str]) -> str:
        sibling = siblings.get(name)
        if isinstance(sibling, Carrier):
            carrier: Carrier | None = self._resolved(name, sibling)
        else:
            carrier = None if sibling is None else self.plain(sibling)
        if carrier is None:
            declared = self.interface.parameters.get(name)
            known = declared.default if declared and declared.has_default else None
            return literal(known if isinstance(known, str) else encode(known))
        return any_text(wire(carrier), value(carrier, self.where))
