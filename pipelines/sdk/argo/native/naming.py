"""What the placeholders of a native step stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.sdk.argo.exprlang import fail, given, literal, value
from pipelines.sdk.argo.native.facts import fact, output_uri
from pipelines.sdk.argo.native.texts import argument, metadata
from pipelines.sdk.argo.native.wires import Arrivals, wire
from pipelines.sdk.argo.native.words import Inexpressible, Known, Later, Piece, Told
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.launch import LaunchError
from pipelines.sdk.launch.parameters import coerce
from pipelines.sdk.launch.references import Reference
from pipelines.sdk.plan import Step
from pipelines.sdk.values import ArtifactSpec, Parameter, ParameterType

_NUMBERS_AND_WORDS = (ParameterType.INTEGER, ParameterType.DOUBLE, ParameterType.BOOLEAN)
_PLAIN = (ParameterType.STRING, *_NUMBERS_AND_WORDS)


@dataclass(frozen=True)
class Files:
    """Where a native step finds and puts things: names of Argo's parameters and artifacts, and paths.

    Args:
        inputs: of the input artifacts, by input.
        parameters: of the output parameters, by output.
        artifacts: of the output artifacts, by output.
    """

    inputs: Mapping[str, str]
    parameters: Mapping[str, str]
    artifacts: Mapping[str, str]

    @staticmethod
    def given(file: str) -> str:
        """Path of an input artifact."""
        return f"/kfp/in/{file}"

    @staticmethod
    def made(file: str) -> str:
        """Path of an output; its folder is there before the program starts."""
        return f"/kfp/out/{file}"


@dataclass(frozen=True)
class StepNaming:
    """See words.Naming.

    Args:
        step: the step.
        inputs: as the wrapping template receives them.
        files: of the step.
        root: the pipeline root.
        fetched: filled with the input artifacts whose bytes the command names.
        rewritten: filled with the inputs whose JSON Argo writes anew.
    """

    step: Step
    inputs: Mapping[str, Carrier]
    files: Files
    root: str
    fetched: set[str] = field(default_factory=set)
    rewritten: set[str] = field(default_factory=set)

    @property
    def component(self) -> str:
        """The component's own name: KFP numbers every use of one."""
        return re.sub(r"(?<=.)-[0-9]+$", "", self.step.component)

    @property
    def where(self) -> str:
        """Names the step in messages; the path of its task is the node's."""
        return f"step {self.component}"

    def piece(self, reference: Reference) -> Piece:
        """What a placeholder stands for.

        Raises:
            Inexpressible: only a launcher could say.
        """
        if not reference.side:
            return fact(reference, self.root)
        interface = self.step.interface
        sides: Mapping[tuple[str, str], tuple[Mapping[str, object], Callable[[Reference], Piece]]] = {
            ("inputs", "parameters"): (interface.parameters, self._parameter),
            ("outputs", "parameters"): (interface.output_parameters, self._file),
            ("inputs", "artifacts"): (interface.artifacts, self._given),
            ("outputs", "artifacts"): (interface.output_artifacts, self._made),
        }
        known, piece = sides[reference.side, reference.kind]
        if reference.name not in known:
            raise Inexpressible(reference.text, f"names nothing among the {reference.side} of the step")
        return piece(reference)

    def present(self, name: str) -> bool | str:
        """Whether an input is there: True, False, or an expression.

        Raises:
            Inexpressible: there is no such input.
        """
        interface = self.step.interface
        spec: Parameter | ArtifactSpec | None = interface.parameters.get(name) or interface.artifacts.get(
            name
        )
        if spec is None:
            raise Inexpressible(f"IfPresent asks for {name!r}, which", "is no input of the step")
        if isinstance(spec, Parameter) and spec.has_default and spec.default is not None:
            return True
        if not spec.optional:
            return True  # without a value the step fails before its command is looked at
        carrier = self._arrived(name)
        return False if carrier is None else f"{self._value(name, carrier)} != nil"

    def _arrived(self, name: str) -> Carrier | None:
        return Arrivals(self.inputs, self.step.interface, self.root, self.where).plain(name)

    def _value(self, name: str, carrier: Carrier) -> str:
        if carrier.artifact and carrier.levels > 1:
            raise Inexpressible(f"input {name!r}", "is picked from a list that several loops collected")
        return value(carrier, self.where)

    def _parameter(self, reference: Reference) -> Piece:
        spec = self.step.interface.parameters[reference.name]
        absent = self._absent(reference, spec)
        carrier = self._arrived(reference.name)
        if carrier is None and isinstance(absent, str):
            return Known(absent)
        where = f"{self.where}, input {reference.name!r}"
        missing = absent if isinstance(absent, str) else ""
        text = literal(missing) if missing or isinstance(absent, str) else fail(f"{where}: it has no value")
        if carrier is not None:
            written = wire(carrier)
            if not written and spec.type not in _PLAIN:
                self.rewritten.add(reference.name)
            text = argument(spec.type, written, self._value(reference.name, carrier), text, where)
            text = _one_of(text, spec, where)
        return Told(reference.name, text, spec.type in _NUMBERS_AND_WORDS)

    def _absent(self, reference: Reference, spec: Parameter) -> str | None:
        """The text where there is no value; None where there has to be one."""
        if not spec.has_default or spec.default is None:
            return "null" if spec.optional else None
        if "{{$" in json.dumps(spec.default):
            raise Inexpressible(reference.text, "has a default with placeholders in it")
        return as_text(spec.default, spec.type)

    def _file(self, reference: Reference) -> Piece:
        return Known(self.files.made(self.files.parameters[reference.name]))

    def _given(self, reference: Reference) -> Piece:
        name, spec = reference.name, self.step.interface.artifacts[reference.name]
        if spec.is_list:
            raise Inexpressible(reference.text, "is a list of artifacts")
        if not reference.attribute or (reference.attribute == "metadata" and not reference.keys):
            raise Inexpressible(reference.text, "is the whole record, which Argo would write in another way")
        carrier = self._arrived(name)
        if carrier is None:
            if spec.optional:
                return Known("null")
            return Told(
                f"{name}-{reference.attribute}", fail(f"{self.where}, input {name!r}: it has no value")
            )
        record = self._value(name, carrier)
        if reference.attribute == "path":
            self.fetched.add(name)
            path = Files.given(self.files.inputs[name])
            return self._if_given(name, record, literal(path)) if spec.optional else Known(path)
        if reference.attribute == "metadata":
            keys = "".join(f"?.[{literal(key)}]" for key in reference.keys)
            text = metadata(f"{record}?.metadata{keys}", f"{self.where}, input {name!r}")
            return Told("-".join([name, *map(str, reference.keys)]), text)
        return self._if_given(f"{name}-{reference.attribute}", record, f"#.{reference.attribute}")

    def _if_given(self, name: str, record: str, text: str) -> Told:
        return Told(name, given(record, f"# == nil ? 'null' : {text}"))

    def _made(self, reference: Reference) -> Piece:
        name, spec = reference.name, self.step.interface.output_artifacts[reference.name]
        if spec.is_list:
            raise Inexpressible(reference.text, "is a list of artifacts")
        match reference.attribute:
            case "path":
                return Known(self.files.made(self.files.artifacts[name]))
            case "uri":
                return Later(output_uri(self.root, name))
            case "name":
                return Known(name)
            case "metadata":
                return Known(_metadata(spec.metadata, reference.keys))
        raise Inexpressible(reference.text, "is the record of an output, which is not there yet")

    def key(self, name: str, prefix: str) -> str:
        """Expression of the key of an input artifact in the pipeline root's bucket.

        Args:
            name: of the input.
            prefix: `gs://bucket/`.
        """
        elsewhere = fail(
            f"{self.where}, input {name!r}: it is not in {prefix}, and without a launcher nobody fetches it"
        )
        inside = f"hasPrefix(#.uri, {literal(prefix)}) ? trimPrefix(#.uri, {literal(prefix)}) : {elsewhere}"
        carrier = self._arrived(name)
        if carrier is None:
            return literal("none")
        return given(self._value(name, carrier), f"# == nil ? 'none' : {inside}")


def as_text(known: object, kind: ParameterType) -> str:
    """A value that is known as a program reads it.

    Raises:
        Inexpressible: it is not of its type.
    """
    try:
        typed = coerce(known, kind)
    except LaunchError as error:
        raise Inexpressible(f"default {known!r}", error.what) from None
    return typed if isinstance(typed, str) else json.dumps(typed)


def _metadata(known: object, keys: Sequence[str | int]) -> str:
    """What is known of an output before it exists, as text."""
    for key in keys:
        known = known.get(key) if isinstance(known, Mapping) else None
    return known if isinstance(known, str) else json.dumps(known)


def _one_of(text: str, spec: Parameter, where: str) -> str:
    if not spec.literals:
        return text
    allowed = [as_text(each, spec.type) for each in spec.literals]
    return given(text, f"# in {literal(list(allowed))} ? # : {fail(f'{where}: it is none of {allowed}')}")
