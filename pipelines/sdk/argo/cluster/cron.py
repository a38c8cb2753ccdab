"""Five-field cron lines as Argo's controller reads them.

Cron dialects differ in what counts (a weekday 7, `*/2` beside a weekday, an hour that the clock skips or
repeats), so neither the check nor the next times are left to a library for another one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from pipelines.sdk.errors import Finding, UsageError

YEARS = 5
"""After which Argo gives up to look for a time, and so do we."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_STRANGERS = {
    "?": "write *",
    "L": "Argo has no last day",
    "W": "Argo has no nearest weekday",
    "#": "Argo has no nth day",
}


@dataclass(frozen=True)
class Field:
    """One of the five fields.

    Args:
        name: as in messages.
        lowest: value.
        highest: value.
        words: for values, the first for the lowest.
    """

    name: str
    lowest: int
    highest: int
    words: tuple[str, ...] = ()


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, _MONTHS),
    Field("day of the week", 0, 6, _WEEKDAYS),
)


@dataclass(frozen=True)
class Values:
    """What a field allows.

    Args:
        allowed: its values.
        star: whether it is `*`, so that it leaves the choice of days to the other field.
    """

    allowed: frozenset[int]
    star: bool


@dataclass(frozen=True)
class Schedule:
    """A cron line in a time zone.

    Args:
        text: the line, one space between its fields.
        zone: where its times are meant.
        fields: minute, hour, day, month, weekday.
    """

    text: str
    zone: ZoneInfo
    fields: tuple[Values, Values, Values, Values, Values]

    def falls_on(self, day: date) -> bool:
        """Whether there are times on a day. Of day and weekday, one is enough where both are restricted."""
        _, _, days, months, weekdays = self.fields
        if day.month not in months.allowed:
            return False
        by_day, by_weekday = day.day in days.allowed, day.isoweekday() % 7 in weekdays.allowed
        return (by_day and by_weekday) if days.star or weekdays.star else (by_day or by_weekday)

    def times(self, day: date) -> list[datetime]:
        """The times on a day, in UTC: none for a time that the clock skips, two for one that it repeats."""
        return sorted({instant for local in self.clock_times(day) for instant in _instants(local, self.zone)})

    def clock_times(self, day: date) -> Iterator[datetime]:
        """What a clock on the wall shows at the times of a day."""
        minutes, hours = self.fields[0].allowed, self.fields[1].allowed
        for hour in sorted(hours) if self.falls_on(day) else ():
            yield from (datetime(day.year, day.month, day.day, hour, m) for m in sorted(minutes))  # noqa: DTZ001


def parse(text: str, zone: str) -> Schedule:
    """Reads a cron line.

    Args:
        text: five fields: minute, hour, day of the month, month, day of the week.
        zone: IANA name.

    Raises:
        UsageError: with everything that is wrong, field by field.
    """
    findings = _wrong_zone(zone)
    words = text.split()
    if len(words) != len(FIELDS):
        hint = {
            1: "Argo knows @daily, but this project wants it written out",
            6: "seconds are not among them",
        }
        what = f"{text!r} has {len(words)} fields; five are needed: minute hour day month weekday"
        raise UsageError(*findings, Finding(what, "schedule", hint.get(len(words), "as in '0 2 * * *'")))
    values: list[Values] = []
    for word, field in zip(words, FIELDS, strict=True):
        try:
            values.append(_values(word, field))
        except ValueError as error:
            findings.append(Finding(f"{error} (field {field.name!r}, {word!r})", "schedule"))
    if findings:
        raise UsageError(*findings)
    minute, hour, day, month, weekday = values
    made = Schedule(" ".join(words), ZoneInfo(zone), (minute, hour, day, month, weekday))
    if not next(upcoming(made, datetime.now(UTC)), None):
        raise UsageError(Finding(f"{made.text!r} never comes", "schedule", "no month has such a day"))
    return made


