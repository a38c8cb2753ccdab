"""The page for people: nothing in a model's names breaks it, nothing is loaded, and its requests work."""

import base64
import dataclasses
import hashlib
import html.parser
import json
import re

import mlflow
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from pipelines.sdk.serving.models.served import load
from pipelines.sdk.serving.page.document import render
from pipelines.sdk.serving.page.examples import examples, laid_out
from pipelines.sdk.serving.protocols import invocations, v2
from pipelines.sdk.serving.protocols.columns import Column, Kind
from pipelines.sdk.serving.protocols.table import Query, Signature
from pipelines.sdk.serving.protocols.tensors import Tensor
from pipelines.sdk.serving.protocols.v2 import inputs_metadata

HOSTILE = "</script><script>alert(1)</script><!--\"'&$name<b>"
DECODERS = {
    "invocations": invocations.from_json,
    "v1": invocations.from_v1,
    "v2": lambda body, signature: v2.decode(body, signature).query,
}


@pytest.fixture(scope="module")
def served(models):
    """A model of any signature."""
    loaded = load(str(models / "block"), "m", "3")
    outputs = [{"name": "predictions", "datatype": "FP64", "shape": [-1]}]

    def made(signature):
        metadata = {"inputs": inputs_metadata(signature), "outputs": outputs}
        return dataclasses.replace(loaded, signature=signature, metadata=metadata)

    return made


def columns(*kinds, required=True):
    return Signature(columns=tuple(Column(f"c{i}", kind, required) for i, kind in enumerate(kinds)))


class Reader(html.parser.HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.addresses, self._open = [], {}, [], []
        self.feed(page.html.decode())
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self._open.append(f"{tag}#{given['id']}" if "id" in given else tag)
        self.tags.append(tag)
        self.addresses += [given[key] for key in ("href", "src", "action") if key in given]
        assert not [key for key in given if key.startswith("on") or key == "style"]

    def handle_endtag(self, tag):
        while self._open and self._open.pop().partition("#")[0] != tag:
            pass

    def handle_data(self, data):
        if self._open:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data


@pytest.mark.parametrize("name", ["station", "echo", "block", "bare"])
def test_every_request_that_the_page_begins_with_is_answered(models, name):
    model = load(str(models / name), name, "3")
    example = mlflow.pyfunc.load_model(str(models / name)).input_example
    _, offered = examples(model, example)
    if name == "bare":  # without signature nobody knows what it takes
        assert offered
        return
    assert [each.protocol for each in offered] == ["invocations", "v2", "v1"]
    answers = []
    for each in offered:
        query: Query = DECODERS[each.protocol](each.body.encode(), model.signature)
        answers.append(np.asarray(model.predict(query.data, query.params)).tolist())
    assert answers[1:] == answers[:1] * 2


def test_the_models_own_example_is_preferred(models):
    model = load(str(models / "station"), "station")
    example = mlflow.pyfunc.load_model(str(models / "station")).input_example
    hint, (first, *_) = examples(model, example)
    assert json.loads(first.body) == {"dataframe_records": example.to_dict("records")}
    assert "own example" in hint


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OTHER])
def test_columns_of_every_type_get_an_example_in_every_protocol(served, kind, required):
    _, offered = examples(served(columns(kind, kind, required=required)))
    assert [each.protocol for each in offered] == ["invocations", "v2", "v1"]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i1", "u8", "u1", "?", "O", "<U5"])
