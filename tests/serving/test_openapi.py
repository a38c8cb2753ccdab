"""The OpenAPI document says what the server does: every path, every refusal, every shape of an answer."""

import json
import subprocess
import sys

import pytest

MODELS = ("station", "echo", "block", "bare")


@pytest.fixture(scope="module")
def documents(servers):
    return {name: server.ask("/openapi.json").json for name, server in servers.items()}


def schemas(document, path):
    return document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize("model", MODELS)
def test_every_path_of_the_document_is_there_and_takes_no_other_method(servers, documents, model):
    for path, operations in documents[model]["paths"].items():
        (method,) = operations
        other = {"get": "POST", "post": "GET"}[method]
        answer = servers[model].ask(path, method=other, headers={"Content-Length": "0"})
        assert (answer.status, answer.headers["allow"].partition(",")[0]) == (405, method.upper()), path
        if method == "get":
            assert servers[model].ask(path).status == 200, path


@pytest.mark.parametrize("model", MODELS)
def test_every_example_of_the_document_is_answered(servers, documents, model):
    asked = 0
    for path, operations in documents[model]["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        if "example" in content.get("application/json", {}):
            answer = servers[model].ask(path, content["application/json"]["example"])
            # A model without signature and example says of no request that it can answer it.
            assert answer.status == 200 or model == "bare", (path, answer.body)
            asked += 1
    assert asked >= 3 or model == "bare"


def test_the_page_links_to_the_document(station):
    assert b'href="openapi.json"' in station.ask("/").body


def test_the_columns_of_the_model_are_in_the_schemas(documents):
    records = schemas(documents["station"], "/invocations")["anyOf"][1]["properties"]["dataframe_records"]
    row = records["items"]
    assert row["required"] == ["temp"]
    assert row["properties"]["temp"] == {"type": "number"}
    assert row["properties"]["visits"]["type"] == ["integer", "null"]
    inputs = schemas(documents["station"], "/v2/models/station/infer")["properties"]["inputs"]
    assert inputs["allOf"] == [{"contains": {"properties": {"name": {"const": "temp"}}}}]


def test_the_parameters_of_the_model_are_in_the_schemas(documents):
    params = schemas(documents["echo"], "/invocations")["anyOf"][0]["properties"]["params"]
    assert sorted(params["properties"]) == ["do", "seconds"]


def test_the_document_tells_the_limits(documents):
    assert "1000000 bytes and 2000 rows" in documents["station"]["info"]["description"]


@pytest.mark.parametrize(("model", "seconds"), [("station", 20), ("echo", 8), ("block", 5), ("bare", 5)])
def test_schemathesis_finds_no_failure_and_nothing_that_the_document_does_not_say(
    servers, tmp_path, model, seconds
):
    before = len(servers[model].log.read_text())
    # Not every body that fits the schemas fits the model: no schema says that all rows are of one length.
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--no-color",
        "run",
        f"{servers[model].url}/openapi.json",
    ]
    options = ["--exclude-checks", "positive_data_acceptance", "--phases", "examples,coverage,fuzzing"]
    options += ["--max-time", str(seconds), "--max-examples", "50", "--continue-on-failure"]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "Tested: " in done.stdout
    assert "Traceback" not in servers[model].log.read_text()[before:]


def test_the_document_is_json_of_openapi_3_1(station):
    answer = station.ask("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body)["openapi"].startswith("3.1.")
