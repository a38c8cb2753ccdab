"""Trains the model that all servers serve, and saves it as MLflow does by default. FOLDER

A linear model on four columns, the cheapest there is: the servers are to be measured, not the model.
It prints, as JSON, rows to ask about and what the estimator says to them.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Final

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

from tests.bench.serving.subject import COLUMNS

_ROWS: Final = 1000


def main(folder: str) -> None:
    """Train, save and print."""
    random = np.random.default_rng(5)
    doubles = [random.normal(12, 8, _ROWS), random.normal(5, 6, _ROWS), random.gamma(2, 2, _ROWS)]
    values = [*(each.round(2) for each in doubles), random.integers(0, 99, _ROWS)]
    frame = pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))
    tomorrow = frame["temp"] * 0.8 + frame["wind"] + random.normal(0, 1, _ROWS)
    estimator = LinearRegression().fit(frame, tomorrow)
    expected = estimator.predict(frame)
    with warnings.catch_warnings():
        # A column of integers is meant: it is what servers get wrong.
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            estimator,
            folder,
            signature=infer_signature(frame, expected),
            input_example=frame.head(2),
            serialization_format="skops",
            pip_requirements=["mlflow", "scikit-learn", "skops"],
        )
    rows = [[*map(float, row[:-1]), int(row[-1])] for row in frame.itertuples(index=False)]
    json.dump({"rows": rows, "expected": expected.tolist()}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
