"""The prediction log: what is in it, that it never fails a request, and what it does in trouble."""

import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from google.cloud import storage

from pipelines.sdk.errors import EnvironmentProblem, UsageError
from pipelines.sdk.serving.prediction_log import parts
from pipelines.sdk.serving.prediction_log.log import Options, PredictionLog
from pipelines.sdk.serving.protocols.table import Frame
from tests.buckets import BUCKET, emulator


@dataclass(frozen=True)
class Model:
    name: str = "weather"
    version: str = "7"
    model_id: str = "m-1f0c"


MODEL = Model()
WHEN = 1769882400.123456  # 2026-01-31T18:00:00.123456Z
COLUMNS = {
    "temp": np.array([12.8, np.nan]),
    "visits": np.array([3, 4]),
    "rain": np.array([True, False]),
    "sky": np.array(["sun", None], dtype=object),
    "day": np.array(["2026-01-31T06:30", "NaT"], dtype="datetime64[ns]"),
}
INPUTS = [
    {"temp": 12.8, "visits": 3, "rain": True, "sky": "sun", "day": "2026-01-31T06:30:00"},
    {"temp": None, "visits": 4, "rain": False, "sky": None, "day": None},
]


def offer(log, inputs=COLUMNS, prediction=None, name="berlin"):
    prediction = np.array([13.25, 3.5]) if prediction is None else prediction
    log.offer(name, WHEN, "v2", MODEL, inputs, prediction, size=100)


def written(folder):
    """The records of all files, in the order of the files' names."""
    assert not [file.name for file in folder.iterdir() if file.name.startswith(".")]
    lines = [line for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def logged(folder, *offers, **options):
    log = PredictionLog(Options(str(folder), **options))
    log.start()
    for given in offers:
        offer(log, **given)
    assert log.close(30)
    return log


def eventually(holds):
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_each_row_is_a_record_with_all_that_monitoring_needs(tmp_path):
    log = logged(tmp_path / "log", {})
    head = {"ts": "2026-01-31T18:00:00.123456Z", "request_id": "berlin"}
    about = {"model_name": "weather", "version": "7", "model_id": "m-1f0c", "protocol": "v2"}
    assert written(tmp_path / "log") == [
        {**head, "row": row, **about, "inputs": INPUTS[row], "prediction": [13.25, 3.5][row]}
        for row in (0, 1)
    ]
    assert (log.written, log.dropped) == (2, 0)


def test_records_join_with_the_truth_by_request_and_row(tmp_path):
    logged(tmp_path, {"name": "berlin"}, {"name": "rome"})
    records = pd.json_normalize(written(tmp_path))
    truth = pd.DataFrame({"request_id": ["rome", "berlin"], "row": [1, 0], "truth": [3.0, 13.0]})
    joined = records.merge(truth, on=["request_id", "row"]).set_index("request_id")
    assert (joined["prediction"] - joined["truth"]).to_dict() == {"berlin": 0.25, "rome": 0.5}


def test_parquet_holds_what_the_json_lines_hold(tmp_path):
    offers = [{}, {"inputs": {"temp": np.array([1.0])}, "prediction": np.array([2.0])}, {}]
    logged(tmp_path / "lines", *offers)
    logged(tmp_path / "parquet", *offers, format="parquet")
    (file,) = (tmp_path / "parquet").iterdir()
    lines, parquet = pd.json_normalize(written(tmp_path / "lines")), pd.read_parquet(file)
    assert parquet["inputs.day"].dtype.kind == "M"
    parquet["inputs.day"] = [None if day is pd.NaT else day.isoformat() for day in parquet["inputs.day"]]
    same = {name: parquet[name].astype(object).where(parquet[name].notna(), None) for name in lines}
    assert pd.DataFrame(same).to_dict("list") == lines.astype(object).where(lines.notna(), None).to_dict(
        "list"
    )
    assert set(parquet) == set(lines)


@pytest.mark.parametrize("values", [[1.5, "warm"], [[1], {"a": 1}]])
def test_a_parquet_column_without_one_type_becomes_json_text(tmp_path, values):
    offers = [{"inputs": [value], "prediction": [value]} for value in values]
    for name, pieces in (("one", offers), ("mixed", offers * 40)):
        log = logged(tmp_path / name, *pieces, format="parquet")
        (file,) = (tmp_path / name).iterdir()
        assert (log.written, log.dropped) == (len(pieces), 0)
        read = pd.read_parquet(file)
        assert all(isinstance(value, str) for value in read["inputs.input"])
        assert len(set(read["prediction"])) == 2


def test_parquet_without_pyarrow_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EnvironmentProblem, match=r"Parquet needs pyarrow.*\n.*server\.txt"):
        PredictionLog(Options(str(tmp_path), format="parquet"))


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (pd.DataFrame({"temp": [1.5, 2.5]}), [{"temp": 1.5}, {"temp": 2.5}]),
        (
            Frame({0: np.array([1.5, 2.5]), 1: np.array([True, False])}, 2),
            [{"0": 1.5, "1": True}, {"0": 2.5, "1": False}],
        ),
        (np.array([[1.5, 2], [2.5, 3]]), [{"0": 1.5, "1": 2.0}, {"0": 2.5, "1": 3.0}]),
        ([{"a": 1}, {"a": 2}], [{"input": {"a": 1}}, {"input": {"a": 2}}]),
        (
            {"image": np.arange(8).reshape(2, 2, 2)},
            [{"image": [[0, 1], [2, 3]]}, {"image": [[4, 5], [6, 7]]}],
        ),
        ({"photo": np.array([b"a", b"b"], dtype=object)}, [{"photo": "YQ=="}, {"photo": "Yg=="}]),
    ],
)
def test_inputs_of_every_form_become_columns_by_name(tmp_path, inputs, expected):
    logged(tmp_path, {"inputs": inputs})
    assert [record["inputs"] for record in written(tmp_path)] == expected


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (pd.Series([1.5, 2.5]), [1.5, 2.5]),
        (["a", "b"], ["a", "b"]),
        (np.array([[0.1, 0.9], [0.4, 0.6]]), [[0.1, 0.9], [0.4, 0.6]]),
        (pd.DataFrame({"low": [1, 2], "high": [3, 4]}), [{"low": 1, "high": 3}, {"low": 2, "high": 4}]),
        ({"low": np.array([1, 2]), "high": [3, 4]}, [{"low": 1, "high": 3}, {"low": 2, "high": 4}]),
        (np.array(["2026-01-31", "NaT"], dtype="datetime64[ns]"), ["2026-01-31T00:00:00", None]),
    ],
)
def test_predictions_of_every_form_are_taken_apart_by_row(tmp_path, prediction, expected):
    logged(tmp_path, {"prediction": prediction})
    assert [(record["row"], record["prediction"]) for record in written(tmp_path)] == list(
        enumerate(expected)
    )


