"""`run`: parameters as options, artifacts as paths, and what is refused before anything starts."""

import re

import pytest

from pipelines.sdk.commands.times import day, moment
from tests.commands.conftest import finished, start
from tests.commands.tiny import reads


def test_run_refuses_everything_that_is_wrong_at_once_and_before_anything_starts(command, tmp_path):
    ended = command(
        *("run", "--schedule-time", "yesterday", "--as-of", "2015-13-01", "--weights", "{}"),
        *("-p", "zzz=1", "-p", "fail_on", "-p", "weights=[]"),
    )
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "error: --schedule-time: 'yesterday' is no time: write it as 2015-06-30T02:00:00Z",
        "error: parameter as_of: '2015-13-01' is no day: write it as 2015-06-30",
        "error: -p: 'fail_on' is not NAME=VALUE",
        "error: parameter weights: it is given twice",
        'error: parameter weights: "{}" is no JSON list',
        "error: parameter zzz: the pipeline has no such parameter",
        "    -> known: as_of, fail_on, folder, host, wait_on, weights",
    ]
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "text",
    ["2015-6-30", "20150630", "2015-W27-2", "2015-02-29", "30.6.2015", "", "2015-06-30T00:00", "٢٠١٥-٠٦-٣٠"],
)
def test_days_are_written_in_one_way(text):
    with pytest.raises(ValueError, match="write it as 2015-06-30"):
        day(text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2015-06-30T02:00:00Z", "2015-06-30T02:00:00Z"),
        ("2015-06-30T02:00:00.75+02:00", "2015-06-30T00:00:00Z"),
        ("2015-06-30T23:30:00-01:00", "2015-07-01T00:30:00Z"),
        ("2015-06-30", None),
        ("2015-06-30T02:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("now", None),
    ],
)
def test_times_have_a_zone_and_become_utc(text, read):
    if read:
        assert moment(text) == read
    else:
        with pytest.raises(ValueError, match="write it as 2015-06-30T02:00:00Z"):
            moment(text)


def test_help_has_the_parameters_with_their_documentation(command):
    text = command("run", "--help").out
    assert re.search(r"--as-of TEXT +the day that the run is for  \[default: \"\"\]", text)
    assert re.search(r"--weights JSON +\[default: \[0\.5, \{\"a\": 2, \"b\": 1\}\]\]", text)
    assert re.search(r"--host +Run container components as plain processes", text)
    assert "Given with -p NAME=VALUE alone: host." in text


def test_a_parameter_called_as_an_option_is_given_with_p_alone(tmp_path):
    ended = finished(
        start(
            "run",
            "--as-of",
            "2015-06-30",
            "-p",
            f"folder={tmp_path}",
            "-p",
            "host=there",
            "--json",
            home=tmp_path / "home",
        )
    )
    assert ended.code == 0, ended.err
    assert ended.json["outputs"] == {"Output": "2015-06-30"}
    assert (tmp_path / "days").read_text() == "2015-06-30 there\n"


def test_an_artifact_is_given_by_its_path_which_must_be_there(tmp_path, sdk, compiled):
    file = compiled(reads)
    (tmp_path / "a.csv").write_text("a,b")
    for uri in (tmp_path / "a.csv", f"file://{tmp_path}/a.csv"):
        assert sdk("run", file, "-p", f"data={uri}", "--json").json["outputs"] == {"Output": "a,b"}
    absent = sdk("run", file, "-p", f"data={tmp_path}/b.csv")
    assert (absent.code, absent.err) == (2, f"error: parameter data: {tmp_path}/b.csv is not there\n")
