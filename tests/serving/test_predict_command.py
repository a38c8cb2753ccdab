"""`predict` against real servers: what it prints, for people and for programs."""

import csv
import io
import json
import os
import pty
import subprocess
import sys

import pytest

from pipelines.sdk import cli
from tests.commands.tiny import tiny
from tests.conftest import ROOT, Finished
from tests.serving.gateway import authority, certificate, gateway

BODY = '{"columns": ["temp", "rain", "sky"], "data": [[12.8, true, "sun"], [3, null, "fog"]]}'
CSV = "temp,rain,sky\n12.8,true,sun\n3,,fog\n"
NAME = "station-ml.example.com"


@pytest.fixture
def predict(station, tmp_path, monkeypatch, capsys):
    """The command in this process, for the station's server unless another address is given."""
    monkeypatch.setenv("PIPELINES_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PIPELINES_TOKEN", raising=False)

    def run(*arguments, url=station.url):
        code = cli.main(tiny, arguments=["predict", "--model-name", "station", "--url", url, *arguments])
        return Finished(code, *capsys.readouterr())

    return run


@pytest.fixture
def expected(station):
    return station.ask("/invocations", BODY.encode()).json["predictions"]


@pytest.mark.parametrize("protocol", ["invocations", "v2", "v1"])
def test_a_program_gets_json_from_data_json_csv_and_standard_input(
    predict, expected, protocol, tmp_path, monkeypatch
):
    (tmp_path / "t.json").write_text(BODY)
    (tmp_path / "t.csv").write_text(CSV)
    for given in (
        ["--data", BODY],
        ["--file", str(tmp_path / "t.json")],
        ["--file", str(tmp_path / "t.csv")],
    ):
        ended = predict(*given, "--protocol", protocol)
        assert (ended.code, ended.json, ended.err) == (0, {"predictions": expected}, "")
    for text in (BODY, CSV):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert predict("--file", "-", "--protocol", protocol).json == {"predictions": expected}


def test_a_table_has_the_inputs_beside_the_prediction_and_aligns_them(predict, expected):
    ended = predict("--data", BODY, "--output", "table")
    width = max(len(str(each)) for each in expected)
    assert ended.out.splitlines() == [
        f"temp  rain  sky  {'prediction':>{width}}",
        f"12.8  true  sun  {expected[0]!s:>{width}}",
        f"   3        fog  {expected[1]!s:>{width}}",
    ]


def test_csv_reads_back_as_what_was_asked_and_answered(predict, expected):
    rows = list(csv.reader(io.StringIO(predict("--data", BODY, "--output", "csv").out)))
    assert rows[0] == ["temp", "rain", "sky", "prediction"]
    assert [row[:3] for row in rows[1:]] == [["12.8", "true", "sun"], ["3", "", "fog"]]
    assert [float(row[3]) for row in rows[1:]] == expected


def test_outputs_called_as_inputs_are_told_apart(predict, echo):
    body = '{"columns": ["temp", "sky"], "data": [[1.5, "two words"], [10, "esc\\u001b[31m"]]}'
    ended = predict("--data", body, "--output", "table", url=echo.url)
    head, first, _ = ended.out.splitlines()
    assert [part.strip() for part in head.split("  ") if part.strip()] == [
        "temp",
        "sky",
        "temp (predicted)",
        "sky (predicted)",
    ]
    assert first.split("  ")[0].strip() == "1.5"
    assert "\x1b" not in ended.out
    rows = list(csv.reader(io.StringIO(predict("--data", body, "--output", "csv", url=echo.url).out)))
    assert rows[0] == ["temp", "sky", "temp (predicted)", "sky (predicted)"]
    assert rows[1] == ["1.5", "two words", "1.5", "two words"]


def test_on_a_terminal_a_table_is_printed_that_fits(station, tmp_path):
    def printed(columns):
        ours, theirs = pty.openpty()
        body = {"columns": ["temp", *columns], "data": [[12.8, *("a text of some length" for _ in columns)]]}
        url = ["--url", station.url, "--data", json.dumps(body)]
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/commands/tiny.py"), "predict", *url],
            stdout=theirs,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PIPELINES_HOME": str(tmp_path), "COLUMNS": "60"},
        )
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 4096):
                text += chunk
        except OSError:  # Linux' word for the end of a terminal
            pass
        os.close(ours)
        assert process.wait() == 0
        return text.decode().splitlines()

    head, row = printed([])
    assert head.split() == ["temp", "prediction"]
    assert row.split()[0] == "12.8"
    wide = printed([f"column{i}" for i in range(8)])
    assert max(map(len, wide[:2])) <= 60
    assert wide[0].split() == ["temp", "column0", "prediction"]
    assert "7 columns more than fit here: --output csv has them" in wide[2]


def test_a_cluster_is_reached_with_name_authority_and_token(predict, expected, station, tmp_path):
    ca = authority(tmp_path)
    (tmp_path / "token").write_text("s3cret\n")
    with gateway(station.port, host=NAME, token="s3cret", certificate=certificate(ca, NAME)) as front:
        reach = ["--host", f"http://{NAME}", "--ca-file", str(ca.file)]
        given = ["--data", BODY, "--protocol", "v2", *reach]
        ended = predict(*given, "--token-file", str(tmp_path / "token"), url=front.url)
        assert (ended.json, ended.err) == ({"predictions": expected}, "")
        refused = predict(*given, url=front.url)
        assert refused.code == 2
        assert "(401): invalid token\n    -> give a token with --token-file" in refused.err


def test_the_token_in_the_environment_goes_to_the_server_that_is_named(
    predict, expected, station, monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv("PIPELINES_TOKEN", " s3cret\n")
    with gateway(station.port, token="s3cret") as front:
        assert predict("--data", BODY, url=front.url).json == {"predictions": expected}
        wrong = predict("--data", BODY, "--token", "guess", url=front.url)
        assert (wrong.code, wrong.out) == (2, "")
        assert "guess" not in wrong.err


def test_a_token_that_goes_unencrypted_over_a_network_is_noted(predict, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    ended = predict("--data", BODY, "--token", "s3cret", url="http://gateway.invalid")
    assert ended.code == 5
    assert ended.err.startswith("note: the token goes to http://gateway.invalid unencrypted\nerror: ")
    assert "s3cret" not in ended.err
    assert "no answer: Connection refused\n    -> is the proxy in http_proxy" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--token", "a", "--token-file", "b"], "give one of --token and --token-file"),
        (["--token-file", "/none"], "/none: cannot be read: No such file"),
        (["--token-file", "/proc/self/mem"], "cannot be read"),
        (["--ca-file", "/none", "--url", "https://127.0.0.1:1"], "/none: cannot be read: No such file"),
        (["--host", "two words"], "two words: is no name of a host"),
        (["--timeout", "0"], "--timeout"),
        (["--timeout", "nan"], "--timeout: is no number of seconds"),
        (["--output", "yaml"], "--output"),
        (["--protocol", "v3"], "--protocol"),
    ],
)
def test_options_that_make_no_sense_are_refused(predict, arguments, words):
    ended = predict("--data", BODY, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


def test_a_refusal_is_one_line_and_what_to_do(predict):
    ended = predict("--data", '{"columns": ["temp"], "data": [["warm"]]}')
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "(400): column 'temp', row 0: must be a number, not the text 'warm'" in ended.err