@pytest.mark.parametrize("prediction", [7, "one text", [1, 2, 3], {"a": [1], "b": [2, 3]}])
def test_a_prediction_that_is_not_one_item_a_row_is_one_record(tmp_path, prediction):
    logged(tmp_path, {"inputs": {"temp": np.array([1.5, 2.5])}, "prediction": prediction})
    (record,) = written(tmp_path)
    assert (record["row"], record["inputs"], record["prediction"]) == (None, {"temp": [1.5, 2.5]}, prediction)


@pytest.mark.parametrize("form", [dict, pd.DataFrame, lambda columns: Frame(columns, 2500)])
def test_of_a_large_request_every_nth_row_is_kept_with_its_number(tmp_path, form):
    rows = np.arange(2500)
    inputs = form({"a": rows, "b": np.array(list(map(str, rows)), dtype=object)})
    logged(tmp_path, {"inputs": inputs, "prediction": pd.Series(rows * 2.0)}, rows=100)
    records = written(tmp_path)
    numbers = [record["row"] for record in records]
    assert len(numbers) == 100
    assert set(np.diff(numbers)) == {25}
    for record in records:
        row = record["row"]
        assert (record["inputs"], record["prediction"]) == ({"a": row, "b": str(row)}, row * 2.0)


@pytest.mark.parametrize("form", [lambda array: array, lambda array: {"image": array}])
def test_of_wide_rows_fewer_are_kept(tmp_path, form):
    log = logged(tmp_path, {"inputs": form(np.zeros((500, 20, 20, 3))), "prediction": np.arange(500)})
    assert log.written in (15, 16)  # of 1200 values each
    assert np.shape(next(iter(written(tmp_path)[0]["inputs"].values()))) == (20, 20, 3)


