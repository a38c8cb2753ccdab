import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sdk.launch import LaunchError, Request, TaskDocument, decode
from pipelines.sdk.launch.outputs import collect
from pipelines.sdk.launch.paths import lay_out, prepare
from tests.launch.test_wire import same, values

KFP = ["python3", "-m", "kfp.dsl.executor_main"]


def request_of(root, parameters=(), artifacts=(), command=("prog",), **more):
    outputs = {
        "parameters": {n: {"type": t} for n, t in dict(parameters).items()},
        "artifacts": dict(artifacts),
    }
    task = TaskDocument.from_json({"name": "fit", "command": command, "outputs": outputs})
    return Request(task, str(root), **more)


def collected(root, reported=None, files=(), **kwargs):
    """What is collected after a program wrote an executor output and some parameter files."""
    request = request_of(root, **kwargs)
    layout = lay_out(request)
    prepare(layout, request)
    if reported is not None:
        with open(layout.output_file, "w") as file:
            file.write(reported if isinstance(reported, str) else json.dumps(reported))
    for name, content in dict(files).items():
        with open(layout.output_files[name], "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return collect(request, layout)


def failure(*args, **kwargs):
    with pytest.raises(LaunchError) as caught:
        collected(*args, **kwargs)
    return caught.value


@given(values.filter(lambda value: value is not None))
def test_any_value_in_a_struct_comes_out_as_the_function_returned_it(tmp_path_factory, value):
    root = tmp_path_factory.getbasetemp() / "any"
    result = collected(root, {"parameterValues": {"x": {"v": value}}}, parameters={"x": "STRUCT"})
    assert same(decode(result.parameters["x"]), {"v": value})


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_in_a_file_is_taken_verbatim(tmp_path_factory, text):
    root = tmp_path_factory.getbasetemp() / "text"
    result = collected(root, files={"x": text}, parameters={"x": "STRING"})
    assert decode(result.parameters["x"]) == text


def test_the_executor_output_wins_over_a_file(tmp_path):
    result = collected(
        tmp_path,
        {"parameterValues": {"x": 1}},
        files={"x": "2", "y": "3"},
        parameters={"x": "NUMBER_INTEGER", "y": "NUMBER_INTEGER"},
    )
    assert result.parameters == {"x": "1", "y": "3"}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("NUMBER_DOUBLE", 3, "3.0"),
        ("NUMBER_INTEGER", 3.0, "3"),
        ("NUMBER_INTEGER", 2**53 + 1, "9007199254740993"),
        ("LIST", [1, 1.0, "1.0"], '[1,1.0,"1.0"]'),
        ("BOOLEAN", False, "false"),
        ("STRING", "", '""'),
    ],
)
def test_the_producer_gives_the_declared_type(tmp_path, kind, value, expected):
    result = collected(tmp_path, {"parameterValues": {"x": value}}, parameters={"x": kind})
    assert result.parameters["x"] == expected


@pytest.mark.parametrize("value", [3.5, "x", True, [1]])
def test_a_value_of_another_type_names_output_value_and_type(tmp_path, value):
    error = failure(tmp_path, {"parameterValues": {"n": value}}, parameters={"n": "NUMBER_INTEGER"})
    assert error.where == "output 'n'"
    assert error.what == f"{value!r} is not a NUMBER_INTEGER"


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("NUMBER_DOUBLE", math.nan, "nan"),
        ("NUMBER_DOUBLE", -math.inf, "-inf"),
        ("LIST", [0, {"a": math.nan}], "nan"),
        ("STRING", "a\ud800", "lone surrogate"),
        ("STRUCT", {"k\udfff": 1}, "lone surrogate"),
        ("STRING", "x" * 40_000, "40002 bytes"),
        ("LIST", list(range(10_000)), "32768 bytes"),
    ],
)
def test_a_value_that_cannot_travel_names_the_output(tmp_path, kind, value, words):
    error = failure(
        tmp_path,
        {"parameterValues": {"good": 1, "bad": value}},
        parameters={"good": "NUMBER_INTEGER", "bad": kind},
    )
    assert "output 'bad'" in error.where
    assert words in error.what
    assert error.mend


def test_a_text_file_that_is_too_long_says_to_make_it_an_artifact(tmp_path):
    error = failure(tmp_path, files={"x": "x" * 40_000}, parameters={"x": "STRING"})
    assert error.where == "output 'x'"
    assert error.mend == "make it an artifact"


@pytest.mark.parametrize(
    ("kind", "content"), [("NUMBER_DOUBLE", "nan"), ("LIST", "[NaN]"), ("STRING", b"\xff\xfe")]
)
def test_a_file_that_holds_no_value_names_the_output(tmp_path, kind, content):
    assert failure(tmp_path, files={"x": content}, parameters={"x": kind}).where.startswith("output 'x'")


def test_a_file_that_a_program_did_not_write_is_an_error(tmp_path):
    error = failure(tmp_path, parameters={"x": "STRING"})
    assert error.where == "output 'x'"
    assert "did not write" in error.what
    assert "output_file" in error.mend


def test_an_output_that_a_python_function_left_out_is_absent(tmp_path):
    result = collected(tmp_path, {}, parameters={"x": "STRING", "y": "LIST"}, command=KFP)
    assert result.parameters == {"x": "null", "y": "null"}


