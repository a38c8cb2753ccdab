"""Everyone's clients, unchanged: KServe's and MLflow's own libraries talk to the server."""

import asyncio
import json
import struct

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from tests.serving.conftest import station_frame

NUMBERS = ["temp", "wind", "gusts", "visits", "level", "rain"]
DATATYPES = dict(zip(NUMBERS, ("FP64", "FP64", "FP32", "INT64", "INT32", "BOOL"), strict=True))


def ask(protocol, call):
    """What KServe's client answers, each time from a client of its own."""

    async def talk():
        client = InferenceRESTClient(RESTConfig(protocol=protocol, timeout=30))
        try:
            return await call(client)
        finally:
            await client.close()

    return asyncio.run(talk())


def infer_request(frame, binary, **more):
    inputs = []
    for name in [name for name in frame if name in DATATYPES]:
        tensor = InferInput(name, [len(frame)], DATATYPES[name])
        tensor.set_data_from_numpy(frame[name].to_numpy(), binary_data=binary)
        inputs.append(tensor)
    texts = {"sky": frame["sky"], "day": frame["day"].dt.strftime("%Y-%m-%dT%H:%M:%S")}
    for name, column in texts.items():
        tensor = InferInput(name, [len(frame)], "BYTES")
        tensor.set_data_from_numpy(column.to_numpy(dtype=object), binary_data=binary)
        inputs.append(tensor)
    return InferRequest("station", inputs, **more)


@pytest.fixture(scope="module")
def frame():
    return station_frame(20)


@pytest.fixture(scope="module")
def wanted(station_model, frame):
    return station_model.predict(frame).tolist()


@pytest.mark.parametrize("call", ["is_server_live", "is_server_ready"])
def test_kserves_client_sees_that_the_server_is_well(station, call):
    assert ask("v2", lambda client: getattr(client, call)(station.url)) is True


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_kserves_client_sees_that_the_model_is_ready(station, protocol):
    assert ask(protocol, lambda client: client.is_model_ready(station.url, "station")) is True


def test_kserves_client_sees_that_another_model_is_not_there(station):
    assert ask("v2", lambda client: client.is_model_ready(station.url, "other")) is False


@pytest.mark.parametrize("binary", [False, True])
def test_kserves_client_gets_mlflows_own_predictions_over_v2(station, frame, wanted, binary):
    request = infer_request(frame, binary, request_id="mine")
    answer = ask("v2", lambda client: client.infer(station.url, request, model_name="station"))
    assert answer.outputs[0].data == wanted
    assert (answer.id, answer.outputs[0].name, answer.outputs[0].datatype) == ("mine", "tomorrow", "FP64")
    assert answer.outputs[0].as_numpy().tolist() == wanted


def test_kserves_client_gets_the_outputs_as_raw_data(station, frame, wanted):
    for more in (
        {"request_outputs": [RequestedOutput("tomorrow", {"binary_data": True})]},
        {"parameters": {"binary_data_output": True}},
    ):
        request = infer_request(frame, True, **more)
        answer = ask(
            "v2", lambda client, request=request: client.infer(station.url, request, model_name="station")
        )
        assert answer.outputs[0].as_numpy().tolist() == wanted


