"""Rules about values that are texts to the schema, and numbers or durations to Argo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.finding import Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import dig, has, mapping
from pipelines.sdk.argo.lint.views import Spec, Task, Template
from pipelines.sdk.ir.shape import described

_DURATION = re.compile(r"[-+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|0")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_BACKOFF = ("duration", "maxDuration", "cap")


def _durations(template: Template) -> Iterator[Hit]:
    places: list[tuple[str, ...]] = [("timeout",), ("pendingTimeout",), ("suspend", "duration")]
    places += [("retryStrategy", "backoff", key) for key in _BACKOFF]
    places += [("containerSet", "retryStrategy", "duration")]
    for place in places:
        yield from _duration(dig(template.node, *place), (*template.at, *place))
    age = dig(template.node, "memoize", "maxAge")
    if isinstance(age, str) and age and "{{" not in age and not _DURATION.fullmatch(age):
        yield Hit(
            (*template.at, "memoize", "maxAge"), f"{described(age)} is no duration", "write one as 10m or 24h"
        )


def _spec_durations(spec: Spec) -> Iterator[Hit]:
    places = [("podGC", "deleteDelayDuration"), *(("retryStrategy", "backoff", key) for key in _BACKOFF)]
    for place in places:
        yield from _duration(dig(spec.node, *place), (*spec.at, *place))


def _duration(value: Any, at: Path) -> Iterator[Hit]:
    constant = isinstance(value, str) and value and "{{" not in value
    if constant and not _DURATION.fullmatch(value) and not _WHOLE.fullmatch(value):
        yield Hit(at, f"{described(value)} is no duration", "write one as 90s, 10m or 1h30m; a day is 24h")


def _whole(template: Template) -> Iterator[Hit]:
    for place in (
        ("retryStrategy", "limit"),
        ("retryStrategy", "backoff", "factor"),
        ("containerSet", "retryStrategy", "retries"),
    ):
        yield from _number(dig(template.node, *place), (*template.at, *place))
    deadline, at = template.node.get("activeDeadlineSeconds"), (*template.at, "activeDeadlineSeconds")
    yield from _number(deadline, at)
    if not isinstance(deadline, bool) and str(deadline).startswith("-"):
        yield Hit(at, f"the deadline {deadline} is in the past", "write a positive number of seconds")


def _spec_whole(spec: Spec) -> Iterator[Hit]:
    for place in (("retryStrategy", "limit"), ("retryStrategy", "backoff", "factor")):
        yield from _number(dig(spec.node, *place), (*spec.at, *place))


def _sequence(task: Task) -> Iterator[Hit]:
    loop: Mapping[str, Any] = mapping(task.node.get("withSequence"))
    for key in ("count", "start", "end"):
        if has(loop, key):
            yield from _number(loop[key], (*task.at, "withSequence", key))


def _number(value: Any, at: Path) -> Iterator[Hit]:
    if isinstance(value, str) and "{{" not in value and not _WHOLE.fullmatch(value):
        yield Hit(at, f"{described(value)} is no whole number", 'write one, as "3", or a {{reference}}')


_DURATION_WHY = "Argo fails the step when it comes to it."
_NUMBER_WHY = "Argo fails the step when it comes to it; the schema takes any text."
TEMPLATE: tuple[Rule[Template], ...] = (
    Rule("bad-duration", _DURATION_WHY, _durations),
    Rule("bad-integer", _NUMBER_WHY, _whole),
)
SPEC: tuple[Rule[Spec], ...] = (
    Rule("bad-duration", _DURATION_WHY, _spec_durations),
    Rule("bad-integer", _NUMBER_WHY, _spec_whole),
)
TASK: tuple[Rule[Task], ...] = (Rule("bad-integer", _NUMBER_WHY, _sequence),)