def test_arrays_of_every_type_get_an_example_in_every_protocol(served, dtype, named):
    tensors = (Tensor("a" if named else "", np.dtype(dtype), (-1, 2, 3)),)
    if named:
        tensors = (*tensors, Tensor("b", np.dtype(dtype), (-1,)))
    signature = Signature(tensors=tensors)
    _, offered = examples(served(signature))
    assert {"invocations", "v2"} <= {each.protocol for each in offered}
    for each in offered:
        DECODERS[each.protocol](each.body.encode(), signature)


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (pd.DataFrame({"c0": [1.5, 2, 3]}), {"dataframe_records": [{"c0": 1.5}, {"c0": 2.0}]}),
        (
            pd.DataFrame({"c0": [1.5], "c1": [np.nan], "c2": [pd.Timestamp("2026-01-31")]}),
            {"dataframe_records": [{"c0": 1.5, "c2": "2026-01-31T00:00:00"}]},
        ),
        ({"c0": 1.5}, {"dataframe_records": [{"c0": 1.5}]}),
        ([{"c0": 1.5}, {"c0": 2}, {"c0": 3}], {"dataframe_records": [{"c0": 1.5}, {"c0": 2}]}),
        (np.array([[1.5], [2], [3]]), {"inputs": [[1.5], [2.0]]}),
        ("a text", {"dataframe_records": [{"c0": 0.5}]}),
        ([object()], {"dataframe_records": [{"c0": 0.5}]}),
    ],
)
def test_input_examples_of_every_form_become_a_request(served, example, expected):
    _, offered = examples(served(columns(Kind.DOUBLE)), example)
    assert json.loads(offered[0].body) == expected


@pytest.mark.parametrize("signature", [Signature(), Signature(raw=True), columns(Kind.DOUBLE)])
@pytest.mark.parametrize(
    "example",
    [
        [[1, [2]], [3, [4, 5]]],
        [[[1]], [2]],
        [[1], 2],
        [None],
        [[]],
        [{}],
        [{1: {2: [3]}}],
        {},
        {"a": np.array(3), "b": [1]},
        {"a": np.zeros((0, 3))},
        np.zeros((0, 3)),
        np.array(3.5),
        np.array([b"\xff"], dtype=object),
        np.array(["2026-01-31"], dtype="datetime64[D]"),
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
        pd.DataFrame({0: [1j], "o": [object()]}),
        pd.DataFrame({"l": [[1, [2]]], "d": [{"x": np.float32(1)}], "t": [pd.NaT], "n": [np.nan]}),
        pd.Series([1, 2]),
        csr_matrix(np.eye(3)),
        float("nan"),
        "\ud800",
        ["\ud800"],
        lambda: None,
    ],
    ids=lambda example: type(example).__name__,
)
@pytest.mark.filterwarnings("ignore:DataFrame columns are not unique")
def test_no_example_is_too_odd_for_a_page(served, signature, example):
    model = served(signature)
    read = Reader(render(model, example))
    for offered in json.loads(read.texts["script#examples"]).values():
        json.loads(offered["body"])


def test_named_arrays_of_an_example_keep_their_names(served):
    signature = Signature(tensors=(Tensor("a", np.dtype("f8"), (-1, 2)), Tensor("b", np.dtype("i8"), (-1,))))
    example = {"a": np.arange(10.0).reshape(5, 2), "b": np.arange(5)}
    _, offered = examples(served(signature), example)
    assert json.loads(offered[0].body) == {"inputs": {"a": [[0.0, 1.0], [2.0, 3.0]], "b": [0, 1]}}
    assert [each.protocol for each in offered] == ["invocations", "v2", "v1"]


def test_a_picture_that_is_too_large_to_edit_is_not_shown(served):
    signature = Signature(tensors=(Tensor("", np.dtype("f4"), (-1, 224, 224, 3)),))
    model = served(signature)
    for example in (None, np.zeros((4, 224, 224, 3))):
        hint, offered = examples(model, example)
        assert "too long" in hint
        assert len(render(model, example).html) < 30_000
        assert json.loads(offered[0].body) == {"inputs": []}


def test_a_protocol_that_cannot_carry_the_model_is_not_offered(served):
    _, offered = examples(served(Signature(raw=True)), [{"question": "why?"}])
    assert [each.protocol for each in offered] == ["invocations", "v1"]
    _, offered = examples(served(columns(Kind.OTHER)), [{"c0": {"deep": 1}}])
    assert [each.protocol for each in offered] == ["invocations", "v1"]


