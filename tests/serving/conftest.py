"""Real models in folders, and real servers of them: one process a model for the whole session."""

import http.client
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

ROOT = Path(__file__).parent.parent.parent
CODE = Path(__file__).with_name("station_features.py")
# A saved model names this module as the server will find it beside the model: on the path, in no package.
sys.path.insert(0, str(CODE.parent))
COLUMNS = (
    ("temp", DataType.double, True),
    ("wind", DataType.double, False),
    ("gusts", DataType.float, False),
    ("visits", DataType.long, False),
    ("level", DataType.integer, False),
    ("rain", DataType.boolean, False),
    ("sky", DataType.string, False),
    ("day", DataType.datetime, False),
)
SAVE = {"pip_requirements": ["scikit-learn", "mlflow"], "code_paths": [str(CODE)]}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass(frozen=True)
class Running:
    """A server process."""

    process: subprocess.Popen
    port: int
    log: Path
    model: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path, body=None, media="application/json", method=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            sent = {**({"Content-Type": media} if media and data is not None else {}), **(headers or {})}
            connection.request(method or ("GET" if data is None else "POST"), path, data, sent)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


def start(model, folder, *options):
    """Start a server; it is not waited for."""
    port_file, log = folder / "port.json", folder / "server.log"
    command = [sys.executable, "-m", "pipelines.sdk.serving", str(model), "--port", "0"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port-file", str(port_file), *options],
            cwd=ROOT,
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    return process, port_file, log


def wait(process, port_file, log, model):
    """The server, once it answers."""
    until = time.monotonic() + 90
    while not port_file.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)
    return Running(process, json.loads(port_file.read_text())["port"], log, Path(model))


@pytest.fixture
def launch(tmp_path):
    """Starts servers of a test's own, and ends them after it."""
    running = []

    def launcher(model, *options):
        folder = tmp_path / f"server-{len(running)}"
        folder.mkdir()
        started = start(model, folder, *options)
        running.append(started[0])
        return wait(*started, model)

    yield launcher
    for process in running:
        process.kill()
        process.wait()


def station_frame(n=60):
    random = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "temp": random.normal(12, 8, n),
            "wind": random.gamma(2, 2, n),
            "gusts": random.gamma(3, 2, n).astype("float32"),
            "visits": random.integers(0, 9, n),
            "level": random.integers(0, 9, n).astype("int32"),
            "rain": random.random(n) > 0.5,
            "sky": random.choice(["sun", "fog", "snow"], n),
            "day": pd.date_range("2024-01-01", periods=n),
        }
    )


def save_station(folder):
    import station_features

    frame = station_frame()
    trees = HistGradientBoostingRegressor(max_iter=30, min_samples_leaf=2)
    model = make_pipeline(FunctionTransformer(station_features.features), trees)
    model.fit(frame, frame["temp"] + frame["wind"] * frame["rain"] + frame["day"].dt.dayofyear / 10)
    inputs = Schema([ColSpec(kind, name, required) for name, kind, required in COLUMNS])
    signature = ModelSignature(inputs, Schema([ColSpec(DataType.double, "tomorrow")]))
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=signature,
        input_example=frame[["temp"]].head(2),
        serialization_format="cloudpickle",
        **SAVE,
    )


def save_echo(folder):
    import station_features

    columns = [ColSpec(kind, name, required) for name, kind, required in COLUMNS]
    columns.append(ColSpec(DataType.binary, "photo", False))
    params = ParamSchema([ParamSpec("do", DataType.string, ""), ParamSpec("seconds", DataType.double, 0.0)])
    signature = ModelSignature(Schema(columns), None, params)
    mlflow.pyfunc.save_model(folder, python_model=station_features.Echo(), signature=signature, **SAVE)


def save_block(folder):
    random = np.random.default_rng(3)
    block = random.normal(size=(40, 3))
    model = LinearRegression().fit(block, block @ [1.0, 2.0, 3.0])
    signature = infer_signature(block, model.predict(block))
    mlflow.sklearn.save_model(model, folder, signature=signature, pip_requirements=["scikit-learn"])


def save_bare(folder):
    frame = station_frame()[["temp", "wind"]]
    model = LinearRegression().fit(frame, frame["temp"])
    mlflow.sklearn.save_model(model, folder, pip_requirements=["scikit-learn"])


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Folders of models by name."""
    base = tmp_path_factory.mktemp("models")
    for name, save in (
        ("station", save_station),
        ("echo", save_echo),
        ("block", save_block),
        ("bare", save_bare),
    ):
        save(str(base / name))
    return base


@pytest.fixture(scope="session")
def servers(models, tmp_path_factory):
    """Servers of all models, by name."""
    started = {}
    for name in ("station", "echo", "block", "bare"):
        folder = tmp_path_factory.mktemp(f"server-{name}")
        options = ["--name", name, "--version", "3", "--max-body", "1000000", "--max-rows", "2000"]
        started[name] = start(models / name, folder, *options)
    try:
        yield {name: wait(*parts, models / name) for name, parts in started.items()}
    finally:
        for process, *_ in started.values():
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def station(servers):
    return servers["station"]


@pytest.fixture(scope="session")
def echo(servers):
    return servers["echo"]


@pytest.fixture(scope="session")
def station_model(models):
    """The station model through MLflow alone."""
    return mlflow.pyfunc.load_model(str(models / "station"))
