"""Which scikit-learn estimators a block of numbers can be given in place of a table, with the same answer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final, cast

from pipelines.sdk.serving.models import direct
from pipelines.sdk.serving.models.direct import is_a
from pipelines.sdk.serving.protocols.columns import Kind
from pipelines.sdk.serving.protocols.table import Signature

_PIPELINE: Final = ("sklearn.pipeline", {"Pipeline"})
# With truths among numbers scikit-learn converts a table column by column, and so rounds otherwise.
_NUMBERS: Final = frozenset({Kind.DOUBLE, Kind.FLOAT, Kind.LONG, Kind.INTEGER})

# These read their input once, by `check_array`, which makes of a table the block that we make. Others look at
# names and types of columns, or hand the table on to parts that do.
PLAIN: Final = {
    "sklearn.linear_model": {
        "ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "GammaRegressor", "HuberRegressor",
        "Lars", "Lasso", "LassoCV", "LassoLars", "LinearRegression", "LogisticRegression",
        "LogisticRegressionCV", "MultiTaskElasticNet", "MultiTaskLasso", "OrthogonalMatchingPursuit",
        "Perceptron", "PoissonRegressor", "QuantileRegressor", "Ridge", "RidgeCV", "RidgeClassifier",
        "SGDClassifier", "SGDRegressor", "TheilSenRegressor", "TweedieRegressor",
    },
    "sklearn.ensemble": {
        "ExtraTreesClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier",
        "GradientBoostingRegressor", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
        "RandomForestClassifier", "RandomForestRegressor",
    },
    "sklearn.tree": {
        "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor",
    },
    "sklearn.svm": {"LinearSVC", "LinearSVR", "NuSVC", "NuSVR", "SVC", "SVR"},
    "sklearn.neighbors": {"KNeighborsClassifier", "KNeighborsRegressor"},
    "sklearn.naive_bayes": {"GaussianNB"},
    "sklearn.neural_network": {"MLPClassifier", "MLPRegressor"},
    "sklearn.discriminant_analysis": {"LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"},
    "sklearn.cluster": {"KMeans", "MiniBatchKMeans"},
    "sklearn.decomposition": {"PCA"},
    "sklearn.impute": {"SimpleImputer"},
    "sklearn.preprocessing": {
        "MaxAbsScaler", "MinMaxScaler", "Normalizer", "PolynomialFeatures", "PowerTransformer",
        "QuantileTransformer", "RobustScaler", "SplineTransformer", "StandardScaler",
    },
}  # fmt: skip


def for_blocks(estimator: Any, signature: Signature) -> Any | None:
    """The estimator as it wants blocks, None where only a table is surely the same.

    It is a copy that does not know the names of its columns: given a block, the original would warn that
    these are missing, which takes as long as the prediction.

    Args:
        estimator: a fitted estimator, or a Pipeline of them.
        signature: of the model.
    """
    if not {column.kind for column in signature.columns} <= _NUMBERS:
        return None
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and list(names) != [column.name for column in signature.columns]:
        return None
    if not is_a(estimator, *_PIPELINE):
        return _nameless(estimator) if _plain(estimator) else None
    if not all(map(_plain, _steps(estimator))):
        return None
    pipeline = copy.copy(estimator)
    pipeline.steps = [(name, _nameless(step)) for name, step in estimator.steps]
    return pipeline


def asked(estimator: Any, method: str) -> Callable[[Any], Any]:
    """The method, without what it does in vain on every call.

    A Pipeline looks whether it is fitted, which takes longer than most of its steps; for those, and for
    estimators alone, see `direct`.
    """
    from sklearn import get_config  # models of other flavours do without

    if not is_a(estimator, *_PIPELINE):
        return direct.predicting(estimator, method)
    if get_config()["enable_metadata_routing"]:
        return cast("Callable[[Any], Any]", getattr(estimator, method))
    *first, last = _steps(estimator)
    transforms = [direct.transforming(step) for step in first]
    ask = asked(last, method)

    def run(table: Any) -> Any:
        for transform in transforms:
            table = transform(table)
        return ask(table)

    return run


def keep_to_one_job(estimator: Any) -> None:
    """Let the estimator, and all that it consists of, start no threads or processes to predict with.

    Starting them takes longer than the rows of a request do, joblib's processes do not outlive a fork, and
    which tree of a forest comes first, which decides the last bit of its sum, would be left to chance.
    """
    try:
        jobs = [name for name in estimator.get_params() if name == "n_jobs" or name.endswith("__n_jobs")]
        estimator.set_params(**dict.fromkeys(jobs, 1))
    except Exception:  # noqa: BLE001 - an estimator's own code, which need not have parameters
        return


def _steps(pipeline: Any) -> list[Any]:
    return [step for _, step in pipeline.steps if step is not None and not isinstance(step, str)]


def _plain(estimator: Any) -> bool:
    if not any(is_a(estimator, module, names) for module, names in PLAIN.items()):
        return False
    # Categories and tables as output depend on the columns of a table.
    categorical = getattr(estimator, "is_categorical_", None) is not None
    output = getattr(estimator, "_sklearn_output_config", {}).get("transform", "default")
    return not categorical and output == "default"


def _nameless(estimator: Any) -> Any:
    if "feature_names_in_" not in getattr(estimator, "__dict__", {}):
        return estimator
    nameless = copy.copy(estimator)
    del nameless.feature_names_in_
    return nameless
