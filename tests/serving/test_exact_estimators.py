"""Every estimator that is given blocks of numbers answers them as it answers tables, to the last bit."""

import importlib
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from pipelines.sdk.serving.models import estimators
from pipelines.sdk.serving.models.proof import outcomes, same
from pipelines.sdk.serving.protocols.columns import Column, Kind
from pipelines.sdk.serving.protocols.table import Frame, Signature

KINDS = {"a": Kind.DOUBLE, "b": Kind.FLOAT, "c": Kind.LONG, "d": Kind.INTEGER}
SIGNATURE = Signature(tuple(Column(name, kind) for name, kind in KINDS.items()))
DTYPES = {"a": "float64", "b": "float32", "c": "int64", "d": "int32"}
ALL = [(module, name) for module, names in estimators.PLAIN.items() for name in sorted(names)]

QUICK = {"max_iter": 50, "n_estimators": 5, "Cs": 2}


def frame(rows, seed=0, scale=1.0):
    random = np.random.default_rng(seed)
    columns = {
        name: (random.normal(3, scale, rows) if dtype[0] == "f" else random.integers(0, 9, rows)).astype(
            dtype
        )
        for name, dtype in DTYPES.items()
    }
    return Frame(columns, rows)


def with_nan(rows):
    columns = dict(frame(rows).columns)
    columns["a"] = np.where(np.arange(rows) == 1, np.nan, columns["a"])
    return Frame(columns, rows)


TRIED = [frame(n, seed=n) for n in (1, 2, 37, 1000)] + [
    frame(5, 9, 1e38),
    frame(5, 9, 1e300),
    frame(0),
    with_nan(3),
]


def fitted(estimator):
    table = frame(80).to_pandas()
    y = table["a"] + table["c"] / 7
    if is_classifier(estimator):
        y = np.where(y > 4, "high", "low")
    elif type(estimator).__name__.startswith("MultiTask"):
        y = np.c_[y, -y]
    elif is_regressor(estimator):
        y = np.exp(y / 4)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # of few rows, and of iterations that end early
        return estimator.fit(table, y)


def by_block(estimator, method):
    nameless = estimators.for_blocks(estimator, SIGNATURE)
    ask = estimators.asked(nameless, method)
    return outcomes(lambda data, _: ask(data.block()), TRIED)


def by_table(estimator, method):
    return outcomes(lambda data, _: getattr(estimator, method)(data.to_pandas()), TRIED)


@pytest.mark.parametrize("module, name", ALL)
def test_a_block_gives_what_a_table_gives(module, name):
    kind = getattr(importlib.import_module(module), name)
    few = {key: value for key, value in QUICK.items() if key in kind().get_params()}
    estimator = fitted(kind(**few))
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(estimator, method):
            tables = by_table(estimator, method)
            assert same(by_block(estimator, method), tables)
            assert not isinstance(tables[3], Exception)


def test_the_steps_of_a_pipeline_give_what_it_gives():
    estimator = fitted(
        make_pipeline(StandardScaler(), "passthrough", make_pipeline(StandardScaler(), Ridge()))
    )
    ask = estimators.asked(estimator, "predict")
    directly = outcomes(lambda data, _: ask(data.to_pandas()), TRIED)
    assert same(directly, by_table(estimator, "predict"))


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(FunctionTransformer(np.abs), LinearRegression()),
        make_pipeline(StandardScaler().set_output(transform="pandas"), LinearRegression()),
        make_pipeline(ColumnTransformer([("a", "passthrough", ["a"])]), LinearRegression()),
        HistGradientBoostingRegressor(max_iter=3, categorical_features=["c"]),
        type("Mine", (LinearRegression,), {})(),
    ],
)
def test_what_may_look_at_names_and_types_gets_a_table(estimator):
    assert estimators.for_blocks(fitted(estimator), SIGNATURE) is None


def test_columns_in_another_order_than_the_estimator_knows_are_a_table():
    turned = Signature(SIGNATURE.columns[::-1])
    assert estimators.for_blocks(fitted(LinearRegression()), turned) is None


def test_truths_among_numbers_are_a_table():
    mixed = Signature((*SIGNATURE.columns[:3], Column("d", Kind.BOOLEAN)))
    assert estimators.for_blocks(fitted(LinearRegression()), mixed) is None


def test_the_model_itself_keeps_the_names_of_its_columns():
    estimator = fitted(make_pipeline(StandardScaler(), LinearRegression()))
    estimators.for_blocks(estimator, SIGNATURE)
    assert list(estimator.feature_names_in_) == list(KINDS)


def test_a_block_is_predicted_without_a_warning_of_names():
    ask = estimators.asked(estimators.for_blocks(fitted(Ridge()), SIGNATURE), "predict")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(frame(2).block())


def test_no_part_of_an_estimator_starts_jobs():
    parts = ColumnTransformer([("a", StandardScaler(), ["a"])], remainder="passthrough", n_jobs=2)
    estimator = make_pipeline(parts, RandomForestRegressor(3, n_jobs=-1))
    estimators.keep_to_one_job(estimator)
    assert {value for name, value in estimator.get_params().items() if name.endswith("n_jobs")} == {1}


class Closed(BaseEstimator):
    """Takes a parameter that it does not keep."""

    def __init__(self, n_jobs=2):
        pass


def test_an_estimator_without_parameters_is_left_as_it_is():
    estimators.keep_to_one_job(Closed())
    estimators.keep_to_one_job(object())


@pytest.mark.parametrize(
    "one, other, equal",
    [
        (np.array([0.0]), np.array([-0.0]), False),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.array([1.0]), np.array([1.0], "float32"), False),
        (np.array([1.0]), np.array([[1.0]]), False),
        (np.array([1.0]), [1.0], False),
        (np.array(["a", None, np.nan], object), np.array(["a", None, np.nan], object), True),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0]}), True),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]}), False),
        (pd.Series([1.0, pd.NA]), pd.Series([1.0, pd.NA]), True),
        (pd.Series([1]), pd.Series([1], index=[1]), False),
        ({"a": [1, (2.0, "x")]}, {"a": [1, (2.0, "x")]}, True),
        ({"a": [1, (2.0, "x")]}, {"a": [1, (2.0, "y")]}, False),
        (ValueError("no"), ValueError("no"), True),
        (ValueError("no"), TypeError("no"), False),
        (object(), object(), False),
    ],
)
def test_predictions_are_the_same_only_to_the_last_bit(one, other, equal):
    assert same(one, other) is equal
