import codecs
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.support.records import Unreadable, decode, read_records, until

TABLE = "date,note\n2012/01/01,a\n2012/01/02,b\n2012/01/03,ü\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        codecs.BOM_UTF8 + TABLE.encode(),
        codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TABLE.encode("utf-32-le"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.rstrip("\n").encode(),
        (TABLE + "\n \r\n").encode(),
    ],
    ids=["utf-8", "mark", "utf-16-le", "utf-16-be", "utf-32", "crlf", "cr", "no-end", "empty-end"],
)
def test_the_same_table_is_the_same_text_whoever_wrote_it(content):
    assert decode(content) == TABLE


@pytest.mark.parametrize("content", [b"", b" \r\n\n", codecs.BOM_UTF8])
def test_an_empty_file_is_unreadable(content):
    with pytest.raises(Unreadable, match="is empty"):
        decode(content)


def test_latin_1_is_named_with_its_line():
    with pytest.raises(Unreadable, match="line 4: is not UTF-8 text") as failure:
        decode(TABLE.encode("latin-1"))
    assert failure.value.line == 4


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04...", "Excel"),
        (b"PAR1...", "Parquet"),
        (TABLE.encode("utf-16-le"), "binary, or UTF-16"),
        (b"date\n\x00\x01", "line 2: is binary"),
        (codecs.BOM_UTF16_LE + b"a", "UTF-16-LE"),
    ],
    ids=["gzip", "zip", "parquet", "utf-16-unmarked", "nul", "half-a-character"],
)
def test_what_is_no_text_is_unreadable(content, what):
    with pytest.raises(Unreadable, match=what):
        decode(content)


def test_records_know_their_lines_past_empty_lines_and_quoted_line_breaks():
    records = read_records('\ndate,note\n\n2012/01/01,"a\nb, ""c"""\n , \n2012/01/02, d \n')
    assert records.header and records.header.line == 2
    assert [(row.line, row.end, row.cells) for row in records.rows] == [
        (4, 5, ("2012/01/01", 'a\nb, "c"')),
        (6, 6, ("", "")),
        (7, 7, ("2012/01/02", "d")),
    ]


def test_an_open_quote_stops_reading_where_it_opens():
    records = read_records('date\n2012/01/01\n"2012/01/02\n2012/01/03\n')
    assert records.broken_line == 3
    assert len(records.rows) == 1


def test_rows_after_the_day_are_cut_and_the_end_is_as_if_they_had_never_been():
    excerpt = until(TABLE, date(2012, 1, 2))
    assert excerpt.text == "date,note\n2012/01/01,a\n2012/01/02,b\n"
    assert (excerpt.rows, excerpt.first_day, excerpt.last_day) == (2, date(2012, 1, 1), date(2012, 1, 2))
    assert excerpt.first_cut == date(2012, 1, 3)


def test_a_row_cut_in_the_middle_leaves_its_lines_empty():
    excerpt = until('note,date\n"x\ny",2013/01/01\na,2012/01/01\n', date(2012, 12, 31))
    assert excerpt.text == "note,date\n\n\na,2012/01/01\n"


def test_rows_whose_day_cannot_be_read_stay():
    text = "date,note\n2012/01/01,a\nsoon,b\n\n2013/01/01,c\n,\n"
    assert until(text, date(2012, 6, 1)).text == "date,note\n2012/01/01,a\nsoon,b\n\n\n,\n"


def test_without_a_date_column_nothing_is_cut():
    text = "day,note\n2012/01/01,a\n"
    assert until(text, date(2000, 1, 1)).text == text


days = st.dates(date(2012, 1, 1), date(2012, 3, 1))


@given(days=st.lists(days, min_size=1), last=days)
def test_what_is_kept_stands_on_the_line_it_had(days, last):
    lines = ["date", *(day.isoformat() for day in days)]
    kept = until("\n".join(lines) + "\n", last).text.split("\n")
    expected = {number: line for number, line in enumerate(lines) if number == 0 or line <= last.isoformat()}
    assert {number: line for number, line in enumerate(kept) if line} == expected


@given(days=st.lists(days, min_size=1, unique=True).map(sorted), data=st.data())
def test_a_late_run_sees_the_bytes_of_the_night_it_repeats(days, data):
    last = data.draw(st.sampled_from(days))
    that_night = "\n".join(["date", *(day.isoformat() for day in days if day <= last)]) + "\n"
    later = "\n".join(["date", *(day.isoformat() for day in days)]) + "\n"
    assert until(later, last).text == that_night
