"""Whatever a client gets wrong is answered with a status and one short reason; the server lives on."""

import http.client
import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOOD = {"columns": ["temp"], "data": [[12.8]]}
TENSOR = {"name": "temp", "shape": [1], "datatype": "FP64", "data": [12.8]}


def records(**values):
    return {"dataframe_records": [{"temp": 1.0, **values}]}


def tensor(**changes):
    return {"inputs": [{**TENSOR, **changes}]}


def without(key):
    return {"inputs": [{k: v for k, v in TENSOR.items() if k != key}]}


# body, a part of the reason
INVOCATIONS = {
    "empty body": (b"", "the body is empty"),
    "blank body": (b" \n", "the body is empty"),
    "not json": (b"temp=12.8", "not JSON"),
    "truncated json": (b'{"columns": ["temp"], "data": [[12.', "not JSON"),
    "trailing comma": (b'{"columns": ["temp"], "data": [[12.8],]}', "not JSON"),
    "NaN literal": (b'{"columns": ["temp"], "data": [[NaN]]}', "not JSON"),
    "infinite number": (b'{"columns": ["temp"], "data": [[1e400]]}', "not JSON"),
    "not utf-8": (b'{"columns": ["\xff"], "data": [[1]]}', "not JSON"),
    "lone surrogate": (b'{"columns": ["\\ud800"], "data": [[1]]}', "not JSON"),
    "byte order mark": ('\ufeff{"columns": ["temp"], "data": [[1]]}'.encode(), "not JSON"),
    "too deep": (b'{"columns": ["temp"], "data": ' + b"[" * 5000 + b"]" * 5000 + b"}", "not JSON"),
    "deep but legal": (b'{"instances": ' + b"[" * 300 + b"]" * 300 + b"}", "row"),
    "deep objects": (b'{"instances": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}", "nested too deeply"),
    "key twice": (b'{"columns": ["temp"], "data": [[1]], "data": [[2]]}', "'data' is there twice"),
    "key twice in a row": (b'{"dataframe_records": [{"temp": 1, "temp" : 2}]}', "'temp' is there twice"),
    "a list": ([1, 2], "must be an object, not a list"),
    "a text": ("temp", "must be an object, not the text 'temp'"),
    "a number": (b"12.8", "must be an object, not the number 12.8"),
    "null": (b"null", "must be an object, not null"),
    "no known key": ({"rows": [[1]]}, "it has only 'rows'"),
    "no key": ({}, "it has only no keys"),
    "two shapes": ({"instances": [[1]], "inputs": [[1]]}, "both 'instances' and 'inputs'"),
    "unknown key": ({**GOOD, "extra": 1}, "unknown key 'extra'"),
    "unknown parameter": ({**GOOD, "params": {"horizon": 1}}, "no parameter 'horizon'"),
    "parameters as a list": ({**GOOD, "params": [1]}, "'params' must be an object"),
    "columns alone": ({"columns": ["temp"]}, "'data' is missing"),
    "split without columns": ({"dataframe_split": {"data": [[1]]}}, "'columns' is missing"),
    "split is a list": ({"dataframe_split": [[1]]}, "must be an object, not a list"),
    "rows are no list": ({"columns": ["temp"], "data": "12.8"}, "must be a list, not the text"),
    "a row is no list": ({"columns": ["temp"], "data": [12.8]}, "row 0 must be a list"),
    "ragged rows": ({"columns": ["temp", "wind"], "data": [[1, 2], [3]]}, "row 1 has 1 values for 2 columns"),
    "a column twice": ({"columns": ["temp", "temp"], "data": [[1, 2]]}, "'temp' is there twice"),
    "a column without name": ({"columns": [1], "data": [[1]]}, "must be texts"),
    "missing column": ({"columns": ["wind"], "data": [[1]]}, "missing required column 'temp'"),
    "misspelled column": ({"columns": ["Temp"], "data": [[1]]}, "missing required column 'temp'"),
    "no rows": ({"columns": ["temp"], "data": []}, "the model refuses"),
    "records of none": ({"dataframe_records": []}, "missing required column 'temp'"),
    "records that are lists": ({"dataframe_records": [[1]]}, "row 0 must be an object"),
    "records of two kinds": ({"instances": [{"temp": 1}, [1]]}, "row 1 must be an object"),
    "columns of two lengths": ({"inputs": {"temp": [1, 2], "wind": [1]}}, "differ in length"),
    "a column that is no list": ({"inputs": {"temp": [1], "wind": 3}}, "'wind' must be a list"),
    "positional of wrong width": ({"instances": [[1, 2]]}, "row 0 has 2 values"),
    "null where required": (records(temp=None), "'temp' is required but has no value in row 0"),
    "text for a double": (records(temp="12.8"), "'temp', row 0: must be a number, not the text '12.8'"),
    "boolean for a double": (records(temp=True), "must be a number, not true"),
    "list for a double": (records(temp=[1.0]), "must be a number, not a list"),
    "object for a double": (records(temp={}), "must be a number, not an object"),
    "3.5 for a long": (records(visits=3.5), "'visits', row 0: must be a whole number, not 3.5"),
    "1e300 for a long": (records(visits=1e300), "too large"),
    "2**63 for a long": (records(visits=2**63), "is not between"),
    "2**53 + 2 as float for a long": (
        b'{"dataframe_records":[{"temp":1,"visits":9007199254740994.0}]}',
        "too large",
    ),
    "2**31 for an integer": (records(level=2**31), "is not between"),
    "text for a long": (records(visits="3"), "must be a whole number"),
    "boolean for a long": (records(visits=True), "must be a whole number, not true"),
    "null in some rows of a long": (
        {"inputs": {"temp": [1, 2], "visits": [1, None]}},
        "cannot have null in some",
    ),
    "1e39 for a float": (records(gusts=1e39), "too large"),
    "text for a boolean": (records(rain="true"), "must be true or false"),
    "1 for a boolean": (records(rain=1), "must be true or false"),
    "number for a text": (records(sky=3), "must be a text, not the number 3"),
    "number for a date": (records(day=20240101), "must be a date or time as text"),
    "word for a date": (records(day="today"), "is not an ISO date"),
    "30 February": (records(day="2024-02-30"), "'day'"),
    "date with a zone": (records(day="2024-01-01T00:00:00Z"), "has a time zone"),
    "year 9999": (records(day="9999-01-01"), "'day', row 0: '9999-01-01' is no date, or none from 1678"),
    "year 0": (records(day="0000-01-01"), "is no date, or none from 1678"),
    "month 13": (records(day="2024-13-01"), "is no date"),
    "29 February of a common year": (records(day="2023-02-29"), "'day', row 0: '2023-02-29' is no date"),
    "25 o'clock": (records(day="2024-01-01T25:00:00"), "is no date"),
    "date in other digits": (records(day="٢٠٢٤-٠١-٠١"), "is not an ISO date"),
    "date with a line end": (records(day="2024-01-01\n"), "is not an ISO date"),
    "date with an offset": (records(day="2024-01-01T00:00:00+02:00"), "has a time zone"),
    "date as seconds": (records(day="1700000000"), "is not an ISO date"),
    "date as in America": (records(day="01/31/2024"), "is not an ISO date"),
    "empty date": (records(day=""), "is not an ISO date"),
    "100,000 lists": (b"[" * 100_000, "not JSON"),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "not JSON"),
    "as deep as JSON goes here": (b'{"instances": ' + b"[" * 1023 + b"]" * 1023 + b"}", "must be a number"),
    "deep objects in a value": (
        b'{"dataframe_records": [{"temp": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}]}",
        "nested too deeply",
    ),
    "key twice, once escaped": (
        b'{"columns":["temp"],"data":[[1]],"d\\u0061ta":[[2]]}',
        "'data' is there twice",
    ),
    "column twice, once escaped": (
        b'{"dataframe_records":[{"temp":1,"\\u0074emp":2}]}',
        "'temp' is there twice",
    ),
    "key twice where nobody looks": (b'{"dataframe_records":[{"temp":1,"x":{"a":1,"a":2}}]}', "'a' is there"),
    "400 digits": (b'{"columns":["temp"],"data":[[' + b"9" * 400 + b"]]}", "not JSON"),
    "100 digits for a long": (
        b'{"dataframe_records":[{"temp":1,"visits":' + b"9" * 100 + b"}]}",
        "is too large for a whole number",
    ),
    "-1e999": (b'{"columns":["temp"],"data":[[-1e999]]}', "not JSON"),
    "Infinity literal": (b'{"columns":["temp"],"data":[[-Infinity]]}', "not JSON"),
    "leading zero": (b'{"columns":["temp"],"data":[[01]]}', "not JSON"),
    "plus sign": (b'{"columns":["temp"],"data":[[+1]]}', "not JSON"),
    "hexadecimal number": (b'{"columns":["temp"],"data":[[0x1]]}', "not JSON"),
    "no digit after the point": (b'{"columns":["temp"],"data":[[1.]]}', "not JSON"),
    "single quotes": (b"{'columns':['temp'],'data':[[1]]}", "not JSON"),
    "comment": (b'{"columns":["temp"],"data":[[1]]} // twelve', "not JSON"),
    "two documents": (b'{"columns":["temp"],"data":[[1]]}{}', "not JSON"),
    "UTF-16": ('{"columns":["temp"],"data":[[1]]}'.encode("utf-16"), "not JSON"),
    "UTF-8 in too many bytes": (b'{"dataframe_records":[{"temp":1,"sky":"\xc0\xaf"}]}', "not JSON"),
    "surrogate in UTF-8": (b'{"dataframe_records":[{"temp":1,"sky":"\xed\xa0\x80"}]}', "not JSON"),
    "half a pair of surrogates": (b'{"dataframe_records":[{"temp":1,"sky":"\\udc00"}]}', "not JSON"),
    "NUL in the body": (b'{"columns":["temp\0"],"data":[[1]]}', "not JSON"),
    "NUL in a name": (b'{"columns":["temp\\u0000"],"data":[[1]]}', "missing required column 'temp'"),
    "line end in a name": (b'{"columns":["temp\n"],"data":[[1]]}', "not JSON"),
    "a name of 100,000 letters": ({"columns": ["x" * 100_000], "data": [[1]]}, "missing required column"),
    "a key of 100,000 letters": ({"x" * 100_000: 1}, "it has only 'xxx"),
    "10,000 keys": ({str(i): 1 for i in range(10_000)}, "it has only '0', '1'"),
    "a text of 900,000 letters for a number": (
        records(temp="1" * 900_000),
        "must be a number, not the text '111",
    ),
    "a text of 900,000 letters for a date": (records(day="2" * 900_000), "is not an ISO date"),
    "a key that is a path": ({"/etc/passwd": 1}, "it has only '/etc/passwd'"),
    "10,000 names for one value": (
        {"columns": ["temp", *map(str, range(10_000))], "data": [[1.0]]},
        "row 0 has 1 values for 10001 columns",
    ),
    "10,000 columns of another length": (
        {"inputs": {"temp": [1], **{str(i): [1, 2] for i in range(10_000)}}},
        "columns differ in length: 'temp' 1, '0' 2",
    ),
    "numbers and a text in a column": ({"inputs": {"temp": [1, "2", 3]}}, "'temp', row 1: must be a number"),
    "numbers and a boolean in a column": (
        {"inputs": {"temp": [1.5, True]}},
        "'temp', row 1: must be a number",
    ),
    "a boolean for an integer": (records(level=False), "must be a whole number, not false"),
    "the word NaN for a number": (records(temp="NaN"), "must be a number, not the text 'NaN'"),
    "a list for a text": (records(sky=["sun"]), "must be a text, not a list"),
    "data deeper than rows": ({"columns": ["temp"], "data": [[[1]]]}, "must be a number, not a list"),
    "data is null": ({"columns": ["temp"], "data": None}, "'data' must be a list, not null"),
    "columns are a text": ({"columns": "temp", "data": [[1]]}, "'columns' must be a list"),
    "columns are an object": ({"columns": {"temp": 1}, "data": [[1]]}, "'columns' must be a list"),
    "a row is null": ({"columns": ["temp"], "data": [None]}, "row 0 must be a list, not null"),
    "a row is empty": ({"columns": ["temp"], "data": [[]]}, "row 0 has 0 values"),
    "no columns": ({"columns": [], "data": [[], []]}, "missing required column"),
    "instances is null": ({"instances": None}, "must be a list, not null"),
    "instances is an object": ({"instances": {"temp": [1]}}, "must be a list, not an object"),
    "instances of two kinds": ({"instances": [[1], {"temp": 1}]}, "row 1 must be a list, not an object"),
    "an instance is null": ({"instances": [None]}, "has no value in row 0"),
    "inputs is a number": ({"inputs": 3}, "must be a list, not the number 3"),
    "inputs of no column": ({"inputs": {}}, "missing required column"),
    "records is an object": ({"dataframe_records": {"temp": 1}}, "must be a list, not an object"),
    "a record without columns": ({"dataframe_records": [{}]}, "missing required column"),
    "a boolean": (b"true", "must be an object, not true"),
    "parameters alone": ({"params": {}}, "it has only 'params'"),
}
V2 = {
    "empty body": (b"", "the body is empty"),
    "a list": ([TENSOR], "must be an object"),
    "no inputs": ({"id": "x"}, "'inputs' is missing"),
    "empty inputs": ({"inputs": []}, "'inputs' is empty"),
    "inputs as object": ({"inputs": TENSOR}, "must be a list"),
    "an input that is a list": ({"inputs": [[1]]}, "input 0 must be an object"),
    "id is a number": ({"id": 1, "inputs": [TENSOR]}, "'id' must be a text"),
    "no name": (without("name"), "input 0 has no 'name'"),
    "no shape": (without("shape"), "input 0 has no 'shape'"),
    "no datatype": (without("datatype"), "input 0 has no 'datatype'"),
    "no data": (without("data"), "input 0 has no 'data'"),
    "unknown datatype": (tensor(datatype="FP128"), "unknown datatype 'FP128'"),
    "lower case datatype": (tensor(datatype="fp64"), "unknown datatype 'fp64'"),
    "shape lies": (tensor(shape=[7]), "does not fit 1 values"),
    "shape product lies": (tensor(shape=[2, 3]), "does not fit 1 values"),
    "negative shape": (tensor(shape=[-1]), "must be a list of sizes"),
    "shape of texts": (tensor(shape=["1"]), "must be a list of sizes"),
    "shape of booleans": (tensor(shape=[True]), "must be a list of sizes"),
    "empty shape": (tensor(shape=[]), "must be a list of sizes"),
    "huge shape": (tensor(shape=[10**18, 10**18]), "does not fit"),
    "a block for a column": (tensor(shape=[1, 2], data=[1, 2]), "a column has shape [n] or [n, 1]"),
    "ragged data": (tensor(shape=[3], data=[[1, 2], [3]]), "not all of one length"),
    "data is a number": (tensor(data=1.0), "must be a list"),
    "text in FP64": (tensor(data=["12.8"]), "must be a number"),
    "boolean in FP64": (tensor(data=[True]), "must be a number"),
    "BYTES for a double": (tensor(datatype="BYTES", data=["12.8"]), "must be a number"),
    "BOOL for a double": (tensor(datatype="BOOL", data=[True]), "must be a number"),
    "3.5 in INT64": (tensor(datatype="INT64", data=[3.5]), "must be a whole number"),
    "300 in UINT8": (tensor(datatype="UINT8", data=[300]), "is not between 0 and 255"),
    "-1 in UINT64": (tensor(datatype="UINT64", data=[-1]), "is not between 0"),
    "1e39 in FP32": (tensor(datatype="FP32", data=[1e39]), "too large"),
    "70000 in FP16": (tensor(datatype="FP16", data=[70000]), "too large"),
    "number in BYTES": (tensor(datatype="BYTES", data=[1]), "must be a text"),
    "null": (tensor(data=[None]), "'temp' is required but has no value in row 0"),
    "an input twice": ({"inputs": [TENSOR, TENSOR]}, "'temp' is there twice"),
    "missing column": (tensor(name="wind"), "missing required column 'temp'"),
    "lengths differ": (
        {"inputs": [TENSOR, {**TENSOR, "name": "wind", "shape": [2], "data": [1, 2]}]},
        "length",
    ),
    "3.5 for a long": (
        {"inputs": [TENSOR, {**TENSOR, "name": "visits", "data": [3.5]}]},
        "must be a whole number",
    ),
    "unknown output": ({"inputs": [TENSOR], "outputs": [{"name": "x"}]}, "no output 'x'"),
    "outputs as text": ({"inputs": [TENSOR], "outputs": "x"}, "must be a list"),
    "an output that is a text": ({"inputs": [TENSOR], "outputs": ["tomorrow"]}, "must be an object"),
    "an output without name": ({"inputs": [TENSOR], "outputs": [{}]}, "the name of an output must be a text"),
    "an output twice": (
        {"inputs": [TENSOR], "outputs": [{"name": "tomorrow"}] * 1000},
        "output 'tomorrow' is asked for twice",
    ),
    "malformed": (b'{"inputs": [', "not JSON"),
    "NaN literal": (b'{"inputs":[{"name":"temp","shape":[1],"datatype":"FP64","data":[NaN]}]}', "not JSON"),
    "key twice, once escaped": (
        b'{"inputs":[{"name":"temp","n\\u0061me":"x","shape":[1],"datatype":"FP64","data":[1]}]}',
        "'name' is there twice",
    ),
    "sizes without a value": (tensor(shape=[2**53, 0], data=[]), "does not fit 0 values"),
    "product beyond 64 bits": (tensor(shape=[2**62, 2**62]), "does not fit 1 values"),
    "size beyond 64 bits": (tensor(shape=[2**64, 0], data=[]), "must be a list of sizes"),
    "100,000 huge sizes": (tensor(shape=[2**62] * 40_000), "must be a list of sizes"),
    "one value in 100,000 dimensions": (tensor(shape=[1] * 100_000), "must be a list of sizes"),
    "shape of halves": (tensor(shape=[0.5]), "must be a list of sizes"),
    "shape is null": (tensor(shape=None), "the shape of input 'temp' must be a list, not null"),
    "shape is a number": (tensor(shape=1), "must be a list, not the number 1"),
    "no rows": (tensor(shape=[0], data=[]), "the model refuses"),
    "three dimensions for a column": (tensor(shape=[1, 1, 1]), "a column has shape [n] or [n, 1]"),
    "data nested, shape flat": (tensor(shape=[4], data=[[1, 2], [3, 4]]), "does not fit its nested data"),
    "data nested the other way": (tensor(shape=[2, 1], data=[[1, 2]]), "does not fit its nested data"),
    "data nested too deeply": (
        b'{"inputs":[{"name":"temp","shape":[1],"datatype":"FP64","data":' + b"[" * 900 + b"]" * 900 + b"}]}",
        "nested too deeply",
    ),
    "data is base64": (tensor(data="AAAAAAAAKUA="), "must be a list, not the text"),
    "data is an object": (tensor(data={"0": 1}), "must be a list, not an object"),
    "an object in the data": (tensor(data=[{}]), "must be a number, not an object"),
    "name is null": (tensor(name=None), "the name of input 0 must be a text"),
    "name is empty": (tensor(name=""), "missing required column 'temp'"),
    "a name of 100,000 letters": (tensor(name="x" * 100_000), "missing required column 'temp'"),
    "datatype is a number": (tensor(datatype=64), "must be a text, not the number 64"),
    "a datatype of 100,000 letters": (tensor(datatype="F" * 100_000), "unknown datatype 'FFF"),
    "id is a boolean": ({"id": True, "inputs": [TENSOR]}, "'id' must be a text, not true"),
    "id is a list": ({"id": ["x"], "inputs": [TENSOR]}, "'id' must be a text, not a list"),
    "parameters as a list": ({"parameters": [], "inputs": [TENSOR]}, "'parameters' must be an object"),
    "parameters as a text": ({"parameters": "x", "inputs": [TENSOR]}, "'parameters' must be an object"),
    "parameters are false": ({"parameters": False, "inputs": [TENSOR]}, "'parameters' must be an object"),
    "a day that does not exist": (
        {"inputs": [TENSOR, {"name": "day", "shape": [1], "datatype": "BYTES", "data": ["2024-02-30"]}]},
        "'day', row 0: '2024-02-30' is no date",
    ),
    "a number for a boolean": (
        {"inputs": [TENSOR, {**TENSOR, "name": "rain", "data": [1.0]}]},
        "must be true or false",
    ),
    "a number for a text": ({"inputs": [TENSOR, {**TENSOR, "name": "sky", "data": [1.0]}]}, "must be a text"),
    "2**64 - 1 for a long": (
        {"inputs": [TENSOR, {"name": "visits", "shape": [1], "datatype": "UINT64", "data": [2**64 - 1]}]},
        "is not between",
    ),
    "2**200 in INT64": (tensor(datatype="INT64", data=[2**200]), "too large"),
    "1 in BOOL": (tensor(datatype="BOOL", data=[1]), "must be true or false"),
    "null in the second row": (tensor(shape=[2], data=[1.0, None]), "no value in row 1"),
    "400 digits": (
        b'{"inputs":[{"name":"temp","shape":[1],"datatype":"FP64","data":[' + b"9" * 400 + b"]}]}",
        "not JSON",
    ),
}
V1 = {
    "empty body": (b"", "the body is empty"),
    "truncated json": (b'{"instances": [[12.', "not JSON"),
    "a list": ([[12.8]], "must be an object"),
    "no known key": (GOOD, "must have 'instances' or 'inputs'; it has 'columns', 'data'"),
    "both": ({"instances": [[1]], "inputs": [[1]]}, "must have 'instances' or 'inputs'"),
    "unknown key": ({"instances": [[1]], "extra": 1}, "unknown key 'extra'"),
    "key twice": (b'{"instances": [[1]], "instances" : [[2]]}', "'instances' is there twice"),
    "instances is a text": ({"instances": "temp"}, "must be a list, not the text"),
    "text for a double": ({"instances": [["12.8"]]}, "must be a number"),
    "null where required": ({"instances": [[None]]}, "no value in row 0"),
    "3.5 for a long": ({"instances": [{"temp": 1, "visits": 3.5}]}, "must be a whole number"),
    "missing column": ({"instances": [{"wind": 1}]}, "missing required column 'temp'"),
    "ragged rows": ({"instances": [[1], [1, 2]]}, "row 1 has 2 values"),
    "of wrong width": ({"instances": [[1, 2]]}, "row 0 has 2 values"),
    "columns of two lengths": ({"inputs": {"temp": [1, 2], "wind": [1]}}, "differ in length"),
    "unknown parameter": ({"instances": [[1]], "params": {"x": 1}}, "no parameter 'x'"),
    "not utf-8": (b'{"instances": [["\xff"]]}', "not JSON"),
    "100,000 lists": (b'{"instances": ' + b"[" * 100_000, "not JSON"),
}
CSV = {
    "empty": (b"", "no header"),
    "header alone": (b"temp\n", "the model refuses"),
    "ragged": (b"temp,wind\n1,2\n3\n", "row 1 has 1 values for 2 columns"),
    "text in a number": (b"temp\n12.8\ntwelve\n", "'temp', row 1: must be a number, not the text 'twelve'"),
    "nan": (b"temp\nnan\n", "must be a number"),
    "inf": (b"temp\ninf\n", "must be a number"),
    "1e400": (b"temp\n1e400\n", "too large"),
    "underscores": (b"temp\n1_000\n", "must be a number"),
    "5000 digits": (b"temp\n" + b"9" * 5000 + b"\n", "too large"),
    "3.5 for a long": (b"temp,visits\n1,3.5\n", "must be a whole number"),
    "empty cell where required": (b"temp,wind\n,1\n", "'temp' is required"),
    "missing column": (b"wind\n1\n", "missing required column 'temp'"),
    "column twice": (b"temp,temp\n1,2\n", "'temp' is there twice"),
    "not utf-8": (b"temp\n\xff\n", "not UTF-8"),
    "open quote": (b'temp\n"1\n', "not CSV"),
    "blank lines alone": (b"\n\r\n\n", "no header"),
    "byte order mark alone": (b"\xef\xbb\xbf", "no header"),
    "latin-1": ("temp,sky\n1,n\xe9v\xe9\n".encode("latin-1"), "not UTF-8: byte 12"),
    "UTF-16": ("temp\n1\n".encode("utf-16"), "not UTF-8"),
    "cut in a letter": (b"temp,sky\n1,\xe2\x82", "not UTF-8"),
    "text after a quote": (b'temp\n"1"2\n', "not CSV"),
    "quote in a number": (b'temp\n1"2\n', "must be a number"),
    "NUL": (b"temp\n1\0\n", "must be a number"),
    "semicolons": (b"temp;wind\n1;2\n", "missing required column 'temp'"),
    "tabs": (b"temp\twind\n1\t2\n", "missing required column 'temp'"),
    "decimal comma": (b'temp\n"1,5"\n', "must be a number, not the text '1,5'"),
    "space before a number": (b"temp\n 1\n", "must be a number"),
    "hexadecimal number": (b"temp\n0x10\n", "must be a number"),
    "number in other digits": ("temp\n١\n".encode(), "must be a number"),
    "the word null": (b"temp\nnull\n", "must be a number"),
    "word for a boolean": (b"temp,rain\n1,yes\n", "must be true or false, not the text 'yes'"),
    "number for a boolean": (b"temp,rain\n1,1\n", "must be true or false"),
    "a day that does not exist": (b"temp,day\n1,2024-02-30\n", "'2024-02-30' is no date"),
    "1e400 for a long": (b"temp,visits\n1,1e400\n", "must be a whole number"),
    "one cell more": (b"temp\n1,2\n", "row 0 has 2 values for 1 columns"),
    "two columns without name": (b"temp,,\n1,2,3\n", "column '' is there twice"),
    "10,000 columns, one value": (
        b"temp," + b",".join(b"c%d" % i for i in range(10_000)) + b"\n1\n",
        "row 0 has 1 values for 10001 columns",
    ),
    "a cell too long": (b'temp\n"' + b"1" * 200_000 + b'"\n', "not CSV"),
    "json": (b'{"columns": ["temp"], "data": [[1]]}', "missing required column"),
}


