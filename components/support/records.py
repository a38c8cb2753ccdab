"""CSV text as records that know the line they stand on, so that a finding can name it."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from components.support.days import parse_day

# UTF-32 before UTF-16: the mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FORMATS = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip or Excel"),
    (b"\xd0\xcf\x11\xe0", "old Excel"),
    (b"PAR1", "Parquet"),
    (b"%PDF", "PDF"),
)


class Unreadable(Exception):
    """A file, or the rest of one, that holds no text or no CSV.

    Args:
        line: on which reading ended, from 1.
        reason: what is wrong there, as a clause after the file's name.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Record:
    """One record of the file.

    Args:
        line: its first line, from 1.
        end: its last line; another one where a quoted field holds line breaks.
        cells: its fields, without the white space around them.
    """

    line: int
    end: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Records:
    """A file's records, as far as they could be read.

    Args:
        header: the first record; None where the file has none.
        rows: those below it; empty lines are none.
        broken_line: where reading had to stop, 0 where it reached the end.
        broken_reason: why.
    """

    header: Record | None
    rows: tuple[Record, ...]
    broken_line: int = 0
    broken_reason: str = ""


@dataclass(frozen=True)
class Excerpt:
    r"""The part of a file that a run may use.

    Args:
        text: CSV with `\n` at the end of each line.
        rows: how many, without the header.
        first_day: the earliest day in it; None where no cell names a day.
        last_day: the latest.
        first_cut: the earliest day that was left out; None where nothing was.
    """

    text: str
    rows: int
    first_day: date | None
    last_day: date | None
    first_cut: date | None


def decode(content: bytes) -> str:
    r"""The text of a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    Returns:
        The text with `\n` for every kind of line break, no empty lines at the end and one `\n` there, so that
        the same data gives the same bytes whichever system wrote it.

    Raises:
        Unreadable: it is empty, or not text in these encodings.
    """
    mark, encoding = next(((m, e) for m, e in _MARKS if content.startswith(m)), (b"", "utf-8"))
    body = content[len(mark) :]
    for magic, name in _OTHER_FORMATS:
        if body.startswith(magic):
            raise Unreadable(1, f"is not CSV text but a {name} file")
    if encoding == "utf-8" and b"\0" in body:
        line = 1 + body[: body.index(b"\0")].count(b"\n")
        raise Unreadable(line, "is binary, or UTF-16 without a byte order mark; save it as UTF-8")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + body[: error.start].decode(encoding, errors="replace").count("\n")
        raise Unreadable(line, f"is not {encoding.upper()} text; save it as UTF-8") from None
    text = _without_empty_end(text.replace("\r\n", "\n").replace("\r", "\n"))
    if not text:
        raise Unreadable(1, "is empty")
    return text


def read_records(text: str) -> Records:
    """The records of CSV text with commas, as RFC 4180 has them."""
    records: list[Record] = []
    broken_line, broken_reason = 0, ""
    try:
        for record in _records(text):
            records.append(record)
    except Unreadable as error:
        broken_line, broken_reason = error.line, error.reason
    header, rows = (records[0], tuple(records[1:])) if records else (None, ())
    return Records(header, rows, broken_line, broken_reason)


def until(text: str, last_day: date | None) -> Excerpt:
    """Leaves out the rows whose `date` is after a day.

    Where a row with others below it goes, an empty line stays, so that lines keep their numbers. Rows
    whose date cannot be read stay: it is for validation to judge them.

    Args:
        text: from `decode`.
        last_day: the last to keep; None to keep all.
    """
    records = read_records(text)
    dated = [(record, _date_of(record, records.header)) for record in records.rows]
    late = [(record, day) for record, day in dated if day and last_day and day > last_day]
    if late:
        lines = text.split("\n")
        for record, _ in late:
            lines[record.line - 1 : record.end] = [""] * (record.end - record.line + 1)
        text = _without_empty_end("\n".join(lines))
    kept = [day for _, day in dated if day and not (last_day and day > last_day)]
    return Excerpt(
        text=text,
        rows=len(dated) - len(late),
        first_day=min(kept, default=None),
        last_day=max(kept, default=None),
        first_cut=min((day for _, day in late), default=None),
    )


def _records(text: str) -> Iterator[Record]:
    # Without line breaks inside, csv.reader gets a line at a time and can say how many a record took.
    reader = csv.reader((line + "\n" for line in text.split("\n")), strict=True)
    end = 0
    try:
        for cells in reader:
            start, end = end + 1, reader.line_num
            stripped = tuple(cell.strip() for cell in cells)
            if stripped and stripped != ("",):
                yield Record(start, end, stripped)
    except csv.Error as error:
        raise Unreadable(end + 1, str(error)) from None


def _date_of(record: Record, header: Record | None) -> date | None:
    if header is None or "date" not in header.cells:
        return None
    place = header.cells.index("date")
    return parse_day(record.cells[place]) if place < len(record.cells) else None


def _without_empty_end(text: str) -> str:
    stripped = text.rstrip()
    return f"{stripped}\n" if stripped else ""
