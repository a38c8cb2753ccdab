"""Every shape of request gives exactly what mlflow.pyfunc gives for the same table."""

import base64

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving import tables
from tests.serving.conftest import COLUMNS
from tests.serving.tables import csv_of, records_of, split_of

KINDS = {name: kind.name for name, kind, _ in COLUMNS}
DATATYPES = {name: tables.DATATYPES[kind] for name, kind in KINDS.items()}
VALUES = {
    "temp": st.floats(allow_nan=False, allow_infinity=False),
    "wind": st.floats(allow_nan=False, allow_infinity=False),
    "gusts": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "visits": st.integers(-(2**63), 2**63 - 1),
    "level": st.integers(-(2**31), 2**31 - 1),
    "rain": st.booleans(),
    "sky": st.sampled_from(["sun", "fog", "snow"]) | st.text(st.characters(codec="utf-8"), max_size=5),
    "day": st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01")).map(lambda d: d.isoformat()),
}
PARTIAL = ("wind", "gusts", "sky", "day")  # can miss in some rows; the others in all or none


@st.composite
def some_tables(draw, smallest=1):
    """Columns by name, all of one length; None where a value is missing."""
    rows = draw(st.integers(smallest, 6))
    table = {"temp": draw(st.lists(VALUES["temp"], min_size=rows, max_size=rows))}
    for name in draw(st.lists(st.sampled_from(list(KINDS)[1:]), unique=True)):
        value = st.none() | VALUES[name] if name in PARTIAL else VALUES[name]
        table[name] = draw(st.lists(value, min_size=rows, max_size=rows))
    return table


def frame_of(table):
    return tables.frame_of(table, KINDS)


def tensors_of(table):
    return tables.tensors_of(table, KINDS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=some_tables())
def test_every_json_shape_gives_exactly_what_pyfunc_gives(table, station, station_model):
    expected = station_model.predict(frame_of(table)).tolist()
    records = records_of(table)
    bodies = [
        split_of(table),
        {"dataframe_split": {**split_of(table), "index": list(range(len(records)))}},
        {"dataframe_records": records},
        {"dataframe_records": [{k: v for k, v in record.items() if v is not None} for record in records]},
        {"instances": records},
        {"inputs": table},
    ]
    for body in bodies:
        answer = station.ask("/invocations", body)
        assert (answer.status, answer.json) == (200, {"predictions": expected}), body
    v1 = station.ask("/v1/models/station:predict", {"instances": records})
    assert (v1.status, v1.json) == (200, {"predictions": expected})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=some_tables())
def test_v2_tensors_give_exactly_what_pyfunc_gives(table, station, station_model):
    expected = station_model.predict(frame_of(table)).tolist()
    answer = station.ask("/v2/models/station/infer", {"id": "one", "inputs": tensors_of(table)})
    assert answer.status == 200, answer.body
    assert answer.json == {
        "model_name": "station",
        "model_version": "3",
        "id": "one",
        "outputs": [{"name": "tomorrow", "shape": [len(expected)], "datatype": "FP64", "data": expected}],
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=some_tables())
def test_csv_gives_exactly_what_pyfunc_gives(table, station, station_model):
    if (
        "sky" in table
    ):  # an empty cell is a missing value, and a lone CR is no text that CSV can carry unquoted
        table["sky"] = [v or None for v in table["sky"]]
    expected = station_model.predict(frame_of(table)).tolist()
    answer = station.ask("/invocations", csv_of(table), "text/csv; charset=utf-8")
    assert (answer.status, answer.json) == (200, {"predictions": expected})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=some_tables(smallest=0))
def test_the_model_gets_every_value_as_it_was_sent(table, echo):
    if "sky" in table:  # an empty cell of a CSV file is a missing value
        table["sky"] = [v or None for v in table["sky"]]
    want = {name: [json_of(v) for v in column] for name, column in frame_of(table).items()}
    rows = records_of(want)
    for body, media in (
        (split_of(table), "application/json"),
        ({"inputs": table}, "application/json"),
        (csv_of(table), "text/csv"),
    ):
        answer = echo.ask("/invocations", body, media)
        assert (answer.status, answer.json) == (200, {"predictions": rows}), body
    if rows:
        for shape in ("dataframe_records", "instances"):
            assert echo.ask("/invocations", {shape: records_of(table)}).json == {"predictions": rows}
    outputs = echo.ask("/v2/models/echo/infer", {"inputs": tensors_of(table)}).json["outputs"]
    # The model gets the columns in the signature's order.
    assert {output["name"]: output["data"] for output in outputs} == want


