"""The bare estimator: what no server can be faster than. MODEL_FOLDER SECONDS, rows as JSON on stdin."""

from __future__ import annotations

import gc
import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import mlflow.sklearn
import numpy as np


def measure(predict: Callable[[Any], Any], data: Any, seconds: float) -> dict[str, float]:
    """Calls a second and their latencies, after a tenth of the time to warm up."""
    clock, latencies = time.perf_counter, list[float]()
    warm = clock() + seconds / 10
    while clock() < warm:
        predict(data)
    started = now = clock()
    until = started + seconds
    while now < until:
        before = clock()
        predict(data)
        now = clock()
        latencies.append(now - before)
    latencies.sort()
    p50, p99 = (latencies[math.ceil(q * len(latencies)) - 1] for q in (0.5, 0.99))
    return {"rate": len(latencies) / (now - started), "p50": p50, "p99": p99}


def main() -> None:
    """Print, as JSON, a measurement for one row and for all."""
    folder, seconds = sys.argv[1:]
    rows = np.array(json.load(sys.stdin), dtype=float)
    estimator = mlflow.sklearn.load_model(folder)
    # It was trained with names of columns, and says at each call that an array has none.
    warnings.simplefilter("ignore")
    gc.collect()
    gc.freeze()
    measured = {len(block): measure(estimator.predict, block, float(seconds)) for block in (rows[:1], rows)}
    json.dump(measured, sys.stdout)


if __name__ == "__main__":
    main()