def upcoming(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The times after a moment, in the schedule's zone.

    Args:
        schedule: see Schedule.
        after: the moment.
    """
    first = after.astimezone(schedule.zone).date()
    for number in range(YEARS * 366):
        for instant in schedule.times(first + timedelta(days=number)):
            if instant > after:
                yield instant.astimezone(schedule.zone)


def clock_changes(schedule: Schedule, after: datetime, days: int = 400) -> list[str]:
    """What happens to a schedule when the clocks change, as remarks; none for one that runs every hour.

    Args:
        schedule: see Schedule.
        after: from when on.
        days: how far to look.
    """
    if len(schedule.fields[1].allowed) == FIELDS[1].highest + 1:
        return []
    found: dict[str, str] = {}
    first = after.astimezone(schedule.zone).date()
    for day in (first + timedelta(days=number) for number in range(days)):
        for local in schedule.clock_times(day):
            count = len(_instants(local, schedule.zone))
            if count != 1:
                how = (
                    "does not exist, and that run is left out"
                    if not count
                    else "comes twice, and so does the run"
                )
                found.setdefault(how, f"on {day} the clock time {local:%H:%M} {how}")
    return list(found.values())


def _instants(local: datetime, zone: ZoneInfo) -> set[datetime]:
    """The moments at which a clock on the wall shows a time."""
    both = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return {instant for instant in both if instant.astimezone(zone).replace(tzinfo=None) == local}


def _values(word: str, field: Field) -> Values:
    for stranger, mend in _STRANGERS.items():
        if stranger in word.upper() and not _is_words(word, field):
            raise ValueError(f"{stranger!r} is not understood: {mend}")
    allowed: set[int] = set()
    star = False
    for part in word.split(","):
        values, is_star = _range(part, field)
        allowed |= values
        star = star or is_star
    return Values(frozenset(allowed), star)


def _is_words(word: str, field: Field) -> bool:
    """Whether a field's letters are those of its own words, as the L and W in JUL and WED are."""
    letters = "".join(c if c.isalpha() else " " for c in word.lower()).split()
    return bool(letters) and "?" not in word and "#" not in word and all(w in field.words for w in letters)


def _range(part: str, field: Field) -> tuple[set[int], bool]:
    span, slash, step_text = part.partition("/")
    step = _number(step_text, "a step") if slash else 1
    if step < 1:
        raise ValueError("a step is 1 or more")
    if span == "*":
        # `*/2` restricts, for Argo; other crons see the star and take it for none.
        return set(range(field.lowest, field.highest + 1, step)), step == 1
    low_text, hyphen, high_text = span.partition("-")
    low = _value(low_text, field)
    high = _value(high_text, field) if hyphen else field.highest if slash else low
    if low > high:
        raise ValueError(f"the range {span} goes backwards")
    return set(range(low, high + 1, step)), False


def _value(text: str, field: Field) -> int:
    if text.lower() in field.words:
        return field.lowest + field.words.index(text.lower())
    value = _number(text, "a value")
    if not field.lowest <= value <= field.highest:
        hint = "; Sunday is 0" if field.words is _WEEKDAYS and value == len(_WEEKDAYS) else ""
        raise ValueError(f"{value} is not between {field.lowest} and {field.highest}{hint}")
    return value


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise ValueError(f"{text!r} is not {what}")
    return int(text)


def _wrong_zone(zone: str) -> list[Finding]:
    known = available_timezones() - {"localtime", "Factory"}
    if zone in known:
        return []
    if not known:
        what, mend = "this machine knows no time zones", "install the tzdata package"
        return [Finding(what, "--timezone", mend)]
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(zone.lower(), by_lower, n=1)
    mend = f"did you mean {by_lower[near[0]]}?" if near else "an IANA name, as in Europe/Zurich"
    return [Finding(f"there is no time zone {zone!r}", "--timezone", mend)]
