from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kfp.dsl import HTML

from components.ingest_data import ingest_data
from components.support.errors import StepFailed
from components.support.weather import COLUMNS, read_table
from components.validate_data import validate_data

HEADER = ",".join(COLUMNS)


class Table:
    """Forty good days, of which a test spoils some; line 1 is the header, line 2 the first of January."""

    def __init__(self):
        days = [date(2012, 1, 1) + timedelta(days=number) for number in range(40)]
        self.lines = ["", HEADER, *(f"{day:%Y/%m/%d},0.0,12.8,5.0,4.7,sun" for day in days)]

    def spoil(self, line, column, value):
        cells = self.lines[line].split(",")
        cells[COLUMNS.index(column)] = value
        self.lines[line] = ",".join(cells)
        return self

    @property
    def text(self):
        return "\n".join(self.lines[1:]) + "\n"


class Step:
    """One call of the component, and what it left."""

    def __init__(self, output):
        self.data, self.valid, self.report = output("raw"), output("valid"), output("report", HTML)
        self.failure = ""

    def run(self, text, **arguments):
        content = text if isinstance(text, bytes) else text.encode()
        Path(self.data.path).write_bytes(content)
        self.data.metadata["source"] = "gs://weather/daily.csv"
        try:
            self.result = validate_data.python_func(
                data=self.data, report=self.report, valid=self.valid, **arguments
            )
        except StepFailed as failure:
            self.failure = str(failure)
        return self

    @property
    def page(self):
        return Path(self.report.path).read_text(encoding="utf-8")


@pytest.fixture
def step(output):
    return Step(output)


def test_the_dataset_of_the_project_is_valid(step):
    ingest_data.python_func(data=step.data)
    step.run(Path(step.data.path).read_bytes())
    assert step.result == (1461, 0)
    assert "passed" in step.page
    table = read_table(step.valid.path)
    assert tuple(table.columns) == COLUMNS
    assert (table["temp_max"].iloc[0], str(table["date"].iloc[0].date())) == (12.8, "2012-01-01")
    assert step.valid.metadata["last_day"] == "2015-12-31"


