"""What fuzzing begins with: the bodies that tests know, good and bad, and the words of the protocols."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

from tests.fuzz.targets import SIGNATURES
from tests.serving import test_http_layer as http
from tests.serving import test_model_server_refusals as refusals

GOOD = {
    "json": [
        {"columns": ["temp", "visits"], "data": [[12.8, 3]]},
        {"dataframe_split": {"columns": ["temp", "day"], "data": [[1, "2024-05-31T18:00:00"]]}},
        {"dataframe_records": [{"temp": 1.5, "sky": "sun", "photo": "Ynl0ZXM="}], "params": {"do": ""}},
        {"instances": [[1, 2, 3]]},
        {"inputs": {"temp": [1, 2], "sky": [["a", "b"], ["c", "d"]]}},
    ],
    "v2": [
        {"id": "1", "inputs": [refusals.TENSOR], "outputs": [{"name": "predictions"}]},
        {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [[1, 2, 3]]}]},
        {"inputs": [refusals.TENSOR, {**refusals.TENSOR, "name": "sky", "datatype": "BYTES", "data": ["a"]}]},
    ],
    "v1": [
        {"instances": [{"temp": 1.5}]},
        {"instances": [1, 2]},
        {"inputs": {"temp": [1.5], "rain": [True]}},
    ],
    "csv": [b"temp,rain,day\n1.5,true,2024-05-31\n,,\n", b'temp,sky\r\n1e-3,"a ""b"""\r\n'],
}
BAD = {"json": refusals.INVOCATIONS, "v2": refusals.V2, "v1": refusals.V1, "csv": refusals.CSV}
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 3.5, 2**31, 2**53 + 1, 2**63, 2**64, 1e300, 5e-324, -0.0, "", "1", "NaN", "temp",
    "2024-02-30", "2024-01-01", "\0", "é", [], {}, [[]], [1, "a"], {"temp": 1}, "FP64", "INT8", "BYTES", [-1],
    [2**62, 2**62], [0], "Ynl0ZXM=",
)  # fmt: skip
RAW = (
    ("FP64", 2, struct.pack("<2d", 12.8, float("nan"))),
    ("FP16", 2, b"\0\x3c\0\x7e"),
    ("BOOL", 2, b"\0\1"),
    ("INT64", 1, struct.pack("<q", -1)),
    ("BYTES", 2, b"\1\0\0\0a\0\0\0\0"),
)
LONGEST = 20_000


def bodies(target: str) -> list[bytes]:
    """Inputs to begin with."""
    if target == "socket":
        tables = [*http.REFUSED.values(), *http.ANSWERED.values()]
        return [b"\x10" + row[0] for row in tables]
    if target == "binary":
        return [_raw(kind, size, data) for kind, size, data in RAW]
    known = [*GOOD[target], *(row[0] for row in BAD[target].values())]
    raw = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in known]
    return [each for each in raw if len(each) < LONGEST]


def _raw(datatype: str, size: int, data: bytes) -> bytes:
    tensor: dict[str, Any] = {"name": "temp", "shape": [size], "datatype": datatype}
    tensor["parameters"] = {"binary_data_size": len(data)}
    text = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return len(text).to_bytes(2, "little") + text + data


def write(target: str, folder: Path) -> None:
    """A corpus for libFuzzer: each body, for a model of each kind."""
    for number, body in enumerate(bodies(target)):
        for signature in range(len(SIGNATURES)):
            (folder / f"{number}-{signature}").write_bytes(bytes((signature,)) + body[:LONGEST])


def mutated(data: bytes, seed: int) -> bytes | None:
    """The same JSON with one value changed; None where it is no JSON."""
    try:
        value = json.loads(data[1:])
    except (ValueError, RecursionError):
        return None
    chance = random.Random(seed)
    return data[:1] + json.dumps(_changed(value, chance)).encode("utf-8", "replace")


def _changed(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        if chance.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: _changed(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        index = chance.randrange(len(value))
        if chance.random() < 0.2:
            return [*value, *value[index:]]
        return [*value[:index], _changed(value[index], chance), *value[index + 1 :]]
    return chance.choice(VALUES)
