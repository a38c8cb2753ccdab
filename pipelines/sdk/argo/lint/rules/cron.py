"""Rules about schedules."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from typing import Any

from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path, Rule
from pipelines.sdk.argo.lint.nodes import dig, sequence
from pipelines.sdk.argo.lint.views import CRON, Manifest

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_LONGEST = {month: 30 if month in (4, 6, 9, 11) else 29 if month == 2 else 31 for month in range(1, 13)}
_NAMED = re.compile(
    r"@(yearly|annually|monthly|weekly|daily|midnight|hourly)|@every\s+([0-9]+(ns|us|µs|ms|s|m|h))+"
)
_RANGE = re.compile(r"(?:([*?])|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:/([0-9]+))?")
_OLD_ZONES = frozenset(
    ["CET", "MET", "EET", "WET", "EST", "MST", "HST", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT"]
)


class _Bad(Exception):
    """A schedule cannot be read."""


def _schedules(manifest: Manifest) -> list[tuple[Path, str]]:
    if manifest.kind != CRON or not manifest.is_argo:
        return []
    at = (*manifest.at, "spec", "schedules")
    found: list[tuple[Path, Any]] = [
        ((*at, index), each) for index, each in enumerate(sequence(dig(manifest.node, "spec", "schedules")))
    ]
    # Of Argo 3.7.
    found.append(((*manifest.at, "spec", "schedule"), dig(manifest.node, "spec", "schedule")))
    return [(path, each) for path, each in found if isinstance(each, str)]


def times(schedule: str) -> tuple[set[int], ...]:
    """The values that each of the five fields allows.

    Args:
        schedule: `minute hour day month weekday`.

    Raises:
        _Bad: where it is none.
    """
    parts = schedule.split()
    if schedule != schedule.strip():
        raise _Bad("there is a space around it")
    if len(parts) != 5:
        raise _Bad(f"it has {len(parts)} fields, and five are wanted: minute, hour, day, month, weekday")
    return tuple(_field(part, *bounds) for part, bounds in zip(parts, _FIELDS, strict=True))


def _field(part: str, name: str, low: int, high: int, words: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for piece in part.split(","):
        match = _RANGE.fullmatch(piece)
        if not match:
            raise _Bad(f"{piece!r} is no {name}")
        every, first, last, step = match.groups()
        start = low if every else _number(first, name, words)
        end = high if every or (step and not last) else _number(last or first, name, words)
        if start < low or end > high:
            raise _Bad(f"{piece!r} is out of range: a {name} is from {low} to {high}")
        if start > end:
            raise _Bad(f"{piece!r} ends before it begins")
        if step and int(step) == 0:
            raise _Bad(f"{piece!r} never goes on: the step is 0")
        found |= set(range(start, end + 1, min(int(step or 1), 100)))
    return found


def _number(text: str, name: str, words: dict[str, int]) -> int:
    number = words.get(text.upper())
    if number is not None:
        return number
    if not text.isdecimal() or len(text) > 6:
        raise _Bad(f"{text!r} is no {name}")
    return int(text)


def _schedule(manifest: Manifest) -> Iterator[Hit]:
    for at, schedule in _schedules(manifest):
        try:
            if not _NAMED.fullmatch(schedule):
                times(schedule)
        except _Bad as error:
            mend = 'write five fields as "30 2 * * 1-5", or @daily; the zone goes into `timezone`'
            yield Hit(at, f"the schedule {schedule[:60]!r} cannot be read: {error}", mend)


def _never(manifest: Manifest) -> Iterator[Hit]:
    for at, schedule in _schedules(manifest):
        try:
            _, _, days, months, _ = times(schedule)
        except _Bad:
            continue
        anyway = schedule.split()[4][:1] not in "*?"  # then either of the two days is enough
        if not anyway and not any(day <= _LONGEST[month] for month in months for day in days):
            yield Hit(
                at,
                f"the schedule {schedule!r} never comes: no such month has such a day",
                "mend day or month",
            )


def _zone(manifest: Manifest) -> Iterator[Hit]:
    name = dig(manifest.node, "spec", "timezone")
    if manifest.kind != CRON or not isinstance(name, str) or not name:
        return
    at = (*manifest.at, "spec", "timezone")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        if name != "Local":
            yield Hit(at, f"there is no time zone {name[:60]!r}", "write one as Europe/Helsinki, or UTC")


def _old_zone(manifest: Manifest) -> Iterator[Hit]:
    name = dig(manifest.node, "spec", "timezone")
    if manifest.kind == CRON and isinstance(name, str) and name in _OLD_ZONES:
        at = (*manifest.at, "spec", "timezone")
        yield Hit(at, f"{name} is an abbreviation, no zone", "write the city, as Europe/Berlin")


RULES: tuple[Rule[Manifest], ...] = (
    Rule("cron-schedule", "Argo refuses the CronWorkflow; days of the week are 0 to 6.", _schedule),
    Rule("cron-never", "It is valid, and nothing ever runs.", _never, WARNING),
    Rule("cron-timezone", "Argo refuses the CronWorkflow.", _zone),
    Rule(
        "cron-old-timezone",
        "Newer time zone data has it no more (argoproj/argo-workflows#15653).",
        _old_zone,
        WARNING,
    ),
)
