"""Server processes give over HTTP what MLflow alone gives, to the last bit."""

import mlflow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving import exact_models
from tests.serving.conftest import start, wait
from tests.serving.exact_tables import KINDS, PATIENT, REFUSED, by_mlflow, large_table, some_tables
from tests.serving.tables import bits, bodies_of, frame_of, predictions_in

# A block of numbers, a table, odds of classes, and a model that only MLflow can ask.
SERVED = ("linear", "words", "odds", "powers")
PATHS = {"v2": "/v2/models/m/infer", "v1": "/v1/models/m:predict", "invocations": "/invocations"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A server and MLflow's own model, by name."""
    base, started = tmp_path_factory.mktemp("exact"), {}
    try:
        for name in SERVED:
            model = base / name
            case = exact_models.CASES.get(name)
            case.save(str(model)) if case else exact_models.save_powers(str(model))
            folder = tmp_path_factory.mktemp(f"server-{name}")
            started[name] = model, start(model, folder, "--name", "m")
        yield {
            name: (wait(*parts, model), mlflow.pyfunc.load_model(str(model)))
            for name, (model, parts) in started.items()
        }
    finally:
        for _, (process, *_) in started.values():
            process.kill()
            process.wait()


def by_server(server, protocol, media, body):
    answer = server.ask(PATHS[protocol], body, media)
    if answer.status == 400:
        return REFUSED
    assert answer.status == 200, answer.body
    return bits(predictions_in(protocol, answer.body))


@pytest.mark.parametrize("name", SERVED)
@settings(PATIENT, max_examples=15)
@given(data=st.data())
def test_a_server_gives_mlflows_answer_or_refuses_what_it_refuses(name, data, running):
    server, model = running[name]
    table = data.draw(some_tables(name))
    expected = by_mlflow(model, frame_of(table, KINDS[name]))
    for protocol, media, body in bodies_of(table, KINDS[name]):
        assert by_server(server, protocol, media, body) == expected, body


@pytest.mark.parametrize("name", SERVED)
def test_a_server_gives_mlflows_answer_to_ten_thousand_rows(name, running):
    server, model = running[name]
    table = large_table(name, 10_000)
    expected = by_mlflow(model, frame_of(table, KINDS[name]))
    assert len(expected) == 10_000
    for protocol, media, body in bodies_of(table, KINDS[name]):
        assert by_server(server, protocol, media, body) == expected, (protocol, media, body[:40])
