"""What some estimators compute of a block of numbers, without the checks that take longer than that.

Each computes as scikit-learn does, operation by operation, and leaves to it what it would refuse. That they
give the same is proved for each model when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

Ask: TypeAlias = Callable[[Any], Any]
_FOREST: Final = ("sklearn.ensemble", {"RandomForestRegressor", "ExtraTreesRegressor"})
_SCALER: Final = ("sklearn.preprocessing", {"StandardScaler"})
_LINEAR: Final = (
    "sklearn.linear_model",
    {
        "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "Lasso", "LassoCV", "LassoLars",
        "LinearRegression", "MultiTaskElasticNet", "MultiTaskLasso", "OrthogonalMatchingPursuit",
        "QuantileRegressor", "Ridge", "RidgeCV", "TheilSenRegressor",
    },
)  # fmt: skip


def predicting(estimator: Any, method: str) -> Ask:
    """A method of an estimator.

    Args:
        estimator: fitted; it is not fitted again.
        method: its name.
    """
    ask: Ask = getattr(estimator, method)
    if method != "predict":
        return ask
    if is_a(estimator, *_FOREST) and estimator.n_outputs_ == 1:
        return _forest(estimator)
    return _linear(estimator, ask) if is_a(estimator, *_LINEAR) else ask


def transforming(estimator: Any) -> Ask:
    """The method `transform` of an estimator.

    Args:
        estimator: fitted; it is not fitted again.
    """
    ask: Ask = estimator.transform
    return _scaler(estimator, ask) if is_a(estimator, *_SCALER) else ask


def is_a(estimator: Any, module: str, names: set[str]) -> bool:
    """Whether an estimator is of one of these classes itself: what a subclass does is not known.

    Args:
        estimator: fitted or not.
        module: of scikit-learn, that the classes are in or below.
        names: of the classes.
    """
    kind = type(estimator)
    return kind.__name__ in names and f"{kind.__module__}.".startswith(f"{module}.")


def _is_block(table: Any) -> bool:
    return type(table) is np.ndarray and table.ndim == 2 and table.dtype.kind in "fiu" and len(table) > 0


def _linear(estimator: Any, ask: Ask) -> Ask:
    weights = estimator.coef_
    if type(weights) is not np.ndarray:  # made sparse after it was fitted
        return ask
    weights, offset = (weights if weights.ndim == 1 else weights.T), estimator.intercept_

    def predict(table: Any) -> Any:
        if not _is_block(table) or not np.isfinite(table).all():
            return ask(table)
        return table @ weights + offset

    return predict


def _scaler(scaler: Any, ask: Ask) -> Ask:
    mean = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None

    def transform(table: Any) -> Any:
        if not _is_block(table) or np.isinf(table).any():
            return ask(table)
        # A copy in the memory layout of the original, which decides the last bit of what follows.
        block = table.astype(table.dtype if table.dtype.kind == "f" else np.float64)
        if mean is not None:
            block -= mean.astype(block.dtype)
        if scale is not None:
            block /= scale.astype(block.dtype)
        return block

    return transform


def _forest(forest: Any) -> Ask:
    trees = [tree.tree_ for tree in forest.estimators_]

    def mean(table: Any) -> Any:
        # It has no public name; a scikit-learn without it fails the proof when the model is loaded.
        rows = forest._validate_X_predict(table)
        total = np.zeros(rows.shape[0])
        for tree in trees:
            total += tree.predict(rows)[:, 0]
        total /= len(trees)
        return total

    return mean
