"""What a model's inputs were like when it was trained: by these buckets its server shows that they drift."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise, product
from typing import Any, Final

import numpy as np
import pandas as pd

from pipelines.sdk.serving.protocols.columns import Kind
from pipelines.sdk.serving.protocols.table import Signature

KEY: Final = "input_profile"
_NUMBERS: Final = (Kind.INTEGER, Kind.LONG, Kind.FLOAT, Kind.DOUBLE)
_QUANTILES: Final = 10
_MOST: Final = 100
_UP: Final = tuple(float(f"{digit}e{power}") for power, digit in product(range(-3, 7), (1, 2, 5)))
# Where a model does not say it: three to a power of ten, from thousandths to millions, on both sides of zero.
ANY_NUMBER: Final = (*(-each for each in reversed(_UP)), 0.0, *_UP)


def record(table: pd.DataFrame) -> dict[str, Any]:
    """What a model that learned from this table says of it, as `metadata` of MLflow's `log_model`.

    Args:
        table: of which the numeric columns are described, by their deciles as far as these differ: while
            nothing drifts, each of the server's buckets gets a tenth of the values.
    """
    cuts = np.linspace(0, 1, _QUANTILES + 1)
    numbers = {name: values.dropna() for name, values in table.select_dtypes("number").items()}
    profile = {
        str(name): np.unique(np.quantile(values.to_numpy(dtype=np.float64), cuts)).tolist()
        for name, values in numbers.items()
        if len(values)
    }
    return {KEY: profile}


def edges(signature: Signature, metadata: Mapping[str, Any] | None) -> dict[str, tuple[float, ...]]:
    """Upper bounds of the buckets of each numeric column of a model.

    Args:
        signature: of the model.
        metadata: of the model; what is in it is not trusted to be what `record` wrote.
    """
    profile = (metadata or {}).get(KEY)
    known = profile if isinstance(profile, dict) else {}
    names = [column.name for column in signature.columns if column.kind in _NUMBERS]
    return {name: _bounds(known.get(name)) for name in names}


def _bounds(recorded: Any) -> tuple[float, ...]:
    if not isinstance(recorded, list) or not 0 < len(recorded) <= _MOST:
        return ANY_NUMBER
    if not all(isinstance(each, (int, float)) and np.isfinite(each) for each in recorded):
        return ANY_NUMBER
    rising = all(low < high for low, high in pairwise(recorded))
    return tuple(map(float, recorded)) if rising else ANY_NUMBER
