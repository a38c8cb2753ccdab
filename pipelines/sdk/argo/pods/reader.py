"""Reads settings of kfp-kubernetes: constants as they are, run-time values as Argo's expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.sdk.argo import exprlang
from pipelines.sdk.argo.lint.scope import known
from pipelines.sdk.argo.pods.patch import Patch
from pipelines.sdk.argo.travel import Carrier, Text
from pipelines.sdk.errors import BadPipeline, Finding

CONSTANT: Final = "write a constant there, or give the value to the step as one of its inputs"
_TAG: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
BRACES: Final = "Argo would replace what is between {{ and }}"
_PLACEHOLDER: Final = re.compile(r"\{\{\$\.inputs\.parameters\[['\"]([^'\"]+)['\"]\]\}\}")


@dataclass(frozen=True)
class Value:
    """A setting's value.

    Args:
        constant: where it is known; None for no value.
        expression: gives it when the step starts, in Argo's expression language; empty where it is known.
    """

    constant: Any = None
    expression: str = ""


@dataclass(frozen=True)
class Reader:
    """The settings of one step while they are read.

    Args:
        where: path of the task.
        inputs: of the step, as its template receives them; None where each is plain wire text `p-NAME`.
        patch: takes what is only known when the step starts.
        problems: so far.
        warnings: so far.
    """

    where: str
    inputs: Mapping[str, Carrier] | None = None
    patch: Patch = field(default_factory=Patch)
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
            mend = "remove it, or update the project"
            self.problem(setting, f"{key!r} is no setting that is known here", mend)

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
            self.problem(setting, BRACES, "leave out the braces")
            return ""
        return value

    def foreign(self, setting: str, value: Any) -> str:
        """A constant text that may be a template of another language, as Vault's annotations are.

        Argo leaves a tag as it stands if it does not know its name.

        Args:
            setting: for messages.
            value: it; anything but text, and a tag of Argo's, is noted as a problem.
        """
        if not isinstance(value, str) or any(map(_is_argos, _TAG.findall(value))):
            return self.literal(setting, value)
        self.literal(setting, _TAG.sub("", value))  # a pair of braces that nothing closes is an error to Argo
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
        runtime = spec.get("runtimeValue", {})
        if "runtimeParameter" in runtime:
            return self.input(setting, runtime["runtimeParameter"])
        if "constant" in runtime:
            return self._constant(setting, runtime["constant"])
        if old := runtime.get("constantValue", {}):
            return self._constant(setting, next(iter(old.values())))
        self.problem(setting, "its value is only known when the pipeline runs", CONSTANT)
        return Value()

    def input(self, setting: str, name: str) -> Value:
        """The value of one of the step's inputs; None where the pipeline never gives one.

        Args:
            setting: for messages.
            name: of the input.
        """
        if self.inputs is None:
            text = Text(expression=exprlang.of_input(f"p-{re.sub('[^-a-zA-Z0-9_]+', '-', name)}"))
            return Value(expression=exprlang.value(Carrier(text), self.where))
        carrier = self.inputs.get(name)
        if carrier is None:
            return Value()
        if not carrier.via and not carrier.text.expression and not carrier.text.simple:
            return self._constant(setting, json.loads(carrier.text.static))
        try:
            return Value(expression=exprlang.value(carrier, f"{self.where}, {setting}"))
        except BadPipeline:
            self.problem(setting, "its value has a placeholder in it, which only the step resolves", CONSTANT)
            return Value()

    def template(self, setting: str, text: str) -> Value:
        """The value of a text with placeholders for the step's inputs.

        Args:
            setting: for messages.
            text: the user's.
        """
        if whole := _PLACEHOLDER.fullmatch(text.strip()):
            return self.input(setting, whole[1])
        parts = _PLACEHOLDER.split(text)  # text, name, text, name, ..., text
        if len(parts) == 1:
            return Value(self.literal(setting, text))
        found = []
        for number, part in enumerate(parts):
            if number % 2 == 0:
                found.append(Value(self.literal(setting, part)))
            else:
                found.append(self.input(setting, part))
        if not any(each.expression for each in found):
            return Value("".join("" if each.constant is None else str(each.constant) for each in found))
        return Value(expression=" + ".join(map(_as_text, found)))

    def _constant(self, setting: str, value: Any) -> Value:
        if isinstance(value, str):
            return Value(self.literal(setting, value))
        if "{{" in json.dumps(value, separators=(", ", ": ")):
            self.problem(setting, BRACES, "leave out the braces")
        return Value(value)


def _is_argos(tag: str) -> bool:
    """Whether Argo would read a tag, by the name at its beginning."""
    return tag.startswith("=") or known(re.split(r"[^\w$-]", tag.strip(), maxsplit=1)[0])


def _as_text(value: Value) -> str:
    if value.expression:
        return exprlang.given(value.expression, "# == nil ? '' : string(#)")
    return exprlang.literal("" if value.constant is None else str(value.constant))