def json_of(value):
    """What JSON makes of a value of a pandas column."""
    if value is None or value is pd.NaT or value != value:
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def test_the_bare_shape_of_mlflow_1_is_answered(station, station_model):
    answer = station.ask("/invocations", {"columns": ["temp"], "data": [[12.8]]})
    expected = station_model.predict(pd.DataFrame({"temp": [12.8]})).tolist()
    assert (answer.status, answer.json) == (200, {"predictions": expected})


def test_columns_reach_the_model_with_the_types_of_the_signature(echo):
    row = {
        "temp": 1,
        "wind": 2,
        "gusts": 1.5,
        "visits": 3.0,
        "level": 4,
        "rain": True,
        "sky": "x",
        "day": "2024-02-29",
    }
    body = {
        "dataframe_records": [{**row, "photo": base64.b64encode(b"\x00\xff").decode()}],
        "params": {"do": "types"},
    }
    types = echo.ask("/invocations", body).json["predictions"]
    wanted = ["float64", "float64", "float32", "int64", "int32", "bool", "object", "datetime64[ns]", "object"]
    assert types == wanted


def test_bytes_of_a_binary_column_arrive_and_return_as_base64(echo):
    photo = base64.b64encode(bytes(range(256))).decode()
    body = {"dataframe_records": [{"temp": 1.0, "photo": photo}]}
    assert echo.ask("/invocations", body).json == {"predictions": [{"temp": 1.0, "photo": photo}]}


def test_a_column_that_the_signature_does_not_name_is_left_out(station, station_model):
    answer = station.ask("/invocations", {"columns": ["x", "temp"], "data": [["?", 12.8]]})
    assert answer.json["predictions"] == station_model.predict(pd.DataFrame({"temp": [12.8]})).tolist()


def test_rows_without_names_take_the_order_of_the_signature_or_only_what_is_required(station, station_model):
    expected = station_model.predict(pd.DataFrame({"temp": [12.8, 3.0]})).tolist()
    for rows in ([[12.8], [3.0]], [12.8, 3.0], [[t, *[None] * 7] for t in (12.8, 3.0)]):
        assert station.ask("/v1/models/station:predict", {"instances": rows}).json == {
            "predictions": expected
        }


def test_fp32_and_fp16_tensors_are_rounded_as_such(echo):
    for kind, dtype in (("FP32", np.float32), ("FP16", np.float16)):
        tensor = {"name": "temp", "shape": [1], "datatype": kind, "data": [12.8]}
        answer = echo.ask("/v2/models/echo/infer", {"inputs": [tensor]}).json
        assert answer["outputs"][0]["data"] == [float(dtype(12.8))] != [12.8]


def test_integers_of_any_v2_width_can_stand_for_a_double(station, station_model):
    expected = station_model.predict(pd.DataFrame({"temp": [12.0]})).tolist()
    for kind in ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16"):
        tensor = {"name": "temp", "shape": [1], "datatype": kind, "data": [12]}
        answer = station.ask("/v2/models/station/infer", {"inputs": [tensor]})
        assert answer.json["outputs"][0]["data"] == expected, kind


def test_a_table_as_answer_is_one_v2_output_a_column(echo):
    tensors = [
        {"name": "temp", "shape": [2], "datatype": "FP64", "data": [1.5, 2.5]},
        {"name": "sky", "shape": [2], "datatype": "BYTES", "data": ["é", "sun"]},
    ]
    body = {"inputs": tensors, "outputs": [{"name": "sky"}]}
    answer = echo.ask("/v2/models/echo/versions/3/infer", body).json
    assert answer["outputs"] == [tensors[1]]
    assert echo.ask("/v2/models/echo/infer", {"inputs": tensors}).json["outputs"] == tensors


def test_nan_and_infinity_in_a_prediction_are_null(echo):
    body = {"columns": ["temp"], "data": [[1.0]], "params": {"do": "nan"}}
    assert echo.ask("/invocations", body).json == {"predictions": [None, None, 1.5]}