def test_kserves_client_sends_a_data_frame(station, frame, wanted):
    request = InferRequest("station", [])
    plain = frame.assign(day=frame["day"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    for name in plain:
        datatype = DATATYPES.get(name, "BYTES")
        request.inputs.append(InferInput(name, [len(plain)], datatype, data=plain[name].tolist()))
    assert request.as_dataframe().shape == plain.shape
    answer = ask("v2", lambda client: client.infer(station.url, request, model_name="station"))
    assert answer.outputs[0].data == wanted


def test_kserves_client_gets_predictions_over_v1(station, frame, wanted):
    rows = frame.assign(day=frame["day"].dt.strftime("%Y-%m-%d")).to_dict(orient="records")
    answer = ask("v1", lambda client: client.infer(station.url, {"instances": rows}, model_name="station"))
    assert answer == {"predictions": wanted}


def test_kserves_client_tells_the_reason_of_a_refusal(station, frame):
    request = InferRequest("station", [InferInput("temp", [1], "BYTES", data=["warm"])])
    with pytest.raises(httpx.HTTPStatusError, match="'temp', row 0: must be a number, not the text 'warm'"):
        ask("v2", lambda client: client.infer(station.url, request, model_name="station"))


def test_texts_come_back_to_kserves_client_as_texts(echo):
    words = np.array(["sun", "naïve", ""], dtype=object)
    temp, sky = InferInput("temp", [3], "FP64"), InferInput("sky", [3], "BYTES")
    temp.set_data_from_numpy(np.arange(3.0))
    sky.set_data_from_numpy(words)
    for parameters in ({}, {"binary_data_output": True}):
        request = InferRequest("echo", [temp, sky], parameters=parameters)
        answer = ask("v2", lambda client, request=request: client.infer(echo.url, request, model_name="echo"))
        outputs = {output.name: output for output in answer.outputs}
        assert outputs["temp"].as_numpy().tolist() == [0.0, 1.0, 2.0]
        got = [each.decode() if isinstance(each, bytes) else each for each in outputs["sky"].as_numpy()]
        assert got == words.tolist()


def test_mlflows_scoring_client_gets_mlflows_own_predictions(station, frame, wanted):
    client = ScoringServerClient("127.0.0.1", station.port)
    client.wait_server_ready(timeout=10)
    client.ping()
    assert client.get_version() == mlflow.__version__
    answer = client.invoke(frame.assign(day=frame["day"].dt.strftime("%Y-%m-%dT%H:%M:%S")))
    assert answer["predictions"] == wanted
    assert answer.get_predictions()[0].tolist() == wanted


def test_mlflows_scoring_client_sends_an_array(servers, models):
    block = np.random.default_rng(1).normal(size=(5, 3))
    answer = ScoringServerClient("127.0.0.1", servers["block"].port).invoke(block)
    model = mlflow.pyfunc.load_model(str(models / "block"))
    assert answer["predictions"] == model.predict(block).tolist()


def test_mlflows_scoring_client_sends_parameters(echo):
    client = ScoringServerClient("127.0.0.1", echo.port)
    sent = pd.DataFrame({"temp": [1.0]})
    assert client.invoke(sent, params={"do": "types"})["predictions"] == ["float64"]


def test_mlflows_scoring_client_tells_the_reason_of_a_refusal(station):
    client = ScoringServerClient("127.0.0.1", station.port)
    with pytest.raises(Exception, match="missing required column 'temp'"):
        client.invoke(pd.DataFrame({"wind": [1.0]}))


def binary(server, model, json_part, raw=b"", length=None, media="application/octet-stream"):
    """A request with raw data behind its JSON."""
    text = json.dumps(json_part).encode()
    headers = {"Inference-Header-Content-Length": str(len(text) if length is None else length)}
    return server.ask(f"/v2/models/{model}/infer", text + raw, media, headers=headers)


def raw_input(size, **changes):
    tensor = {"name": "temp", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": size}}
    return {"inputs": [{**tensor, **changes}]}


EIGHT = struct.pack("<d", 12.8)


def test_a_binary_tensor_is_the_same_as_one_in_json(station):
    told = station.ask("/v2/models/station/infer", {"inputs": [
        {"name": "temp", "shape": [1], "datatype": "FP64", "data": [12.8]}]})  # fmt: skip
    # Triton's client names no type, KServe's this one.
    for media in (None, "application/octet-stream", "application/json"):
        assert binary(station, "station", raw_input(8), EIGHT, media=media).json == told.json


@pytest.mark.parametrize(
    "more",
    [
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "tomorrow", "parameters": {"binary_data": True}}]},
        {"outputs": [{"name": "tomorrow"}], "parameters": {"binary_data_output": True}},
    ],
)
def test_an_output_is_raw_data_where_that_is_wanted(station, more):
    told = binary(station, "station", raw_input(8), EIGHT)
    answer = binary(station, "station", {**raw_input(8), **more}, EIGHT)
    length = int(answer.headers["inference-header-content-length"])
    (output,) = json.loads(answer.body[:length])["outputs"]
    assert (output["parameters"], "data" in output) == ({"binary_data_size": 8}, False)
    assert list(struct.unpack("<d", answer.body[length:])) == told.json["outputs"][0]["data"]


