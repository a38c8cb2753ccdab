"""Names that Argo and Kubernetes take, made of names that people and KFP gave."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from pipelines.sdk.launch.inputs import CHANNEL

_NOT_IN_A_PARAMETER = re.compile(r"[^-a-zA-Z0-9_]+")
_NOT_IN_A_TASK = re.compile(r"[^-a-zA-Z0-9]+")
LONGEST_TEMPLATE = 63  # Argo takes 128; the name is part of pod names, which have fewer


class Names:
    """Gives each thing a name of its own: the wished one, or with a number behind it.

    Args:
        pattern: what a name cannot have; it becomes a hyphen.
        limit: characters that a name can have.
    """

    def __init__(self, pattern: re.Pattern[str] = _NOT_IN_A_PARAMETER, limit: int = 120) -> None:
        self._pattern, self._limit = pattern, limit
        self._taken: set[str] = set()

    def unique(self, wished: str) -> str:
        """A name that nobody got before, without what KFP puts before the names of groups' inputs.

        Args:
            wished: what it should be, as far as that is possible.
        """
        base = self._pattern.sub("-", wished.replace(CHANNEL, ""))[: self._limit].strip("-") or "x"
        name, number = base, 1
        while name in self._taken:
            number += 1
            suffix = f"-{number}"
            name = f"{base[: self._limit - len(suffix)]}{suffix}"
        self._taken.add(name)
        return name


def parameter_names() -> Names:
    """For parameters and artifacts of one template."""
    return Names()


def task_names() -> Names:
    """For the tasks of one DAG, or the templates of one workflow."""
    return Names(_NOT_IN_A_TASK, LONGEST_TEMPLATE)


def digest(value: Any, length: int = 8) -> str:
    """A short hash of a JSON value, the same on every machine.

    Args:
        value: any JSON value.
        length: characters of it.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:length]