def test_a_sample_takes_about_that_share_of_the_requests(tmp_path):
    log = logged(tmp_path, *[{"prediction": [1, 2]}] * 2000, sample=0.25)
    assert log.dropped == 0
    assert 600 < log.written < 1400  # 1000 of 4000 rows; eight standard deviations to each side


def test_what_comes_faster_than_it_is_written_is_dropped_and_counted(tmp_path):
    log = PredictionLog(Options(str(tmp_path), waiting_bytes=50_000))
    for _ in range(100):  # no thread takes any yet
        offer(log)
    assert 0 < log.dropped < 200
    log.start()
    assert log.close(30)
    assert log.written + log.dropped == 200
    assert len(written(tmp_path)) == log.written
    offer(log)
    assert log.dropped == 202 - log.written  # after the end too


def test_one_request_of_huge_texts_cannot_fill_the_memory(tmp_path):
    log = PredictionLog(Options(str(tmp_path), waiting_bytes=1_000_000))
    log.offer("a", WHEN, "v1", MODEL, {"sky": np.array(["x" * 900_000], dtype=object)}, [1], size=900_000)
    log.offer("b", WHEN, "v1", MODEL, {"sky": np.array(["x" * 900_000], dtype=object)}, [1], size=900_000)
    assert log.dropped == 1


def test_nothing_that_is_offered_raises_and_the_rest_is_written(tmp_path):
    log = logged(
        tmp_path,
        {},
        {"inputs": 7},
        {"inputs": {"a": np.array(3)}},
        {"prediction": [object(), object()]},
        {"inputs": {"a": np.array([1, 2]), "b": np.array([1])}},
        {},
    )
    # Of the ragged one the first row.
    assert (log.written, log.dropped) == (5, 5)
    assert len(written(tmp_path)) == 5


def test_a_file_is_finished_by_size_and_names_sort_by_time(tmp_path):
    log = PredictionLog(Options(str(tmp_path), part_bytes=2000))
    log.start()
    for index in range(200):
        offer(log, {"temp": np.array([float(index)])}, [index])
    assert log.close(30)
    assert len(list(tmp_path.iterdir())) > 5
    assert [record["prediction"] for record in written(tmp_path)] == list(range(200))


def test_a_file_is_finished_by_age_while_the_server_lives(tmp_path):
    log = PredictionLog(Options(str(tmp_path), part_seconds=0.0))
    log.start()
    offer(log)
    eventually(lambda: log.written == 2)
    assert len(written(tmp_path)) == 2
    log.close(30)


