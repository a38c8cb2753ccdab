"""Models that differ in how they are asked: by a block of numbers, by a table, through pyfunc."""

from collections.abc import Callable
from dataclasses import dataclass, field

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, PolynomialFeatures, StandardScaler

from components.support import models as weather
from tests.serving.conftest import SAVE

OUTPUT = Schema([TensorSpec(np.dtype("float64"), (-1,))])
WIDE = (("a", "double"), ("b", "float"), ("c", "long"), ("d", "integer"))
TRUTHS = (("a", "double"), ("b", "float"), ("c", "long"), ("rain", "boolean"))
SKIES = (("a", "double"), ("sky", "string"), ("day", "string"))


@dataclass(frozen=True)
class Case:
    """A model: its columns, which of them can be left out, how it must be asked, and how it is made."""

    columns: tuple
    way: str
    fitted: Callable
    optional: tuple = ()
    options: dict = field(default_factory=dict)

    @property
    def kinds(self):
        return dict(self.columns)

    def save(self, folder):
        signature = signature_of(self.columns, self.optional)
        mlflow.sklearn.save_model(
            self.fitted(training(self.columns)),
            folder,
            signature=signature,
            serialization_format="cloudpickle",
            **{**SAVE, **self.options},
        )


def signature_of(columns, optional=(), params=None):
    specs = [ColSpec(DataType[kind], name, name not in optional) for name, kind in columns]
    return ModelSignature(Schema(specs), OUTPUT, params)


def training(columns, n=120):
    random = np.random.default_rng(11)
    make = {
        "double": lambda: random.normal(0, 10, n),
        "float": lambda: random.normal(0, 10, n).astype("float32"),
        "long": lambda: random.integers(-5, 50, n),
        "integer": lambda: random.integers(-5, 50, n).astype("int32"),
        "boolean": lambda: random.random(n) < 0.5,
        "string": lambda: random.choice(["sun", "fog", "snow"], n).astype(object),
    }
    return pd.DataFrame({name: make[kind]() for name, kind in columns})


def target(frame):
    random = np.random.default_rng(12)
    numbers = frame.select_dtypes(["number", "bool"]).to_numpy(dtype="float64")
    return numbers @ np.linspace(0.3, 2, numbers.shape[1]) + random.normal(0, 0.1, len(frame))


def classes(frame):
    return np.where(target(frame) > 10, "warm", np.where(target(frame) > 0, "mild", "cold"))


def _boosting(frame):
    encode = ColumnTransformer(
        [("words", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["sky", "day"])],
        remainder="passthrough",
    )
    trees = HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=3, categorical_features=[0, 1])
    return make_pipeline(encode, trees).fit(frame, target(frame))


def _weather(frame):
    days = pd.date_range("2024-01-01", periods=len(frame)).strftime("%Y-%m-%d")
    rows = frame.assign(date=days, target=target(frame[["temp", "wind"]]))
    return weather.fit({"name": "ridge", "alpha": 1.0}, rows)


CASES = {
    "linear": Case(WIDE, "block", lambda frame: LinearRegression().fit(frame, target(frame))),
    "unnamed": Case(
        WIDE,
        "block",
        lambda frame: LinearRegression().fit(frame.to_numpy(), np.c_[target(frame), frame["a"]]),
    ),
    "steps": Case(
        WIDE,
        "block",
        lambda frame: make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()).fit(
            frame, target(frame)
        ),
    ),
    "forest": Case(WIDE, "block", lambda f: RandomForestRegressor(12, random_state=0).fit(f, target(f))),
    "truths": Case(TRUTHS, "table", lambda f: RandomForestRegressor(12, random_state=0).fit(f, target(f))),
    "tables": Case(
        WIDE,
        "table",
        lambda f: make_pipeline(StandardScaler().set_output(transform="pandas"), Ridge()).fit(f, target(f)),
    ),
    "words": Case(SKIES, "table", _boosting),
    "classes": Case(WIDE[:2], "block", lambda frame: LogisticRegression().fit(frame, classes(frame))),
    "odds": Case(
        WIDE[:2],
        "block",
        lambda frame: LogisticRegression().fit(frame, classes(frame)),
        options={"pyfunc_predict_fn": "predict_proba"},
    ),
    "weather": Case(
        (("temp", "double"), ("temp_min", "double"), ("wind", "double"), ("date", "string")),
        "table",
        _weather,
        optional=("temp_min", "wind", "date"),
    ),
}


def save_powers(folder):
    import station_features

    params = ParamSchema([ParamSpec("power", DataType.long, 2), ParamSpec("factor", DataType.double, 1.0)])
    mlflow.pyfunc.save_model(
        folder,
        python_model=station_features.Powers(),
        signature=signature_of(WIDE, ("b", "d"), params),
        **SAVE,
    )
