"""What some estimators compute of a block of numbers, without the checks that take longer than that.

Each computes as scikit-learn does, operation by operation, and leaves to it what it would refuse. That they
give the same is proved for each model when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

Ask: TypeAlias = Callable[[Any], Any]
_FORESTS: Final = frozenset({"RandomForestRegressor", "ExtraTreesRegressor"})
_LINEAR: Final = frozenset(
    {
        "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "Lasso", "LassoCV", "LassoLars",
        "LinearRegression", "MultiTaskElasticNet", "MultiTaskLasso", "OrthogonalMatchingPursuit",
        "QuantileRegressor", "Ridge", "RidgeCV", "TheilSenRegressor",
    }
)  # fmt: skip


def predicting(estimator: Any, method: str) -> Ask:
    """A method of an estimator.

    Args:
        estimator: fitted; it is not fitted again.
        method: its name.
    """
    ask: Ask = getattr(estimator, method)
    if method != "predict" or not _of_scikit(estimator):
        return ask
    if type(estimator).__name__ in _FORESTS and estimator.n_outputs_ == 1:
        return _forest(estimator)
    return _linear(estimator, ask) if type(estimator).__name__ in _LINEAR else ask


def transforming(estimator: Any) -> Ask:
    """The method `transform` of an estimator.

    Args:
        estimator: fitted; it is not fitted again.
    """
    ask: Ask = estimator.transform
    if type(estimator).__name__ == "StandardScaler" and _of_scikit(estimator):
        return _scaler(estimator, ask)
    return ask


def _of_scikit(estimator: Any) -> bool:
    # The class itself: what a subclass of somebody's does is not known.
    return type(estimator).__module__.startswith("sklearn.")


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
