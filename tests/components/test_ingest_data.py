import hashlib
from pathlib import Path

import pytest

from components.ingest_data import ingest_data
from components.support.errors import StepFailed

HEADER = "date,precipitation,temp_max,temp_min,wind,weather\n"


@pytest.fixture
def source(tmp_path):
    def write(content):
        path = tmp_path / "weather.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def row(day):
    return f"{day},0.0,12.8,5.0,4.7,sun\n"


def test_the_dataset_of_the_project_is_four_years_of_days(output):
    data = output("data")
    rows, data_hash, as_of = ingest_data.python_func(data=data, source="", as_of="", scheduled_time="")
    content = Path(data.path).read_bytes()
    assert (rows, as_of) == (1461, "2015-12-31")
    assert data_hash == hashlib.sha256(content).hexdigest()
    assert data.metadata == {
        "rows": 1461,
        "first_day": "2012-01-01",
        "last_day": "2015-12-31",
        "as_of": "2015-12-31",
        "data_hash": data_hash,
        "source": "seattle-weather.csv",
    }


def test_the_day_of_as_of_is_the_last_that_is_kept(output):
    data = output("data")
    rows, _, as_of = ingest_data.python_func(data=data, as_of="2012-02-29")
    assert (rows, as_of, data.metadata["last_day"]) == (60, "2012-02-29", "2012-02-29")
    assert Path(data.path).read_text().splitlines()[-1].startswith("2012/02/29,")


def test_a_scheduled_run_uses_the_days_before_its_date(output):
    data = output("data")
    _, _, as_of = ingest_data.python_func(data=data, scheduled_time="2013-01-01T02:00:00Z")
    assert (as_of, data.metadata["last_day"]) == ("2012-12-31", "2012-12-31")


def test_a_night_that_is_repeated_later_gives_the_same_answer(output, source):
    days = [f"2015-01-{day:02}" for day in range(1, 32)]
    night = source(HEADER + "".join(map(row, days[:9])))
    first = ingest_data.python_func(data=output("first"), source=night, scheduled_time="2015-01-10T02:00:00Z")
    grown = source(HEADER + "".join(map(row, days)))
    again = ingest_data.python_func(data=output("again"), source=grown, scheduled_time="2015-01-10T02:00:00Z")
    assert first == again
    assert again[0] == 9


def test_as_of_after_the_last_day_stays_what_was_asked_for(output):
    data = output("data")
    rows, _, as_of = ingest_data.python_func(data=data, as_of="9999-12-31")
    assert (rows, as_of, data.metadata["last_day"]) == (1461, "9999-12-31", "2015-12-31")


def test_as_of_before_the_first_day_says_which_that_is(output):
    data = output("data")
    with pytest.raises(StepFailed, match="no data up to 2011-12-31: its first day is 2012-01-01"):
        ingest_data.python_func(data=data, as_of="2011-12-31")
    assert not Path(data.path).exists()


def test_an_ill_formed_as_of_is_an_error_before_anything_is_fetched(output):
    with pytest.raises(StepFailed, match="as_of: '2012/13/01' is not a date"):
        ingest_data.python_func(data=output("data"), source="/none.csv", as_of="2012/13/01")


@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_a_clear_error(output, source, content):
    with pytest.raises(StepFailed, match=r"weather\.csv, line 1: is empty"):
        ingest_data.python_func(data=output("data"), source=source(content))


def test_a_binary_file_is_a_clear_error(output, source):
    with pytest.raises(StepFailed, match=r"weather\.csv, line 1: is binary"):
        ingest_data.python_func(data=output("data"), source=source(b"\x89\x00\x01"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_hash_is_of_the_data_and_not_of_how_a_system_writes_text(output, source, encoding, end):
    text = HEADER + row("2012/01/01") + row("2012/01/02").replace("sun", '"sun"')
    plain = ingest_data.python_func(data=output("plain"), source=source(text))
    other = ingest_data.python_func(
        data=output("other"), source=source(text.replace("\n", end).encode(encoding))
    )
    assert plain == other


def test_what_cannot_be_read_as_a_day_is_handed_on_as_it_was(output, source):
    text = HEADER + row("2012/01/01") + row("2012/02/31") + 'soon,"a,b",\n' + row("2012/01/03")
    data = output("data")
    rows, _, as_of = ingest_data.python_func(data=data, source=source(text), as_of="2012-01-02")
    assert Path(data.path).read_text() == text[: -len(row("2012/01/03"))]
    assert (rows, as_of) == (3, "2012-01-02")


def test_data_without_any_day_is_left_to_validation(output, source):
    data = output("data")
    result = ingest_data.python_func(data=data, source=source("a,b\n1,2\n"))
    assert (result[0], result[2]) == (1, "")
    assert Path(data.path).read_text() == "a,b\n1,2\n"
