"""However a model is asked, and by whatever protocol: what MLflow alone would answer, to the last bit."""

import subprocess
import sys
import time

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin

from pipelines.sdk.serving.models import engine, served
from pipelines.sdk.serving.models.fast import Way
from pipelines.sdk.serving.protocols import invocations, predictions, v2
from pipelines.sdk.serving.protocols.problems import Refused
from pipelines.sdk.serving.protocols.table import Frame
from tests.serving import exact_models
from tests.serving.conftest import ROOT, SAVE
from tests.serving.exact_models import CASES, WIDE
from tests.serving.exact_tables import KINDS, NAMES, PATIENT, REFUSED, by_mlflow, large_table, some_tables
from tests.serving.tables import bits, bodies_of, frame_of, predictions_in


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Folders of the models by name."""
    base = tmp_path_factory.mktemp("exact")
    for name, case in CASES.items():
        case.save(str(base / name))
    exact_models.save_powers(str(base / "powers"))
    return base


@pytest.fixture(scope="session")
def models(folders):
    """Each model as MLflow has it, and as the server has it."""
    return {
        name: (mlflow.pyfunc.load_model(str(folders / name)), served.load(str(folders / name), "m"))
        for name in NAMES
    }


def by_server(model, protocol, media, body):
    """The answer's predictions: from bytes to bytes, all that the server does but HTTP."""
    try:
        if protocol == "v2":
            asked = v2.decode(body, model.signature)
            answer, _raw = v2.encode(asked, engine.ask(model, asked.query), "m", "", model.outputs)
        else:
            decode = invocations.from_csv if media == "text/csv" else invocations.from_json
            decode = invocations.from_v1 if protocol == "v1" else decode
            prediction = engine.ask(model, decode(body, model.signature))
            answer = predictions.dumps({"predictions": predictions.plain(prediction)})
    except Refused as refused:
        assert refused.status == 400, refused.reason
        return REFUSED
    return bits(predictions_in(protocol, answer))


@pytest.mark.parametrize("name", NAMES)
@settings(PATIENT, max_examples=40)
@given(data=st.data())
def test_every_protocol_gives_mlflows_answer_or_refuses_what_it_refuses(name, data, models):
    by_itself, model = models[name]
    table = data.draw(some_tables(name))
    expected = by_mlflow(by_itself, frame_of(table, KINDS[name]))
    for protocol, media, body in bodies_of(table, KINDS[name]):
        assert by_server(model, protocol, media, body) == expected, body


@pytest.mark.parametrize("rows", [1000, 10_000])
@pytest.mark.parametrize("name", NAMES)
def test_many_rows_give_mlflows_answer(name, rows, models):
    by_itself, model = models[name]
    table = large_table(name, rows)
    expected = by_mlflow(by_itself, frame_of(table, KINDS[name]))
    assert len(expected) == rows
    for protocol, media, body in bodies_of(table, KINDS[name]):
        assert by_server(model, protocol, media, body) == expected, (protocol, media, body[:40])


@settings(PATIENT, max_examples=40)
@given(
    data=st.data(),
    params=st.fixed_dictionaries(
        {}, optional={"power": st.integers(0, 4), "factor": st.floats(-9, 9), "other": st.just(1)}
    ),
)
def test_a_models_own_parameters_reach_it(data, params, models):
    by_itself, model = models["powers"]
    table = data.draw(some_tables("powers"))
    known = {key: value for key, value in params.items() if key != "other"}
    expected = by_mlflow(by_itself, frame_of(table, KINDS["powers"]), known)
    for protocol, _, body in bodies_of(table, KINDS["powers"]):
        if body.startswith(b"{") and params:
            key = b'{"parameters": ' if protocol == "v2" else b'{"params": '
            sent = key + predictions.dumps(params) + b", " + body[1:]
            # V2's parameters are anyone's: those that are not the model's are left alone.
            wanted = REFUSED if "other" in params and protocol != "v2" else expected
            assert by_server(model, protocol, "application/json", sent) == wanted, sent


@pytest.mark.parametrize("name", NAMES)
def test_each_model_is_asked_the_quickest_way_that_is_sure(name, models):
    assert models[name][1].way == (CASES[name].way if name in CASES else Way.PYFUNC)


class Fickle(RegressorMixin, BaseEstimator):
    """Counts how often it was asked."""

    def fit(self, X, y):
        self.asked_ = 0
        return self

    def predict(self, X):
        self.asked_ += 1
        return np.full(len(X), float(self.asked_))


class Thoughtful(Fickle):
    """Takes its time."""

    def predict(self, X):
        time.sleep(0.3)
        return np.ones(len(X))


class Unable(Fickle):
    """Can predict nothing."""

    def predict(self, X):
        raise KeyError("nothing")


@pytest.mark.parametrize("kind, way", [(Fickle, Way.PYFUNC), (Thoughtful, Way.PYFUNC), (Unable, Way.TABLE)])
def test_only_what_answers_alike_and_quickly_is_asked_past_mlflow(kind, way, tmp_path):
    mlflow.sklearn.save_model(
        kind().fit(exact_models.training(WIDE), None),
        tmp_path / "model",
        signature=exact_models.signature_of(WIDE),
        serialization_format="cloudpickle",
        **SAVE,
    )
    assert served.load(str(tmp_path / "model"), "m").way == way


@pytest.mark.parametrize("rows", [0, 1, 2, 100])
@pytest.mark.parametrize("dtypes", ["dd", "df", "dl", "fi", "li", "l"])
def test_a_block_is_laid_out_as_pandas_lays_it_out(rows, dtypes):
    types = {"d": "float64", "f": "float32", "l": "int64", "i": "int32"}
    frame = Frame({f"{i}": np.arange(rows).astype(types[t]) for i, t in enumerate(dtypes)}, rows)
    wanted = pd.DataFrame({name: pd.Series(values) for name, values in frame.columns.items()})
    for have in (frame.block(), frame.to_pandas().to_numpy()):
        assert (have.dtype, have.shape) == (wanted.to_numpy().dtype, (rows, len(dtypes)))
        assert have.strides == wanted.to_numpy().strides
        assert np.array_equal(have, wanted.to_numpy())
    pd.testing.assert_frame_equal(frame.to_pandas(), wanted)


def test_what_a_model_does_to_its_table_is_gone_with_the_request():
    frame = Frame({"a": np.array([1.0]), "b": np.array([2.0])}, 1)
    table = frame.to_pandas()
    table.columns.name = "mine"
    table["a"] = 5.0
    table.iloc[0, 1] = 7.0
    pd.testing.assert_frame_equal(frame.to_pandas(), pd.DataFrame({"a": [1.0], "b": [2.0]}))


FORKS = """
import os, signal, sys
from pipelines.sdk.serving.models import served
from pipelines.sdk.serving.protocols.invocations import from_json
model = served.load(sys.argv[1], "m")
query = from_json(b'{"columns": ["a", "sky", "day"], "data": [[1, "sun", "fog"]]}', model.signature)
wanted = model.predict(query.data, None)
child = os.fork()
if not child:
    signal.alarm(60)  # ends a child that waits for threads of its parent
    os._exit(0 if model.predict(query.data, None) == wanted else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_process_forked_from_one_that_has_predicted_can_predict(folders):
    command = [sys.executable, "-c", FORKS, str(folders / "words")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