def test_workers_that_are_forked_write_files_of_their_own(tmp_path):
    log = PredictionLog(Options(str(tmp_path)))
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            log.start()
            offer(log, name=f"worker {os.getpid()}")
            os._exit(0 if log.close(30) and log.written == 2 else 1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert len(list(tmp_path.iterdir())) == 3
    assert sorted(r["request_id"] for r in written(tmp_path)) == sorted(
        f"worker {child}" for child in children for _ in range(2)
    )


def test_a_folder_that_comes_back_gets_what_was_tried_meanwhile(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "_PAUSES", (0.05,) * 200)
    folder = tmp_path / "log"
    log = PredictionLog(Options(str(folder), part_seconds=0.0))
    folder.rmdir()
    log.start()
    offer(log)
    eventually(lambda: not log._queue)
    folder.mkdir()
    eventually(lambda: log.written == 2)
    assert log.close(30)
    assert len(written(folder)) == 2


def test_a_folder_that_is_gone_costs_records_and_one_line_in_the_log(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(parts, "_PAUSES", (0.001,))
    folder = tmp_path / "log"
    log = PredictionLog(Options(str(folder), part_seconds=0.0))
    shutil.rmtree(folder)
    log.start()
    for done in (2, 4, 6):
        offer(log)
        eventually(lambda done=done: log.dropped == done)
    assert log.close(30)
    (line,) = caplog.messages
    assert line.startswith("prediction log: ")
    assert line.endswith("2 records are lost so far")


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "_PAUSES", ())
    log = PredictionLog(Options(str(tmp_path)))
    child = os.fork()
    if child == 0:  # a limit on the size of files fails in the middle of a write, as a full disk does
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        log.start()
        for _ in range(50):
            offer(log)
        os._exit(0 if log.close(30) and (log.written, log.dropped) == (0, 100) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(tmp_path.iterdir()) == []


def test_the_end_does_not_wait_longer_than_it_may(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "_PAUSES", (1000.0,))
    folder = tmp_path / "log"
    log = PredictionLog(Options(str(folder)))
    folder.rmdir()
    log.start()
    offer(log)
    assert not log.close(0.1)
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "prediction-log"] == [True]


def test_files_go_to_a_bucket_one_object_each():
    with emulator({}) as address:
        os.environ["STORAGE_EMULATOR_HOST"] = address
        try:
            log = PredictionLog(Options(f"gs://{BUCKET}/logs/weather/", part_bytes=1000))
            log.start()
            for _ in range(40):
                offer(log)
            assert log.close(30)
            bucket = storage.Client(project="test").bucket(BUCKET)
            objects = [
                blob.download_as_text()
                for blob in bucket.list_blobs(prefix="logs/weather/20")
                if blob.name.endswith(".jsonl")
            ]
        finally:
            del os.environ["STORAGE_EMULATOR_HOST"]
    assert len(objects) > 1
    assert sum(len(text.splitlines()) for text in objects) == log.written == 80


def test_a_bucket_that_cannot_be_reached_costs_records_only(monkeypatch, caplog):
    monkeypatch.setattr(parts, "_PAUSES", ())
    monkeypatch.setattr("pipelines.sdk.launch.remote.PATIENCE_SECONDS", 0.1)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    log = PredictionLog(Options(f"gs://{BUCKET}"))
    log.start()
    offer(log)
    assert log.close(30)
    assert (log.written, log.dropped) == (0, 2)
    assert "2 records are lost" in caplog.text


def test_a_server_that_is_asked_to_end_has_written_every_answer(models, launch, tmp_path):
    folder = tmp_path / "log"
    options = ["--name", "station", "--version", "3", "--workers", "2", "--prediction-log", str(folder)]
    server = launch(models / "station", *options)
    tensor = {"name": "temp", "shape": [2], "datatype": "FP64", "data": [1.5, 2.5]}
    answers = {}
    for index in range(20):
        name = f"v2-{index}"
        answer = server.ask("/v2/models/station/infer", {"id": name, "inputs": [tensor]}).json
        answers |= {(name, row): value for row, value in enumerate(answer["outputs"][0]["data"])}
    table = {"columns": ["temp", "wind"], "data": [[3.5, None]]}
    answer = server.ask("/invocations", table, headers={"X-Request-Id": "named"}).json
    answers["named", 0] = answer["predictions"][0]
    assert server.ask("/invocations", {"columns": ["wind"], "data": [[1]]}).status == 400
    server.process.terminate()
    assert server.process.wait(60) == 0
    records = written(folder)
    assert {(record["request_id"], record["row"]): record["prediction"] for record in records} == answers
    assert {record["protocol"] for record in records} == {"v2", "invocations"}
    assert {(record["model_name"], record["version"]) for record in records} == {("station", "3")}
    assert [record["inputs"] for record in records if record["request_id"] == "named"] == [{"temp": 3.5}]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (Options("s3://bucket/logs"), UsageError, "no place for a prediction log"),
        (Options(""), UsageError, "no place for a prediction log"),
        (Options("gs:///logs"), UsageError, "names no bucket"),
        (Options("logs", sample=0), UsageError, "0 is no share"),
        (Options("logs", sample=1.5), UsageError, "1.5 is no share"),
        (Options("logs", sample=float("nan")), UsageError, "nan is no share"),
        (Options("/proc/logs"), EnvironmentProblem, "/proc/logs: cannot be written"),
        (Options(__file__), EnvironmentProblem, "cannot be written"),
    ],
)
def test_options_that_cannot_work_are_refused_at_the_start(options, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        PredictionLog(options)
