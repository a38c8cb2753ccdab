"""What the test models compute; shipped with them by `code_paths`, as a project's own features are."""

import time
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd

NUMBERS = ("temp", "wind", "gusts", "visits", "level")


def features(frame):
    """A block of numbers from whatever columns there are."""
    n = len(frame)
    absent = pd.Series(np.full(n, np.nan))

    def column(name):
        return frame.get(name, absent)

    block = {name: column(name).astype("float64") for name in NUMBERS}
    block["rain"] = column("rain").astype("float64")
    block["sky"] = column("sky").map({"sun": 0.0, "fog": 1.0, "snow": 2.0}).astype("float64")
    day = column("day")
    block["day"] = day.dt.dayofyear.astype("float64") if day.dtype.kind == "M" else absent
    return pd.DataFrame(block).to_numpy()


class Echo(mlflow.pyfunc.PythonModel):
    """Gives back what it was given, or does what its parameter says."""

    def predict(self, context, model_input, params=None):
        params = params or {}
        do = params.get("do", "")
        if do.startswith("sleep "):
            Path(do.removeprefix("sleep ")).touch()  # says that it has begun
            time.sleep(params.get("seconds", 0.0))
        if do == "fail":
            raise RuntimeError("a secret in /etc/passwd")
        if do == "refuse":
            raise ValueError("no such day, see /usr/lib/python/days.py\nsecond line")
        if do == "nan":
            return np.array([np.nan, np.inf, 1.5])
        if do == "object":
            return [object()]
        if do == "types":
            return [str(dtype) for dtype in model_input.dtypes]
        if do == "scalars":
            return {"big": np.int64(2**60), "when": pd.Timestamp("2024-02-29"), "raw": b"\xff", "no": pd.NaT}
        return model_input


class Powers(mlflow.pyfunc.PythonModel):
    """Raises one column to a power and writes into the table that it was given."""

    def predict(self, context, model_input, params=None):
        power, factor = params["power"], params["factor"]
        model_input["a"] = model_input["a"] * factor
        if (model_input["a"] == 13.0).any():
            raise ValueError("thirteen")
        return model_input["a"].to_numpy() ** power