def test_what_an_earlier_attempt_reported_does_not_count(tmp_path):
    kinds = {"x": "STRING", "y": "STRING"}
    collected(tmp_path, {"parameterValues": {"x": "old"}}, files={"y": "old"}, parameters=kinds)
    assert collected(tmp_path, parameters=kinds, command=KFP).parameters == {"x": "null", "y": "null"}


@pytest.mark.parametrize(
    "reported",
    [
        "",
        "{",
        "[]",
        "3",
        "[" * 100_000,
        '{"parameterValues": []}',
        '{"artifacts": 1}',
        '{"artifacts": {"m": []}}',
        '{"artifacts": {"m": {"artifacts": {}}}}',
        '{"artifacts": {"m": {"artifacts": [1]}}}',
        '{"artifacts": {"m": {"artifacts": [{"uri": 1}]}}}',
        '{"artifacts": {"m": {"artifacts": [{"metadata": [1]}]}}}',
    ],
    ids=lambda reported: reported[:30],
)
def test_an_executor_output_of_another_shape_is_an_error(tmp_path, reported):
    assert str(failure(tmp_path, reported, artifacts={"m": {}}))


def test_an_artifact_that_nothing_was_said_of_is_as_declared(tmp_path):
    declared = {"schemaTitle": "system.Model", "schemaVersion": "1", "metadata": {"a": 1}}
    result = collected(tmp_path, artifacts={"m": declared})
    assert result.artifacts == {
        "m": [
            {
                "name": "m",
                "type": {"schemaTitle": "system.Model", "schemaVersion": "1"},
                "uri": f"{tmp_path}/m",
                "metadata": {"a": 1},
            }
        ]
    }


def entry(*artifacts):
    return {"artifacts": {"m": {"artifacts": list(artifacts)}}}


def test_a_step_may_change_uri_name_and_metadata_but_not_the_type(tmp_path):
    said = {
        "name": "prediction",
        "uri": "s3://elsewhere/x",
        "metadata": {"n": 1, "d": 1.0, "big": 2**53 + 1, "deep": [{"x": None}]},
        "type": {"schemaTitle": "system.Other"},
    }
    declared = {"schemaTitle": "system.Model", "metadata": {"kept": True, "n": 0}}
    (record,) = collected(tmp_path, entry(said), artifacts={"m": declared}).artifacts["m"]
    assert record["name"] == "prediction"
    assert record["uri"] == "s3://elsewhere/x"
    assert record["type"] == {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}
    assert same(record["metadata"], {"kept": True, **said["metadata"]})


def test_an_artifact_that_a_function_made_without_name_and_uri_keeps_the_declared_ones(tmp_path):
    said = {"name": "", "uri": "", "metadata": {"n": 1}}
    (record,) = collected(tmp_path, entry(said), artifacts={"m": {}}).artifacts["m"]
    assert (record["name"], record["uri"], record["metadata"]) == ("m", f"{tmp_path}/m", {"n": 1})


@pytest.mark.parametrize("key", ["custom_path", "customPath"])
def test_what_was_written_to_a_custom_path_is_brought_to_the_uri(tmp_path, key):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "weights").write_text("w")
    result = collected(tmp_path / "root", entry({key: str(tmp_path / "mine")}), artifacts={"m": {}})
    (record,) = result.artifacts["m"]
    assert key not in record
    with open(f"{record['uri']}/weights") as file:
        assert file.read() == "w"


def test_a_file_at_a_custom_path_goes_where_the_bucket_is_mounted(tmp_path):
    (tmp_path / "mine").write_text("w")
    said = {"custom_path": str(tmp_path / "mine"), "uri": "gs://b/k/m"}
    collected(tmp_path / "root", entry(said), artifacts={"m": {}}, mounts={"gs://": f"{tmp_path}/gcs/"})
    assert (tmp_path / "gcs" / "b" / "k" / "m").read_text() == "w"


def test_a_list_of_artifacts_has_every_one_that_was_reported(tmp_path):
    said = entry({"name": "a", "uri": "/a", "metadata": {"i": 0}}, {"name": "b", "uri": "/b"})
    records = collected(tmp_path, said, artifacts={"m": {"list": True}}).artifacts["m"]
    assert [record["uri"] for record in records] == ["/a", "/b"]
    assert collected(tmp_path, entry(), artifacts={"m": {"list": True}}).artifacts["m"] == []
    assert len(collected(tmp_path, said, artifacts={"m": {}}).artifacts["m"]) == 1


@pytest.mark.parametrize(
    ("metadata", "where", "words"),
    [
        ({"loss": math.nan}, "output 'm', metadata ['loss']", "nan"),
        ({"a": [{"b": "\ud800"}]}, "output 'm', metadata ['a'][0]['b']", "lone surrogate"),
        ({"blob": "x" * 40_000}, "output 'm'", "bytes"),
    ],
)
def test_metadata_that_cannot_travel_names_output_and_key(tmp_path, metadata, where, words):
    error = failure(tmp_path, entry({"metadata": metadata}), artifacts={"m": {}})
    assert error.where == where
    assert words in error.what
    assert error.mend