@pytest.mark.parametrize(
    ("line", "column", "value", "finding"),
    [
        (17, "temp_max", "warm", "line 17, column temp_max: 'warm' is not a number"),
        (17, "temp_max", "", "line 17, column temp_max: is empty"),
        (17, "wind", "nan", "line 17, column wind: 'nan' is not a number"),
        (17, "wind", "inf", "line 17, column wind: 'inf' is not a number"),
        (17, "wind", "1_0", "line 17, column wind: '1_0' is not a number"),
        (17, "wind", "٣", "line 17, column wind: '٣' is not a number"),
        (2, "wind", "-0.1", "line 2, column wind: -0.1 is not between 0 and 120 m/s"),
        (41, "precipitation", "-1", "line 41, column precipitation: -1 is not between 0 and 2000 mm"),
        (3, "temp_max", "60.1", "line 3, column temp_max: 60.1 is not between -50 and 60 °C"),
        (3, "temp_max", "1e999", "line 3, column temp_max: 1e999 is not between -50 and 60 °C"),
        (3, "temp_min", "-51", "line 3, column temp_min: -51 is not between -50 and 60 °C"),
        (3, "temp_min", "13", "line 3, column temp_min: 13 is above the day's temp_max, 12.8"),
        (9, "weather", "Sun", "line 9, column weather: 'Sun' is none of drizzle, fog, rain, snow, sun"),
        (9, "date", "2012/02/30", "line 9, column date: '2012/02/30' is not a date such as 2012/01/31"),
        (9, "date", "1/8/2012", "line 9, column date: '1/8/2012' is not a date"),
        (9, "date", "0001/01/08", "line 9, column date: '0001/01/08' is not a date"),
        (9, "date", "9999/01/08", "line 9, column date: '9999/01/08' is not a date"),
        (9, "date", "2012/01/05", "line 9, column date: 2012/01/05 is a duplicate of line 6"),
        (9, "date", "2011/12/05", "line 9, column date: 2011/12/05 comes after 2012/01/07 on line 8"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line_column_and_value(step, line, column, value, finding):
    step.run(Table().spoil(line, column, value).text, max_gap_days=365)
    assert f"\n  {finding}" in step.failure
    assert not Path(step.valid.path).exists()
    cells = cells_of(step.page)
    assert [str(line), column] in [cells[at : at + 2] for at in range(len(cells))]
    assert finding.partition(": ")[2] in "\n".join(cells)


def test_a_value_at_the_edge_of_its_range_is_valid(step):
    table = Table().spoil(3, "temp_max", "60").spoil(3, "temp_min", "60").spoil(4, "temp_min", "-5.0E1")
    table.spoil(4, "temp_max", "-50").spoil(5, "wind", "120.").spoil(5, "precipitation", "+.5")
    assert step.run(table.text).result == (40, 0)


def test_days_may_be_written_with_hyphens_and_columns_stand_in_any_order(step):
    text = (
        "weather,wind,temp_min,temp_max,precipitation,date\nsun,1,2,3,4,2012-01-01\nfog,1,2,3,4, 2012/01/02\n"
    )
    assert step.run(text).result == (2, 0)
    table = read_table(step.valid.path)
    assert tuple(table.columns) == COLUMNS
    assert table["temp_max"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(step, column):
    place = COLUMNS.index(column)
    lines = [line.split(",") for line in Table().lines[1:]]
    step.run("\n".join(",".join(cells[:place] + cells[place + 1 :]) for cells in lines))
    assert f"\n  line 1, column {column}: is missing" in step.failure
    assert "1 problem in 40 rows" in step.failure


def test_a_column_that_is_there_twice_is_named(step):
    step.run(f"{HEADER},date\n2012/01/01,0,1,0,1,sun,2012/01/01\n")
    assert "line 1, column date: is there 2 times" in step.failure


def test_a_column_that_nobody_needs_is_a_warning(step):
    step.run(f"{HEADER},humidity\n2012/01/01,0,1,0,1,sun,40\n")
    assert step.result == (1, 1)
    assert "humidity" in step.page
    assert "humidity" not in read_table(step.valid.path)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"", "line 1: the file is empty"),
        (HEADER.encode(), "line 1: the header has no rows below it"),
        (b"\x00\x01\x02", "line 1: the file is binary"),
        (b"<html>\n<p>Not found</p>\n", "line 1: has none of the columns date, precipitation"),
        (
            HEADER.replace(",", ";").encode(),
            "line 1: the fields are separated by ';'",
        ),
        (HEADER.replace(",", "\t").encode(), r"line 1: the fields are separated by '\t'"),
        (f"{HEADER}\n2012/01/01,0,1,0,sun\n".encode(), "line 2: the header has 6 fields, this line 5"),
        (f'{HEADER}\n\n2012/01/01,0,1,0,1,"sun\n'.encode(), "line 3: cannot be read from here on"),
    ],
    ids=["empty", "header-only", "binary", "no-table", "semicolons", "tabs", "short-line", "open-quote"],
)
def test_a_file_that_is_no_table_is_reported_as_any_other(step, content, finding):
    step.run(content)
    assert finding in step.failure
    assert "failed" in step.page


@pytest.mark.parametrize(("missing", "fails"), [(1, False), (3, False), (4, True)])
def test_a_gap_is_a_warning_until_it_is_too_long(step, missing, fails):
    table = Table()
    del table.lines[10 : 10 + missing]
    step.run(table.text)
    if fails:
        assert (
            "line 10, column date: the 4 days before, 2012/01/09 to 2012/01/12, are missing" in step.failure
        )
    else:
        assert step.result == (40 - missing, 1)
        assert "missing" in step.page


def test_no_gap_at_all_can_be_asked_for(step):
    table = Table()
    del table.lines[10]
    step.run(table.text, max_gap_days=0)
    assert "line 10, column date: the day before, 2012/01/09, is missing" in step.failure
    with pytest.raises(StepFailed, match="max_gap_days: -1 is negative"):
        validate_data.python_func(data=step.data, report=step.report, valid=step.valid, max_gap_days=-1)


def test_lines_are_those_of_the_source_after_the_newest_rows_were_cut(step, output, tmp_path):
    table = Table().spoil(5, "date", "2030/01/01").spoil(17, "wind", "calm")
    (tmp_path / "weather.csv").write_text(table.text)
    ingest_data.python_func(
        data=step.data, source=str(tmp_path / "weather.csv"), as_of="2012-01-31", scheduled_time=""
    )
    step.run(Path(step.data.path).read_bytes())
    assert "line 17, column wind: 'calm' is not a number" in step.failure
    assert "2030" not in step.failure


def test_many_findings_are_counted_and_the_first_twenty_listed(step):
    table = Table()
    for line in range(2, 42):
        table.spoil(line, "wind", "calm")
    step.run(table.text)
    assert "gs://weather/daily.csv: 40 problems in 40 rows" in step.failure
    assert step.failure.count("is not a number") == 20
    assert "and 20 more" in step.failure
    assert step.report.path in step.failure
    assert step.page.count("is not a number") == 40


def test_the_report_shows_hostile_data_as_text(step):
    table = Table().spoil(5, "weather", "<script>alert(1)</script>").spoil(6, "wind", '"><img src=x>')
    step.run(table.text.replace('"', '""').replace('""><img src=x>', '"""><img src=x>"'))
    tags = Tags()
    tags.feed(step.page)
    assert {"script", "img"}.isdisjoint(tags.seen)
    assert "<script>" not in step.page
    assert "line 5, column weather" in step.failure
    assert "line 6, column wind" in step.failure


def test_a_long_value_and_control_characters_do_not_fill_the_log(step):
    table = Table().spoil(5, "weather", "x" * 10_000).spoil(6, "wind", "\x1b[31m")
    step.run(table.text)
    assert len(step.failure) < 600
    assert "'\\x1b[31m' is not a number" in step.failure


def test_the_report_loads_nothing(step):
    page = step.run(Table().text).page
    assert not {"src=", "href=", "url(", "@import"} & set(page.split('"'))
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


cell = st.one_of(
    st.sampled_from(
        ["", "2012/01/05", "2012-01-06", "0", "-1.5", "1e9", "sun", '"', "a\nb", "é☃\x7f", "=1+1"]
    ),
    st.text(max_size=8),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(cell, max_size=7), max_size=8), header=st.sampled_from([HEADER, "date,wind", ""])
)
def test_any_text_is_valid_or_a_list_of_findings_and_always_a_report(output, rows, header):
    text = "\n".join([header, *(",".join(row) for row in rows)])
    step = Step(output).run(text.encode("utf-8", errors="replace"))
    assert step.failure.startswith("gs://weather/daily.csv: ") or step.result[0] > 0
    assert "</html>" in step.page


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.cells, self.open = set(), [], False

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.open = tag == "td"
        if self.open:
            self.cells.append("")

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, data):
        if self.open:
            self.cells[-1] += data


def cells_of(page):
    tags = Tags()
    tags.feed(page)
    return tags.cells
