"""Single values on their way from JSON to the model and back: kept to the last bit, or refused."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sdk.serving.protocols import invocations, jsontext, predictions, v2
from pipelines.sdk.serving.protocols.columns import Column, Kind
from pipelines.sdk.serving.protocols.problems import Refused
from pipelines.sdk.serving.protocols.table import Signature, numeric_columns, rows_of
from pipelines.sdk.serving.protocols.tensors import Tensor

SIGNATURE = Signature(
    (
        Column("double", Kind.DOUBLE),
        Column("long", Kind.LONG, required=False),
        Column("float", Kind.FLOAT, required=False),
        Column("integer", Kind.INTEGER, required=False),
        Column("truth", Kind.BOOLEAN, required=False),
        Column("text", Kind.STRING, required=False),
        Column("any", Kind.OTHER, required=False),
    ),
    params=frozenset({"p"}),
)
BARE, RAW = Signature(), Signature(raw=True)
BLOCK = Signature(tensors=(Tensor("", np.dtype("float64"), (-1, 3)),))


def frame(name, values, datatype=None):
    """The column as the model gets it, sent by V2 where a datatype is named, else by `inputs`."""
    columns = {"double": [1.0] * len(values), name: values}
    if datatype is None:
        return invocations.from_json(json.dumps({"inputs": columns}).encode(), SIGNATURE).data.columns[name]
    tensors = [
        {"name": n, "shape": [len(v)], "datatype": datatype if n == name else "FP64", "data": v}
        for n, v in columns.items()
    ]
    return v2.decode(json.dumps({"inputs": tensors}).encode(), SIGNATURE).query.data.columns[name]


@pytest.mark.parametrize("datatype", [None, "INT64", "FP64"])
def test_a_whole_float_stands_for_an_integer(datatype):
    have = frame("long", [3.0, -0.0, 2.0**53], datatype)
    assert (have.dtype, have.tolist()) == (np.int64, [3, 0, 2**53])


@pytest.mark.parametrize("value", [3.5, 5e-324, 2.0**53 + 2, 1e300, True, "3", [3], 2**63, -(2**63) - 1])
@pytest.mark.parametrize("datatype", [None, "INT64", "FP64", "UINT64"])
def test_what_is_no_exact_integer_is_refused(value, datatype):
    with pytest.raises(Refused):
        frame("long", [1, value], datatype)


@pytest.mark.parametrize("name, low, high", [("long", -(2**63), 2**63 - 1), ("integer", -(2**31), 2**31 - 1)])
def test_the_largest_integers_arrive_as_they_are(name, low, high):
    for datatype in (None, "INT64"):
        assert frame(name, [low, high], datatype).tolist() == [low, high]
    for beyond in (low - 1, high + 1):
        with pytest.raises(Refused):
            frame(name, [beyond], None)


@given(st.lists(st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_of_any_size_becomes_the_nearest_double(values):
    wanted = [float(value) for value in values]
    assert frame("double", values).tolist() == wanted
    if all(isinstance(value, int) and value >= 0 for value in values):
        assert frame("double", values, "UINT64").tolist() == wanted


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_double_for_a_float_column_is_rounded_once_or_refused_as_too_large(values):
    with np.errstate(over="ignore"):
        wanted = np.array(values).astype(np.float32)
    for datatype in (None, "FP64"):
        if np.isinf(wanted).any():
            with pytest.raises(Refused):
                frame("float", values, datatype)
        else:
            assert frame("float", values, datatype).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("datatype", [None, "FP64", "BYTES"])
@pytest.mark.parametrize("value", [True, "1.5", [1.5], {}])
def test_what_is_no_number_is_refused_for_a_double(value, datatype):
    with pytest.raises(Refused):
        frame("double", [1.5, value], datatype)


@pytest.mark.parametrize("datatype", [None, "FP64", "FP32"])
def test_null_in_a_column_that_is_not_required_is_nan(datatype):
    assert np.isnan(frame("float", [1.5, None], datatype)[1])


def test_null_in_some_rows_of_integers_is_refused():
    for name in ("long", "integer"):
        with pytest.raises(Refused):
            frame(name, [1, None])


@pytest.mark.parametrize(
    "body", [b'{"instances": [[1, null, 2.5]]}', b'{"inputs": [{"x": 1, "y": null, "z": 2.5}]}']
)
def test_null_in_an_array_of_floats_is_nan(body):
    (row,) = invocations.from_json(body, BLOCK).data
    assert row[0] == 1 and np.isnan(row[1]) and row[2] == 2.5


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", ">f8", "int64", "uint64", "int8", "bool"])
def test_predictions_of_any_type_are_written_exactly(dtype):
    values = np.array([0.1, -1e-7, 7]).astype(dtype) if dtype[0] != "u" else np.array([2**64 - 1], dtype)
    request = v2.InferRequest(None, invocations.from_json(b'{"inputs": {"double": [1]}}', SIGNATURE))
    (output,) = json.loads(v2.encode(request, values, "m", "", [])[0])["outputs"]
    assert output["data"] == values.tolist()
    said = json.loads(predictions.dumps({"predictions": predictions.plain(values)}))
    assert said == {"predictions": values.tolist()}


def test_every_second_element_of_an_array_is_written_as_such():
    request = v2.InferRequest(None, invocations.from_json(b'{"inputs": {"double": [1]}}', SIGNATURE))
    values = np.arange(12.0).reshape(3, 4)[:, ::2].T
    (output,) = json.loads(v2.encode(request, values, "m", "", [])[0])["outputs"]
    assert (output["shape"], output["data"]) == ([2, 3], [0, 4, 8, 2, 6, 10])


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1, "a": 2}',
        '{"a" : 1, "b": ":", "a": 2}',
        '{"when": "12:00", "when": "x"}',
        '{"a": [1, 2, {"deep": [[{"x": 1, "x": 2}]]}]}',
        '{"a": "{", "b": [{"x": 1, "x" :2}]}',
        '{"\\u0061": 1, "a": 2}',
        '{"a": "\\": ", "b": 1, "b": 2}',
    ],
)
def test_a_key_that_is_there_twice_is_found_wherever_it_is(body):
    with pytest.raises(Refused, match="twice"):
        jsontext.parse(body.encode())


TEXTS = st.text(st.sampled_from('":{} \\a[],'), max_size=6)
JSON = st.recursive(
    st.none() | st.integers(0, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
def test_what_has_no_key_twice_is_read_as_it_is(value, separators):
    assert jsontext.parse(json.dumps(value, separators=separators).encode()) == value


def nested(open_, close, depth):
    return open_ * depth + "1" + close * depth


@pytest.mark.parametrize("depth", [120, 500, 900])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("signature", [SIGNATURE, BARE, RAW, BLOCK])
def test_deep_nesting_is_refused_whatever_the_model_takes(signature, brackets, depth):
    deep = nested(*brackets, depth // len(brackets[1]))
    bodies = [
        f'{{"instances": {deep}}}',
        f'{{"instances": [{deep}]}}',
        f'{{"inputs": {{"double": [1], "any": [{deep}]}}}}',
        f'{{"dataframe_records": [{{"double": 1, "any": {deep}}}]}}',
        f'{{"inputs": {{"double": [1]}}, "params": {{"p": {deep}}}}}',
    ]
    for body in bodies:
        # A table has only the columns that its signature names, an array no columns at all.
        if '"any"' in body and signature is BLOCK:
            continue
        with pytest.raises(Refused):
            invocations.from_json(body.encode(), signature)
    tensor = f'{{"name": "any", "shape": {deep}, "datatype": "BYTES", "data": {deep}}}'
    with pytest.raises(Refused):
        v2.decode(f'{{"inputs": [{tensor}]}}'.encode(), signature)


def test_numeric_columns_are_those_of_numbers_and_truths_by_name():
    body = b'{"inputs": {"double": [1, 2], "long": [3, 4], "truth": [true, false], "text": ["a", "b"]}}'
    query = invocations.from_json(body, SIGNATURE)
    have = {name: values.tolist() for name, values in numeric_columns(query.data).items()}
    assert have == {"double": [1.0, 2.0], "long": [3, 4], "truth": [True, False]}
    assert numeric_columns(query.data)["double"] is query.data.columns["double"]
    assert rows_of(query.data) == 2
    bare = invocations.from_json(b'{"inputs": {"x": [1, 2], "y": ["a", "b"]}}', BARE)
    assert {name: values.tolist() for name, values in numeric_columns(bare.data).items()} == {"x": [1, 2]}
    assert numeric_columns(np.zeros((2, 3))) == {}


def test_the_same_table_in_pandas_has_the_types_of_the_signature():
    body = b'{"inputs": {"double": [1, 2], "float": [1, null], "truth": [true, null], "text": ["a", null]}}'
    table = invocations.from_json(body, SIGNATURE).data.to_pandas()
    wanted = pd.DataFrame(
        {
            "double": [1.0, 2.0],
            "float": np.array([1, np.nan], "float32"),
            "truth": np.array([True, None], object),
            "text": np.array(["a", None], object),
        }
    )
    pd.testing.assert_frame_equal(table, wanted)
