"""`backfill`: the oldest day first, and what ends a range."""

import json
import signal
import time

import pytest

from pipelines.sdk import cli
from tests.commands.conftest import finished, start
from tests.commands.tiny import reads


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "x", "--to", "2015-02-30"], ["--from: 'x' is no day", "--to: '2015-02-30' is no day"]),
        (["--from", "2015-01-02", "--to", "2015-01-01"], ["--from: 2015-01-02 is after 2015-01-01"]),
        (
            ["--from", "0001-01-01", "--to", "9999-12-31"],
            ["--to: the range has 3,652,059 runs; 1,000 are the most"],
        ),
        (
            ["--from", "2015-01-02", "--to", "x", "--weights", "a", "-p", "as_of=2015-01-01"],
            ["--to: 'x' is no day", 'weights: "a" is no JSON list', "parameter as_of: it is given twice"],
        ),
    ],
)
def test_a_range_that_is_none_is_refused_with_everything_else(options, words, command, tmp_path):
    ended = command("backfill", *options)
    assert (ended.code, ended.out) == (2, "")
    for each in words:
        assert f"error: {each}" in ended.err.replace("parameter weights", "weights")
    assert not (tmp_path / "home").exists()


def test_backfill_needs_a_pipeline_that_knows_days(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINES_HOME", str(tmp_path))
    options = ["backfill", "--from", "2015-01-01", "--to", "2015-01-02", "-p", "data=x"]
    assert cli.main(reads, arguments=options) == 2
    assert "pipeline reads: the pipeline has no parameter as_of" in capsys.readouterr().err


def test_backfill_runs_the_oldest_day_first_and_prints_a_line_for_each(tmp_path):
    arguments = (
        "--from",
        "2015-02-27",
        "--to",
        "2015-03-02",
        "--every",
        "2",
        "--folder",
        str(tmp_path),
        "--json",
    )
    ended = finished(start("backfill", *arguments, home=tmp_path / "home"))
    assert ended.code == 0, ended.err
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [(line["as_of"], line["status"], line["outputs"]["Output"]) for line in lines] == [
        ("2015-02-27", "SUCCEEDED", "2015-02-27"),
        ("2015-03-01", "SUCCEEDED", "2015-03-01"),
    ]
    assert (tmp_path / "days").read_text() == "2015-02-27 here\n2015-03-01 here\n"
    assert "== 2 of 2 days: 2 succeeded" in ended.err


@pytest.mark.parametrize(("more", "days"), [((), 2), (("--keep-going",), 3)])
def test_backfill_stops_at_a_day_that_fails_unless_it_is_told_to_go_on(more, days, tmp_path):
    arguments = (
        "--from",
        "2015-01-01",
        "--to",
        "2015-01-03",
        "--fail-on",
        "2015-01-02",
        "--folder",
        str(tmp_path),
    )
    ended = finished(start("backfill", *arguments, *more, home=tmp_path / "home"))
    assert ended.code == 1
    assert len((tmp_path / "days").read_text().splitlines()) == days
    assert f"== {days} of 3 days: {days - 1} succeeded, 1 failed\n   not succeeded: 2015-01-02" in ended.err


def test_ctrl_c_ends_the_whole_range(tmp_path):
    arguments = (
        "--from",
        "2015-01-01",
        "--to",
        "2015-01-09",
        "--wait-on",
        "2015-01-02",
        "--folder",
        str(tmp_path),
    )
    process = start("backfill", *arguments, "--keep-going", home=tmp_path / "home")
    deadline = time.monotonic() + 60
    while not (tmp_path / "days").exists() or "2015-01-02" not in (tmp_path / "days").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert "== 2 of 9 days: 1 succeeded, 1 cancelled" in ended.err
    assert len((tmp_path / "days").read_text().splitlines()) == 2
