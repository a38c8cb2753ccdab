"""The values of a pod's inputs: decoded, with their programs applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import wire
from .documents import Record, Request
from .errors import LaunchError, shorten
from .inputs import CHANNEL
from .options import Options
from .paths import local_path
from .placeholders import Scope, facts_of, resolve
from .travel import Program, apply, arrived, read_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Values:
    """The inputs of a step, each worked out when it is first asked for.

    Args:
        options: what Argo said.
        request: the step without inputs: its facts and its mounts.
    """

    def __init__(self, options: Options, request: Request) -> None:
        self.options = options
        self._request = request
        self._known: dict[str, Any] = {}
        self._open: list[str] = []

    def is_template(self, name: str) -> bool:
        """Whether a parameter's placeholders name the step's own inputs; those get their types first."""
        program = self._program(name)
        return (
            len(program) == 1
            and isinstance(program[0], dict)
            and "resolve" in program[0]
            and all(placeholder == sibling for placeholder, sibling in program[0]["resolve"].items())
        )

    def value(self, name: str) -> Any:
        """The value of a parameter; of a template, the template.

        Raises:
            LaunchError: it is not JSON, or its program does not fit it; `where` is the input.
        """
        text = self.options.parameters.get(name)
        if text is None or not self.is_template(name):
            return self._value(name)
        return self._decoded(name, text)

    def records(self, name: str) -> Sequence[Record] | None:
        """The records of an artifact; None where there is none.

        Raises:
            LaunchError: as `value` does, or what came is no record.
        """
        value = self._value(name)
        if value is None:
            return None
        records = value if isinstance(value, list) else [value]
        for record in records:
            if not isinstance(record, dict) or not isinstance(record.get("uri"), str):
                raise LaunchError(f"{shorten(record)} is no artifact", f"input {name!r}")
        return records

    def _value(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise LaunchError(f"its value refers to itself ({circle})", f"input {name!r}")
        options, spec = self.options, self._request.task.parameters.get(name)
        default = wire.encode(spec.default, None) if spec and spec.has_default else wire.NULL
        text = options.artifacts.get(name, options.parameters.get(name, default))
        self._open.append(name)
        try:
            value = self._decoded(name, text)
            flat = name in options.artifacts
            self._known[name] = apply(value, self._program(name), self._resolved, flat)
        except LaunchError as error:
            raise error if error.where.startswith("input") else error.at(f"input {name!r}") from None
        finally:
            self._open.pop()
        return self._known[name]

    def _program(self, name: str) -> Program:
        text = self.options.programs.get(name)
        try:
            return read_program(text) if text else ()
        except LaunchError as error:
            raise error.at(f"input {name!r}") from None

    def _decoded(self, name: str, text: str) -> Any:
        try:
            return wire.decode(arrived(text))
        except LaunchError as error:
            raise error.at(f"input {name!r}") from None

    def _resolved(self, value: Any, siblings: Mapping[str, str]) -> Any:
        artifacts = {
            placeholder: self.records(name)
            for placeholder, name in siblings.items()
            if name in self.options.artifacts
        }
        scope = Scope(
            parameter=lambda placeholder: self._sibling(placeholder, siblings),
            inputs=artifacts,
            facts=facts_of(self._request.context),
            path=lambda record: local_path(record, self._request),
        )
        return resolve(value, scope)

    def _sibling(self, placeholder: str, siblings: Mapping[str, str]) -> Any:
        # The value of a skipped task does not travel: its name is then all there is.
        if placeholder not in siblings and placeholder.startswith(CHANNEL):
            return None
        return self._value(siblings[placeholder])