def test_an_output_is_json_where_raw_data_is_declined(station):
    declined = [{"name": "tomorrow", "parameters": {"binary_data": False}}]
    more = {"outputs": declined, "parameters": {"binary_data_output": True}}
    answer = binary(station, "station", {**raw_input(8), **more}, EIGHT)
    assert "data" in json.loads(answer.body)["outputs"][0]


def test_nan_in_a_binary_tensor_is_null(echo):
    nan = struct.pack("<d", float("nan"))
    answer = binary(echo, "echo", raw_input(8), nan)
    assert (answer.status, answer.json["error"]) == (
        400,
        "column 'temp' is required but has no value in row 0",
    )
    wind = {"name": "wind", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
    both = {"inputs": [*raw_input(8)["inputs"], wind]}
    assert binary(echo, "echo", both, EIGHT + nan).status == 200


@pytest.mark.parametrize(
    ("body", "raw", "length", "reason"),
    [
        (raw_input(8), EIGHT[:7], None, "its 8 bytes are not all there"),
        (raw_input(8), EIGHT + b"x", None, "1 bytes at the end of the body belong to no input"),
        (raw_input(7), EIGHT[:7], None, "7 bytes are no whole number of values"),
        (raw_input(8, shape=[2]), EIGHT, None, "shape [2] does not fit 1 values"),
        (raw_input(-8), EIGHT, None, "must be a size, not -8"),
        (raw_input("8"), EIGHT, None, "must be a size, not '8'"),
        (raw_input(8, data=[1.0]), EIGHT, None, "has both 'data' and binary_data_size"),
        (raw_input(8, parameters=[8]), EIGHT, None, "the parameters of input 0 must be an object"),
        (raw_input(8), struct.pack("<d", float("inf")), None, "is not finite"),
        (raw_input(8, datatype="BOOL", shape=[8]), EIGHT, None, "a BOOL is the byte 0 or 1"),
        (raw_input(8, datatype="BYTES"), b"\xff\xff\xff\xff1234", None, "longer than the data"),
        (raw_input(3, datatype="BYTES"), b"\0\0\0", None, "longer than the data"),
        (raw_input(6, datatype="BYTES"), b"\2\0\0\0\xff\xfe", None, "is not UTF-8"),
        (raw_input(0, shape=[2**50, 0]), b"", None, "does not fit 0 values"),
        (raw_input(8), EIGHT, 10**9, "Inference-Header-Content-Length"),
        (raw_input(8), EIGHT, -1, "must be a number of bytes in the body"),
        (raw_input(8), EIGHT, "٣", "must be a number of bytes in the body"),
        (raw_input(8), EIGHT, 5, "not JSON"),
        (raw_input(8), EIGHT, 0, "the body is empty"),
    ],
)
def test_a_wrong_binary_tensor_is_told_why(station, body, raw, length, reason):
    length = length.encode() if isinstance(length, str) else length
    answer = binary(station, "station", body, raw, length) if not isinstance(length, bytes) else station.ask(
        "/v2/models/station/infer", raw, "application/octet-stream",
        headers={"Inference-Header-Content-Length": length})  # fmt: skip
    assert answer.status == 400
    assert reason in answer.json["error"]
    assert len(answer.body) < 300


def test_a_binary_tensor_without_the_length_of_the_json_is_told_why(station):
    answer = station.ask("/v2/models/station/infer", raw_input(8))
    assert answer.json["error"] == "input 0 is binary, but the request has no Inference-Header-Content-Length"
    assert station.ask("/v2/models/station/infer", EIGHT, "application/octet-stream").status == 415


def test_a_compressed_binary_request_is_told_why(station):
    headers = {"Inference-Header-Content-Length": "900", "Content-Encoding": "gzip"}
    answer = station.ask("/v2/models/station/infer", b"\x1f\x8b", None, headers=headers)
    assert (answer.status, "Content-Encoding 'gzip' is not supported" in answer.json["error"]) == (415, True)
