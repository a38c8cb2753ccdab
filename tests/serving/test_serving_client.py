"""The client against real servers."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.sdk.errors import Unreachable, UsageError
from pipelines.sdk.serving import client

TABLE = {
    "columns": ["temp", "wind", "rain", "day"],
    "data": [[12.8, None, True, "2024-01-01"], [3, 1.5, False, None]],
}


@pytest.fixture
def expected(station):
    return station.ask("/invocations", TABLE).json["predictions"]


def ask(station, body, **options):
    return client.predict(station.url + "/", body, model="station", **options)


@pytest.mark.parametrize("protocol", ["invocations", "v2", "v1"])
def test_tables_give_the_same_from_dict_json_and_csv(station, expected, tmp_path, protocol):
    as_json, as_csv = tmp_path / "t.json", tmp_path / "t.csv"
    as_json.write_text(json.dumps(TABLE))
    as_csv.write_text("temp,wind,rain,day\n12.8,,true,2024-01-01\n3,1.5,False,\n")
    for body in (TABLE, {"dataframe_split": TABLE}, as_json, as_csv):
        assert ask(station, body, protocol=protocol) == expected
    records = [dict(zip(TABLE["columns"], row, strict=True)) for row in TABLE["data"]]
    assert ask(station, {"dataframe_records": records}, protocol=protocol) == expected


def test_a_body_in_v2s_own_form_is_sent_as_it_is(station):
    tensor = {"name": "temp", "shape": [1], "datatype": "FP64", "data": [12.8]}
    plain = ask(station, {"columns": ["temp"], "data": [[12.8]]})
    assert ask(station, {"inputs": [tensor]}, protocol="v2") == plain


def test_several_outputs_become_rows(echo):
    body = {"columns": ["temp", "sky"], "data": [[1.5, "sun"], [2.0, "fog"]]}
    rows = [{"temp": 1.5, "sky": "sun"}, {"temp": 2.0, "sky": "fog"}]
    assert client.predict(echo.url, body, protocol="v2", model="echo") == rows
    assert client.predict(echo.url, body) == rows


def test_a_body_in_v1s_own_form_is_sent_as_it_is(station):
    plain = ask(station, {"columns": ["temp"], "data": [[12.8]]})
    assert ask(station, {"instances": [{"temp": 12.8}]}, protocol="v1") == plain
    assert ask(station, {"inputs": {"temp": [12.8]}}, protocol="v1") == plain


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        ("invocations", {"columns": ["temp", "rain"], "data": [[1.5, True], [2.5, None]]}),
        ("v2", {"dataframe_split": {"columns": ["temp", "rain"], "data": [[1.5, True], [2.5, None]]}}),
        ("v1", {"instances": [{"temp": 1.5, "rain": True}, {"temp": 2.5}]}),
        ("invocations", {"inputs": {"temp": [1.5, 2.5], "rain": [True, None]}}),
        (
            "v2",
            {
                "inputs": [
                    {"name": "temp", "shape": [2], "datatype": "FP64", "data": [1.5, 2.5]},
                    {"name": "rain", "shape": [2], "datatype": "BOOL", "data": [True, None]},
                ]
            },
        ),
    ],
)
def test_what_was_asked_comes_back_by_column_beside_the_answer(station, protocol, body):
    answered = client.ask(client.Connection(station.url), body, protocol=protocol, model="station")
    assert answered.columns == {"temp": [1.5, 2.5], "rain": [True, None]}
    assert len(answered.predictions) == 2


def test_what_is_no_table_has_no_columns_beside_the_answer(servers):
    answered = client.ask(client.Connection(servers["block"].url), {"inputs": [[1.0, 2.0, 3.0]]})
    assert (answered.columns, len(answered.predictions)) == (None, 1)


@pytest.mark.parametrize("protocol", ["invocations", "v2", "v1"])
def test_cells_are_guessed_alike_in_every_protocol_where_the_model_has_no_signature(servers, protocol):
    document = client.document(b"temp,wind\n12.8,+1.5\n-3,.5\n1e1,007\n")
    asked = client.ask(client.Connection(servers["bare"].url), document, protocol=protocol, model="bare")
    rows = [[12.8, 1.5], [-3, 0.5], [10.0, 7]]
    plain = client.predict(servers["bare"].url, {"columns": ["temp", "wind"], "data": rows})
    assert asked.predictions == plain


@pytest.mark.parametrize("protocol", ["invocations", "v2", "v1"])
def test_a_number_in_quotes_is_a_text_in_every_protocol(station, protocol):
    with pytest.raises(UsageError, match=r"must be a number, not the text '12\.8'"):
        ask(station, {"columns": ["temp"], "data": [["12.8"]]}, protocol=protocol)


def test_standard_input_is_json_where_it_begins_with_a_brace_and_else_csv(station, expected):
    text = "\ufefftemp,wind,rain,day\n12.8,,true,2024-01-01\n3,1.5,False,\n"
    for source, is_csv in ((text.encode(), True), (b" \n" + json.dumps(TABLE).encode(), False)):
        document = client.document(source)
        assert document.is_csv is is_csv
        for protocol in ("invocations", "v2", "v1"):
            asked = client.ask(client.Connection(station.url), document, protocol=protocol, model="station")
            assert asked.predictions == expected
    with pytest.raises(UsageError, match="standard input: is no text"):
        client.document(b"\xff\xfe")


@pytest.mark.parametrize("protocol", ["invocations", "v2", "v1"])
def test_a_refusal_shows_the_servers_reason(station, protocol):
    with pytest.raises(UsageError, match=r"\(400\): missing required column 'temp'"):
        ask(station, {"columns": ["wind"], "data": [[1.0]]}, protocol=protocol)
    with pytest.raises(UsageError, match="must be a number, not the text 'warm'"):
        ask(station, {"columns": ["temp"], "data": [["warm"]]}, protocol=protocol)


def test_an_unknown_model_is_a_usage_error(station):
    with pytest.raises(UsageError, match=r"\(404\): no model 'rain'"):
        client.predict(station.url, TABLE, protocol="v2", model="rain")


def test_a_model_that_fails_is_unreachable_with_the_reason(echo):
    with pytest.raises(Unreachable, match=r"\(500\): the model failed: RuntimeError"):
        client.predict(echo.url, {"columns": ["temp"], "data": [[1]], "params": {"do": "fail"}})


def test_where_nobody_listens_the_error_says_how_to_start_a_server():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for scheme in ("http", "https"):
        with pytest.raises(Unreachable, match=r"no answer: Connection refused\n.*start the server: .* serve"):
            client.predict(f"{scheme}://127.0.0.1:{port}", TABLE)


def test_a_proxy_in_the_environment_is_not_asked_for_this_machine(station, expected, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert ask(station, TABLE) == expected


class Stranger(BaseHTTPRequestHandler):
    """A web server that is no model server."""

    def do_POST(self):
        self.send_response(502 if self.path.startswith("/bad") else 200)
        self.end_headers()
        self.wfile.write(b'{"outputs": 3}' if self.path.startswith("/json") else b"<html>")

    def log_message(self, *arguments):
        pass


def test_a_server_of_another_kind_is_told_apart():
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            with pytest.raises(Unreachable, match="no model server"):
                client.predict(url, TABLE)
            with pytest.raises(Unreachable, match="502"):
                client.predict(f"{url}/bad", TABLE)
            for protocol, body in (("v2", {"inputs": []}), ("v1", {"instances": []})):
                with pytest.raises(Unreachable, match="does not speak this protocol"):
                    client.predict(f"{url}/json", body, protocol=protocol)
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_does_not_answer_in_time_is_unreachable():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unreachable, match="timed out"):
            client.predict(f"http://127.0.0.1:{silent.getsockname()[1]}", TABLE, timeout=0.2)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "127.0.0.1:8080", ""])
def test_an_address_that_is_not_http_is_refused(url):
    with pytest.raises(UsageError, match="http"):
        client.predict(url, TABLE)


@pytest.mark.parametrize(
    ("name", "text"), [("t.json", "{"), ("t.json", "[1]"), ("t.csv", ""), ("t.csv", 'temp\n"1')]
)
def test_a_file_that_is_no_table_is_refused_by_name(station, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=name):
        ask(station, tmp_path / name, protocol="v2")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.csv: cannot be read"):
        client.predict("http://127.0.0.1:1", tmp_path / "gone.csv")


@pytest.mark.parametrize("body", [{"columns": ["temp"], "data": [[float("nan")]]}, {"inputs": object()}])
def test_a_body_that_is_no_json_is_refused(body):
    with pytest.raises(UsageError, match="cannot be sent as JSON"):
        client.predict("http://127.0.0.1:1", body)


def test_a_body_without_a_table_cannot_become_tensors(station):
    with pytest.raises(UsageError, match="no table"):
        ask(station, {"rows": [1]}, protocol="v2")
    with pytest.raises(UsageError, match="1 values for 2 columns"):
        ask(station, {"columns": ["temp", "wind"], "data": [[1]]}, protocol="v2")