@pytest.mark.parametrize("where", ["name", "version", "model_id", "run_id", "column", "value"])
def test_nothing_that_a_model_says_becomes_markup(served, where):
    signature = Signature(columns=(Column(HOSTILE if where == "column" else "c0", Kind.STRING),))
    harmless = model = dataclasses.replace(served(signature), run_id="run")
    if where in ("name", "version", "model_id", "run_id"):
        model = dataclasses.replace(model, **{where: HOSTILE})
    example = [{"c0": HOSTILE}] if where == "value" else None
    page, plain = Reader(render(model, example)), Reader(render(harmless))
    assert page.tags == plain.tags
    assert page.texts["script"] == plain.texts["script"]
    offered = json.loads(page.texts["script#examples"])
    assert set(offered) == {"invocations", "v2", "v1"}
    if where in ("column", "value"):
        assert (
            HOSTILE
            in json.loads(offered["invocations"]["body"])["dataframe_records"][0]
            .items()
            .__iter__()
            .__next__()
        )
    if where == "name":
        assert page.texts["h1"] == HOSTILE
    elif where != "value":
        assert HOSTILE in " ".join(page.texts.values())


def test_the_page_loads_nothing_and_allows_its_own_script_and_style_alone(served):
    page = render(served(columns(Kind.DOUBLE)))
    read = Reader(page)
    assert all(not re.match(r"[a-z]+:|/", each) for each in read.addresses if each != "data:,")
    assert read.tags.count("script") == 2
    assert not {"img", "iframe", "object", "embed", "base"} & set(read.tags)
    assert "url(" not in read.texts["style"] and "@import" not in read.texts["style"]
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        digest = base64.b64encode(hashlib.sha256(read.texts[tag].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}';" in page.policy
    assert page.policy.startswith("default-src 'none';")
    assert "unsafe" not in page.policy


def test_every_field_has_a_label_and_answers_are_announced(served):
    text = render(served(columns(Kind.DOUBLE))).html.decode()
    for box in re.findall(r"<(?:textarea|input|select)[^>]*>", text):
        name = re.search(r'id="(\w+)"', box)
        assert (name and f'<label for="{name[1]}"' in text) or f"<label>{box}" in text
    assert 'role="status" aria-live="polite"' in text
    assert '<html lang="en">' in text


def test_the_signature_is_a_table_that_says_what_is_needed(served):
    signature = Signature(columns=(Column("temp", Kind.DOUBLE), Column("visits", Kind.LONG, False)))
    text = render(served(signature)).html.decode()
    assert '<th scope="row">temp</th><td>double</td><td>FP64</td><td>required</td>' in text
    assert '<th scope="row">visits</th><td>long</td><td>INT64</td><td class="optional">optional</td>' in text
    arrays = render(served(Signature(tensors=(Tensor("", np.dtype("f4"), (-1, 28, 28)),)))).html.decode()
    assert '<th scope="row">input</th><td>array</td><td>FP32</td><td>any × 28 × 28</td>' in arrays


def test_the_server_shows_it_with_its_policy(station):
    answer = station.ask("/")
    model = load(str(station.model), "station", "3")
    page = render(model, model.example)
    assert (answer.status, answer.body) == (200, page.html)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == page.policy


def test_its_links_lead_somewhere(station):
    links = [
        each for each in Reader(render(load(str(station.model), "station", "3"))).addresses if ":" not in each
    ]
    assert len(links) == 4
    assert [station.ask(f"/{link}").status for link in links] == [200] * 4


@pytest.mark.parametrize("value", [{}, [], {"a": [1] * 50}, [{"b": ["x" * 60, {"c": None}]}] * 3, 1.5, "ä"])
def test_laying_out_changes_nothing_but_white_space(value):
    text = laid_out(value)
    assert json.loads(text) == value
    assert text == "\n".join(line.rstrip() for line in text.splitlines())
