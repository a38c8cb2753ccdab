"""Reads settings of kfp-kubernetes: constants as they are, run-time values as Argo's expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.sdk.argo.travel import Carrier, Index, Key
from pipelines.sdk.errors import Finding

STEP_INPUT: Final = "stepInput"
"""Key of a reference to an input of the step itself: what `settings_as_inputs` makes of all references."""

CONSTANT: Final = "write a constant there, or give the value to the step as one of its inputs"
PLACEHOLDER: Final = re.compile(r"\{\{\$\.inputs\.parameters\[['\"]([^'\"]+)['\"]\]\}\}")


@dataclass(frozen=True)
class Value:
    """A setting's value.

    Args:
        constant: where it is known.
        expression: gives it when the step starts, in Argo's expression language; empty where it is known.
    """

    constant: Any = None
    expression: str = ""

    def text(self) -> str:
        """As a field that Kubernetes reads as text."""
        return "{{=string(" + self.expression + ")}}" if self.expression else str(self.constant)

    def json(self) -> str:
        """As a part of JSON text; whatever the value is, it cannot end the text around it."""
        return "{{=toJson(" + self.expression + ")}}" if self.expression else json.dumps(self.constant)


@dataclass(frozen=True)
class Reader:
    """The settings of one step while they are read.

    Args:
        where: path of the task.
        inputs: of the step, as its template receives them; None where each is plain wire text `p-NAME`.
        problems: so far.
        warnings: so far.
    """

    where: str
    inputs: Mapping[str, Carrier] | None = None
    problems: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def problem(self, setting: str, what: str, mend: str = "") -> None:
        """Notes what cannot be done; the step has no pod then."""
        self.problems.append(Finding(what, f"task {self.where}, {setting}", mend))

    def warn(self, setting: str, what: str, mend: str = "") -> None:
        """Notes what works, but perhaps not as meant."""
        self.warnings.append(Finding(what, f"task {self.where}, {setting}", mend))

    def only(self, setting: str, entry: Mapping[str, Any], known: Iterable[str]) -> None:
        """Notes each key that nobody here reads: a setting is never dropped in silence."""
        for key in sorted(set(entry) - set(known)):
            self.problem(
                setting, f"{key!r} is no setting that is known here", "remove it, or update the project"
            )

    def literal(self, setting: str, value: Any) -> str:
        """A constant text.

        Args:
            setting: for messages.
            value: it; anything but text is noted as a problem.
        """
        if not isinstance(value, str):
            self.problem(setting, f"{value!r} is not text")
            return ""
        if "{{" in value:
            self.problem(setting, "Argo would replace what is between {{ and }}", "leave out the braces")
            return ""
        return value

    def named(self, setting: str, entry: Mapping[str, Any], key: str) -> Value:
        """What `<key>Parameter` says, else the deprecated `<key>`.

        Args:
            setting: for messages.
            entry: has one of them.
            key: `secretName` for example.
        """
        if f"{key}Parameter" in entry:
            return self.value(f"{setting}.{key}Parameter", entry[f"{key}Parameter"])
        return self._constant(f"{setting}.{key}", entry.get(key, ""))

    def value(self, setting: str, spec: Mapping[str, Any]) -> Value:
        """The value of an InputParameterSpec.

        Args:
            setting: for messages.
            spec: in the form of JSON.
        """
        if STEP_INPUT in spec:
            return self.input(setting, spec[STEP_INPUT])
        runtime = spec.get("runtimeValue", {})
        if "constant" in runtime:
            return self._constant(setting, runtime["constant"])
        old = runtime.get("constantValue", {})
        if old:
            return self._constant(setting, next(iter(old.values())))
        self.problem(setting, "its value is only known when the pipeline runs", CONSTANT)
        return Value("")

    def input(self, setting: str, name: str) -> Value:
        """The value of one of the step's inputs.

        Args:
            setting: for messages.
            name: of the input.
        """
        if self.inputs is None:
            return Value(
                expression=f"fromJSON(inputs.parameters['p-{re.sub('[^-a-zA-Z0-9_]+', '-', name)}'])"
            )
        carrier = self.inputs.get(name)
        if carrier is None or carrier.artifact:
            what = f"the step has no value for its input {name!r}"
            self.problem(setting, what, "give the pipeline's parameter a default")
            return Value("")
        return self._carried(setting, carrier)

    def template(self, setting: str, text: str) -> Value:
        """The value of a text that may be a placeholder for one of the step's inputs.

        Args:
            setting: for messages.
            text: constant, or the placeholder alone.
        """
        if whole := PLACEHOLDER.fullmatch(text.strip()):
            return self.input(setting, whole[1])
        if "{{" in text:
            self.problem(setting, "a placeholder can only be the whole value", CONSTANT)
            return Value("")
        return Value(text)

    def _constant(self, setting: str, value: Any) -> Value:
        if isinstance(value, str):
            return Value(self.literal(setting, value))
        if "{{" in json.dumps(value):
            self.problem(setting, "Argo would replace what is between {{ and }}", "leave out the braces")
        return Value(value)

    def _carried(self, setting: str, carrier: Carrier) -> Value:
        if not carrier.text.expression and not carrier.text.simple:
            found = Value(json.loads(carrier.text.static))
        else:
            found = Value(expression=f"fromJSON({carrier.text.expression})")
        for each in carrier.via:
            if not found.expression:
                found = Value(expression=f"fromJSON({_quoted(json.dumps(found.constant))})")
            if isinstance(each, Key):
                found = Value(expression=f"{found.expression}[{_quoted(each.name)}]")
            elif isinstance(each, Index) and each.at.expression:
                found = Value(expression=f"{found.expression}[int({each.at.expression})]")
            else:
                self.problem(setting, "its value is put together in the step's own pod, too late", CONSTANT)
                return Value("")
        return found


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
