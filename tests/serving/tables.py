"""Tables as clients send them, in every shape of body, and as MLflow alone would get them."""

import csv
import io
import json
import struct

import numpy as np
import pandas as pd

DTYPES = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "string": "object",
    "datetime": "datetime64[ns]",
}
DATATYPES = {
    "double": "FP64",
    "float": "FP32",
    "long": "INT64",
    "integer": "INT32",
    "boolean": "BOOL",
    "string": "BYTES",
    "datetime": "BYTES",
}


def frame_of(table, kinds):
    """The table with the signature's types, made without a line of the server's code."""
    present = {name: v for name, v in table.items() if not v or any(x is not None for x in v)}
    return pd.DataFrame(
        {name: pd.Series(v, dtype=object).astype(DTYPES[kinds[name]]) for name, v in present.items()}
    )


def rows_of(table):
    return [list(row) for row in zip(*table.values(), strict=True)]


def records_of(table):
    return [dict(zip(table, row, strict=True)) for row in rows_of(table)]


def split_of(table):
    return {"columns": list(table), "data": rows_of(table)}


def csv_of(table):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table)
    cells = [
        ["" if v is None else repr(v) if isinstance(v, float) else v for v in row] for row in rows_of(table)
    ]
    writer.writerows(cells)
    return text.getvalue().encode()


def tensors_of(table, kinds):
    return [
        {
            "name": name,
            "shape": [len(v)] if i % 2 else [len(v), 1],
            "datatype": DATATYPES[kinds[name]],
            "data": v,
        }
        for i, (name, v) in enumerate(table.items())
    ]


def bodies_of(table, kinds):
    """Protocol, media type and body of every way to send the table."""
    json_, records = "application/json", records_of(table)
    beside = {"index": list(range(len(records)))}
    shapes = [
        ("v2", {"inputs": tensors_of(table, kinds)}),
        ("invocations", split_of(table)),
        ("invocations", {"dataframe_split": {**split_of(table), **beside}}),
        ("invocations", {"inputs": table}),
        ("v1", {"inputs": table}),
    ]
    if records:  # without rows these have no columns either
        present = [{k: v for k, v in record.items() if v is not None} for record in records]
        shapes += [
            ("invocations", {"dataframe_records": records}),
            ("invocations", {"dataframe_records": present}),
            ("invocations", {"instances": records}),
            ("v1", {"instances": records}),
        ]
    for protocol, body in shapes:
        yield protocol, json_, json.dumps(body).encode()
    if "" not in {v for values in table.values() for v in values if isinstance(v, str)}:
        yield "invocations", "text/csv", csv_of(table)  # an empty cell is a missing value


def bits(value):
    """A prediction of MLflow's, or one out of JSON, so that equal means equal to the last bit."""
    if isinstance(value, np.ndarray):
        value = (value.astype("float64") if value.dtype.kind == "f" else value).tolist()
    if isinstance(value, pd.DataFrame):
        value = value.to_dict(orient="records")
    if isinstance(value, dict):
        return {name: bits(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    if isinstance(value, float):
        return struct.pack(">d", value) if np.isfinite(value) else None  # JSON has no other way to say it
    return value


def predictions_in(protocol, answer):
    """The prediction in a body of an answer, of a model with one output."""
    if protocol != "v2":
        return json.loads(answer)["predictions"]
    (output,) = json.loads(answer)["outputs"]
    flat = np.fromiter(output["data"], dtype=object, count=len(output["data"]))
    return flat.reshape(output["shape"]).tolist()