def check(answer, status, reason):
    """A refusal: right status, JSON in the protocol's shape, short, without trace or path."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    said = answer.json.get("error") or answer.json["message"]
    assert reason in said
    assert len(answer.body) < 300
    for trace in (
        "Traceback",
        "File ",
        "/usr",
        "site-packages",
        ".py",
        "0x",
        "<class",
        "object at",
        "pandas",
    ):
        assert trace not in said.replace("0x10", "")


@pytest.mark.parametrize("name", INVOCATIONS)
def test_a_wrong_body_of_invocations_is_told_why(station, name):
    body, reason = INVOCATIONS[name]
    check(station.ask("/invocations", body), 400, reason)
    assert station.ask("/invocations", GOOD).status == 200


@pytest.mark.parametrize("name", V2)
def test_a_wrong_v2_body_is_told_why(station, name):
    body, reason = V2[name]
    check(station.ask("/v2/models/station/infer", body), 400, reason)
    assert station.ask("/v2/models/station/infer", {"inputs": [TENSOR]}).status == 200


@pytest.mark.parametrize("name", V1)
def test_a_wrong_v1_body_is_told_why(station, name):
    body, reason = V1[name]
    check(station.ask("/v1/models/station:predict", body), 400, reason)
    assert station.ask("/v1/models/station:predict", {"instances": [[12.8]]}).status == 200


@pytest.mark.parametrize("name", CSV)
def test_wrong_csv_is_told_why(station, name):
    body, reason = CSV[name]
    check(station.ask("/invocations", body, "text/csv"), 400, reason)


def test_all_mistakes_on_one_connection_leave_it_good_and_the_log_as_it_was(station):
    before = station.log.read_text()
    connection = http.client.HTTPConnection("127.0.0.1", station.port, timeout=30)
    socket_of = None
    paths = {"/invocations": INVOCATIONS, "/v1/models/station:predict": V1, "/v2/models/station/infer": V2}
    for path, table in paths.items():
        for name, (body, _) in table.items():
            data = body if isinstance(body, bytes) else json.dumps(body)
            for at, sent, status in ((path, data, 400), ("/invocations", json.dumps(GOOD), 200)):
                connection.request("POST", at, sent, {"Content-Type": "application/json"})
                response = connection.getresponse()
                assert (response.status, bool(response.read())) == (status, True), name
            socket_of = socket_of or connection.sock
            assert connection.sock is socket_of, name
    connection.close()
    assert station.log.read_text() == before


@pytest.mark.parametrize(
    "media", [None, "text/plain", "application/xml", "application/json; charset=latin-1", "x"]
)
@pytest.mark.parametrize("path", ["/invocations", "/v2/models/station/infer", "/v1/models/station:predict"])
def test_an_unknown_or_missing_content_type_is_415(station, path, media):
    check(station.ask(path, GOOD, media), 415, "supported" if media else "no Content-Type")


def test_csv_is_not_for_v2(station):
    check(station.ask("/v2/models/station/infer", b"temp\n1\n", "text/csv"), 415, "not supported")


def test_a_compressed_body_is_415(station):
    check(
        station.ask("/invocations", b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
        415,
        "Content-Encoding",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/invocations/",
        "/v2/models/other",
        "/v2/models/other/ready",
        "/v2/models/station/versions/4",
        "/v2/models/station/versions/4/ready",
        "/v1/models/other",
        "/v2/models//ready",
        "/v2/models/a%2Fb",
    ],
)
def test_an_unknown_path_model_or_version_is_404(station, path):
    check(station.ask(path), 404, "")


@pytest.mark.parametrize(
    "path", ["/v2/models/other/infer", "/v2/models/station/versions/9/infer", "/v1/models/x:predict"]
)
def test_a_prediction_of_an_unknown_model_or_version_is_404(station, path):
    check(station.ask(path, {"inputs": [TENSOR]}), 404, "no ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/invocations"),
        ("DELETE", "/v2/models/station"),
        ("GET", "/v2/models/station/infer"),
        ("POST", "/v2/health/live"),
        ("GET", "/v1/models/station:predict"),
        ("PUT", "/v1/models/station:predict"),
    ],
)
def test_a_wrong_method_is_405(station, method, path):
    answer = station.ask(path, method=method)
    check(answer, 405, f"{method} is not for this path")
    assert answer.headers["allow"]


def test_a_body_that_is_too_large_is_413_and_read_to_its_end(station):
    check(station.ask("/invocations", b" " * 3_000_000), 413, "larger than 1000000 bytes")


def test_a_chunked_body_that_becomes_too_large_is_413(station):
    connection = http.client.HTTPConnection("127.0.0.1", station.port, timeout=30)
    chunks = (b"x" * 100_000 for _ in range(30))
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/invocations", chunks, headers, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, json.load(response)["error_code"]) == (413, "REQUEST_TOO_LARGE")
    connection.close()


def test_a_client_that_asks_before_it_sends_too_much_is_told_at_once(station):
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 90000000\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", station.port), timeout=30) as connection:
        connection.sendall(head)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_too_many_objects_are_413(launch, models):
    server = launch(models / "station")
    rows = b'{"dataframe_records": [' + b"{}," * 600_000 + b'{"temp": 1}]}'
    check(server.ask("/invocations", rows), 413, "more than 500000 objects")
    assert server.ask("/invocations", GOOD).status == 200


def test_too_many_rows_are_413(station):
    check(station.ask("/invocations", {"inputs": {"temp": [1.0] * 2001}}), 413, "2001 rows; at most 2000")


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_no_one(station):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", station.port), timeout=30) as connection:
            head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            connection.sendall(head + b'Content-Length: 500\r\n\r\n{"columns"')
    assert station.ask("/invocations", GOOD).status == 200
    assert "Traceback" not in station.log.read_text()


def test_what_is_not_http_is_400(station):
    with socket.create_connection(("127.0.0.1", station.port), timeout=30) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_a_value_error_of_the_model_is_the_requests_fault_and_names_no_path(echo):
    answer = echo.ask("/invocations", {**GOOD, "params": {"do": "refuse"}})
    check(answer, 400, "the model refuses this input: no such day, see (path)")


def test_any_other_error_of_the_model_is_500_without_its_message(echo):
    answer = echo.ask("/invocations", {**GOOD, "params": {"do": "fail"}})
    check(answer, 500, "the model failed: RuntimeError")
    assert b"secret" not in answer.body
    assert "a secret in /etc/passwd" in echo.log.read_text()


def test_an_answer_that_json_cannot_hold_is_500(echo):
    check(
        echo.ask("/invocations", {**GOOD, "params": {"do": "object"}}),
        500,
        "cannot be JSON: Type is not JSON serializable: object",
    )


@pytest.mark.parametrize("value", ["long", [1.0], {"a": 1}, True])
def test_a_parameter_of_the_wrong_type_is_400(echo, value):
    reason = "parameter 'seconds' must be a double"
    check(echo.ask("/invocations", {**GOOD, "params": {"seconds": value}}), 400, reason)
    body = {"inputs": [TENSOR], "parameters": {"seconds": value}}
    check(echo.ask("/v2/models/echo/infer", body), 400, reason)


def test_a_parameter_that_is_null_has_its_default(echo):
    for body in ({**GOOD, "params": {"do": None}}, {**GOOD, "params": None}):
        assert echo.ask("/invocations", body).json == {"predictions": [{"temp": 12.8}]}
    assert echo.ask("/v2/models/echo/infer", {"inputs": [TENSOR], "parameters": {"do": None}}).status == 200


def test_binary_that_is_not_base64_is_400(echo):
    check(echo.ask("/invocations", records(photo="%%%")), 400, "is not base64")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"instances": [[1, 2]]}, "shape [1, 2] does not fit [-1, 3]"),
        ({"instances": [[1, 2, "3"]]}, "must be a number"),
        ({"instances": [[1, 2, 3], [4, 5]]}, "not all of one length"),
        ({"instances": [1, 2, 3]}, "does not fit"),
        ({"instances": []}, "does not fit"),
        ({"columns": ["x", "y"], "data": [[1, 2]]}, "does not fit"),
    ],
)
def test_a_block_that_does_not_fit_is_400(servers, body, reason):
    check(servers["block"].ask("/invocations", body), 400, reason)


@pytest.mark.parametrize(
    "body",
    [
        {"columns": ["temp"], "data": [["x"]]},
        {"instances": [["x", 1]]},
        {"instances": [[1, 2], [3, 4, 5]]},
        {"inputs": {str(i): [1] for i in range(60_000)}},
        {"dataframe_records": [{str(i): 1} for i in range(20_000)]},
    ],
)
def test_a_model_without_signature_refuses_with_400_too(servers, body):
    check(servers["bare"].ask("/invocations", body), 400, "")


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
KEYS = (
    "columns",
    "data",
    "index",
    "params",
    "dataframe_split",
    "dataframe_records",
    "instances",
    "inputs",
    "outputs",
    "id",
    "name",
    "shape",
    "datatype",
    "temp",
    "wind",
    "visits",
    "rain",
    "sky",
    "day",
)
NEARLY = st.recursive(
    VALUE | st.sampled_from(["temp", "FP64", "INT64", "BYTES", [1], ["temp"], [[1.0]], "2024-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
PATHS = ("/invocations", "/v2/models/station/infer", "/v1/models/station:predict")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=NEARLY.map(lambda v: json.dumps(v).encode()) | st.binary(max_size=60), path=st.sampled_from(PATHS)
)
def test_no_body_at_all_makes_the_server_fail(body, path, station):
    answer = station.ask(path, body)
    assert answer.status in (200, 400), (answer.status, answer.body)
    assert isinstance(answer.json, dict)
    assert answer.status == 200 or len(answer.body) < 300


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["temp", "visits", "sky", "day"]),
    shape=st.lists(st.integers(-1, 3), max_size=3),
    datatype=st.sampled_from(["FP64", "FP16", "INT8", "UINT64", "BOOL", "BYTES"]),
    data=st.lists(VALUE, max_size=4),
)
def test_no_tensor_makes_the_server_fail(name, shape, datatype, data, station, echo):
    one = {"name": name, "shape": shape, "datatype": datatype, "data": data}
    for server, model in ((station, "station"), (echo, "echo")):
        answer = server.ask(f"/v2/models/{model}/infer", json.dumps({"inputs": [TENSOR, one]}).encode())
        assert answer.status in (200, 400), (answer.status, answer.body)
        assert isinstance(answer.json, dict)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from('temp,wind\n\r"12.5e-') | st.characters(codec="utf-8"), max_size=60))
def test_no_csv_makes_the_server_fail(text, station):
    answer = station.ask("/invocations", b"temp\n" + text.encode(), "text/csv")
    assert answer.status in (200, 400), (answer.status, answer.body)
    assert isinstance(answer.json, dict)