def test_numpy_scalars_times_and_bytes_in_a_prediction_are_json(echo):
    body = {"columns": ["temp"], "data": [[1.0]], "params": {"do": "scalars"}}
    said = {"big": 2**60, "when": "2024-02-29T00:00:00", "raw": "/w==", "no": None}
    assert echo.ask("/invocations", body).json == {"predictions": said}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [[1, 2, 3.5], [4, 5, 6]]},
        {"inputs": [[1, 2, 3.5], [4, 5, 6]]},
        {"columns": ["x", "y", "z"], "data": [[1, 2, 3.5], [4, 5, 6]]},
    ],
)
def test_a_model_of_arrays_takes_lists_and_tables(servers, body):
    expected = mlflow.pyfunc.load_model(str(servers["block"].model)).predict(
        np.array([[1, 2, 3.5], [4, 5, 6]])
    )
    assert servers["block"].ask("/invocations", body).json == {"predictions": expected.tolist()}


def test_a_model_of_arrays_takes_a_v2_tensor_flat_or_nested(servers):
    expected = mlflow.pyfunc.load_model(str(servers["block"].model)).predict(
        np.array([[1, 2, 3.5], [4, 5, 6]])
    )
    for data in ([1, 2, 3.5, 4, 5, 6], [[1, 2, 3.5], [4, 5, 6]]):
        tensor = {"name": "any", "shape": [2, 3], "datatype": "FP64", "data": data}
        answer = servers["block"].ask("/v2/models/block/infer", {"inputs": [tensor]}).json
        assert answer["outputs"][0]["data"] == expected.tolist()


def test_a_model_without_signature_takes_tables(servers):
    bare = servers["bare"]
    expected = mlflow.pyfunc.load_model(str(bare.model)).predict(
        pd.DataFrame({"temp": [1.5, 2], "wind": [3, 4]})
    )
    table = {"temp": [1.5, 2], "wind": [3, 4]}
    for answer in (
        bare.ask("/invocations", split_of(table)),
        bare.ask("/invocations", {"dataframe_records": records_of(table)}),
        bare.ask("/invocations", csv_of(table), "text/csv"),
        bare.ask("/invocations", {"inputs": table}),
    ):
        assert answer.json == {"predictions": expected.tolist()}


def test_metadata_names_model_version_columns_and_types(station):
    metadata = station.ask("/v2/models/station").json
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("station", ["3"], "mlflow")
    assert {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]} == DATATYPES
    required = {tensor["name"]: tensor["parameters"]["required"] for tensor in metadata["inputs"]}
    assert required == {name: needed for name, _, needed in COLUMNS}
    assert metadata["outputs"] == [{"name": "tomorrow", "datatype": "FP64", "shape": [-1]}]
    assert metadata["parameters"]["model_id"] == mlflow.models.Model.load(str(station.model)).model_uuid
    assert station.ask("/v2/models/station/versions/3").json == metadata


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/station/ready",
        "/v2/models/station/versions/3/ready",
        "/v1/models",
        "/v1/models/station",
        "/ping",
        "/health",
        "/version",
        "/metrics",
    ],
)
def test_every_path_that_says_how_the_server_is_answers(station, path):
    assert station.ask(path).status == 200


def test_version_is_that_of_mlflow(station):
    assert station.ask("/version").body.decode() == mlflow.__version__


def test_metrics_count_rows_requests_and_refusals_and_name_the_model(station):
    def count(text, line):
        return sum(float(x.rpartition(" ")[2]) for x in text.splitlines() if x.startswith(line))

    before = station.ask("/metrics").body.decode()
    station.ask("/invocations", {"columns": ["temp"], "data": [[1.0], [2.0]]})
    station.ask("/invocations", {"columns": ["x"], "data": [[1.0]]})
    after = station.ask("/metrics").body.decode()
    grown = {
        'model_server_requests_total{protocol="invocations",status="200"}': 1,
        'model_server_requests_total{protocol="invocations",status="400"}': 1,
        "model_server_rows_total": 2,
        'model_server_errors_total{reason="missing"}': 1,
        'model_server_request_seconds_count{protocol="invocations"}': 2,
    }
    assert {line: count(after, line) - count(before, line) for line in grown} == grown
    assert 'model="station"' in after and 'version="3"' in after
