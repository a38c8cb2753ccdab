"""What the exact tests ask: generated tables of each model, and what MLflow alone answers."""

import datetime

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.serving import exact_models
from tests.serving.exact_models import CASES, WIDE
from tests.serving.tables import bits

REFUSED = "refused"
NAMES = [*CASES, "powers"]
KINDS = {**{name: case.kinds for name, case in CASES.items()}, "powers": dict(WIDE)}
OPTIONAL = {**{name: case.optional for name, case in CASES.items()}, "powers": ("b", "d")}
GAPS = ("double", "float", "string")  # the others can be missing in all rows or in none
VALUES = {
    "double": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "long": st.integers(-(2**63), 2**63 - 1) | st.sampled_from([3.0, -0.0, 2.0**53]),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "string": st.sampled_from(["sun", "fog", "snow", "hail", "é"]),
    "date": st.dates(datetime.date(1600, 1, 1), datetime.date(2300, 1, 1)).map(str),
}
PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def some_tables(draw, name):
    """Columns by name in any order, those that are optional with gaps or left out."""
    rows = draw(st.integers(0, 6))
    table = {}
    for column, kind in draw(st.permutations(list(KINDS[name].items()))):
        value = VALUES.get(column, VALUES[kind])
        if column in OPTIONAL[name]:
            if draw(st.booleans()):
                continue
            value = st.none() | value if kind in GAPS else value
        table[column] = draw(st.lists(value, min_size=rows, max_size=rows))
    return table


def large_table(name, rows):
    """Ordinary and extreme values, in many rows."""
    random = np.random.default_rng(rows)
    frame = exact_models.training(KINDS[name].items(), rows)
    if "date" in frame:
        frame["date"] = pd.date_range("1980-01-01", periods=rows).strftime("%Y-%m-%d")
    table = {column: values.tolist() for column, values in frame.items()}
    for column, kind in KINDS[name].items():
        if kind == "double":
            exponents = random.integers(-300, 20, rows)
            table[column] = (random.normal(size=rows) * 10.0**exponents).tolist()
    return table


def by_mlflow(model, frame, params=None):
    try:
        return bits(model.predict(frame, params=params))
    except Exception:
        return REFUSED
