"""Pipeline parameters as texts: typed, checked, and everything that is wrong in one message."""

import json
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.sdk import arguments, launch
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.values import ArtifactSpec, Interface, Parameter, ParameterType

TYPES = {
    "text": ParameterType.STRING,
    "whole": ParameterType.INTEGER,
    "ratio": ParameterType.DOUBLE,
    "flag": ParameterType.BOOLEAN,
    "items": ParameterType.LIST,
    "options": ParameterType.STRUCT,
}


def takes(**more: Parameter | ArtifactSpec) -> Interface:
    """Inputs of every type, all optional, and others."""
    plain = {name: Parameter(name, kind, optional=True) for name, kind in TYPES.items()}
    artifacts = {name: each for name, each in more.items() if isinstance(each, ArtifactSpec)}
    return Interface({**plain, **{n: p for n, p in more.items() if isinstance(p, Parameter)}}, artifacts)


def read(name: str, text: str, **more: Parameter | ArtifactSpec):
    return arguments.from_texts(takes(**more), {name: text}).get(name)


def refused(texts: dict[str, str], **more: Parameter | ArtifactSpec) -> str:
    with pytest.raises(UsageError) as caught:
        arguments.from_texts(takes(**more), texts)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "", ""),
        ("text", " a ", " a "),
        ("text", "null", "null"),
        ("text", "5", "5"),
        ("text", "{{workflow.name}} $(x) \x7f\n", "{{workflow.name}} $(x) \x7f\n"),
        ("text", "ünïcödé ☃ \U0001f600", "ünïcödé ☃ \U0001f600"),
        ("whole", "5", 5),
        ("whole", " -5\n", -5),
        ("whole", "+007", 7),
        ("whole", str(2**53 + 1), 2**53 + 1),
        ("whole", "9" * 400, 10**400 - 1),
        ("ratio", "5", 5.0),
        ("ratio", "1e-07", 1e-07),
        ("ratio", ".5", 0.5),
        ("ratio", "-0.0", -0.0),
        ("flag", "true", True),
        ("flag", "True", True),
        ("flag", " FALSE ", False),
        ("items", "[]", []),
        ("items", '[1, 1.0, null, "a", [true]]', [1, 1.0, None, "a", [True]]),
        ("options", '{"a": {"b": 9007199254740993}}', {"a": {"b": 2**53 + 1}}),
        ("whole", "null", None),
        ("ratio", " null ", None),
        ("items", "null", None),
    ],
)
def test_a_text_becomes_a_value_of_the_declared_type(name, text, value):
    assert repr(read(name, text)) == repr(value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("whole", "1_000", "no whole number"),
        ("whole", "1 000", "no whole number"),
        ("whole", "1e3", '"1e3" is no whole number'),
        ("whole", "3.0", "no whole number"),
        ("whole", "", '"" is no whole number'),
        ("whole", "0x10", "no whole number"),
        ("whole", "٣", "no whole number"),
        ("whole", "true", "no whole number"),
        ("whole", "9" * 5000, "no whole number"),
        ("ratio", "much", "no number"),
        ("ratio", "nan", "no number"),
        ("ratio", "-inf", "no number"),
        ("ratio", "Infinity", "no number"),
        ("ratio", "1_0.5", "no number"),
        ("ratio", "1,5", "no number"),
        ("ratio", "1e400", "inf cannot be written as JSON"),
        ("flag", "1", "write true or false"),
        ("flag", "yes", "write true or false"),
        ("flag", "", "write true or false"),
        ("items", "a", '"a" is no JSON list: '),
        ("items", "{}", '"{}" is no JSON list'),
        ("items", "[NaN]", "NaN is no JSON value"),
        ("items", "[-Infinity]", "-Infinity is no JSON value"),
        ("items", "[1e400]", "[0]: inf cannot be written as JSON"),
        ("items", "[" * 100_000, "no JSON list"),
        ("items", '["\\ud800"]', "lone surrogate"),
        ("options", "[]", "no JSON object"),
        ("options", '{"a": 1, "a": 2}', 'the key "a" stands twice'),
        ("options", '{"a": {"b": 1, "b": 1}}', 'the key "b" stands twice'),
        ("options", "{'a': 1}", "no JSON object: "),
        ("text", "\udcff", "lone surrogate"),
        (
            "text",
            "x" * 33 * 1024,
            "more than the 32768 bytes that a parameter can have\n    -> make it an artifact",
        ),
        ("gone", "a", "the pipeline has no such parameter\n    -> known: text, whole"),
        ("txt", "a", "did you mean 'text'?"),
        ("", "a", "the pipeline has no such parameter"),
    ],
)
def test_a_text_that_is_none_of_the_type_is_refused_by_name(name, text, words):
    message = refused({name: text})
    assert message.startswith(f"parameter {name}: ")
    assert words in message
    assert len(message) < 400


def test_all_that_is_wrong_is_in_one_message_and_nothing_twice():
    required = Parameter("needed", ParameterType.STRING)
    texts = {"whole": "a", "flag": "b", "items": "c", "zzz": "d", "text": "fine"}
    with pytest.raises(UsageError) as caught:
        arguments.from_texts(takes(needed=required), texts, [Finding("is wrong already", "--schedule-time")])
    places = [finding.where for finding in caught.value.findings]
    assert places == [
        "--schedule-time",
        *(f"parameter {n}" for n in ("whole", "flag", "items", "zzz", "needed")),
    ]


def test_a_required_value_that_is_wrong_is_not_also_missing():
    message = refused({"needed": "a"}, needed=Parameter("needed", ParameterType.INTEGER))
    assert message == 'parameter needed: "a" is no whole number'


@pytest.mark.parametrize(
    ("declared", "text", "outcome"),
    [
        (Parameter("n", ParameterType.STRING), "", ""),
        (Parameter("n", ParameterType.INTEGER), "null", "a value is required"),
        (Parameter("n", ParameterType.INTEGER, optional=True), "null", None),
        (Parameter("n", ParameterType.INTEGER, has_default=True, default=3), "null", None),
    ],
)
def test_null_is_no_value_and_an_empty_text_is_one(declared, text, outcome):
    if outcome == "a value is required":
        assert outcome in refused({"n": text}, n=declared)
    else:
        assert read("n", text, n=declared) == outcome


@pytest.mark.parametrize(
    ("kind", "literals", "good", "bad"),
    [
        (ParameterType.STRING, ("a", "b"), "a", "c"),
        (ParameterType.INTEGER, (1, 2), "2", "3"),
        (ParameterType.DOUBLE, (1.0, 2.5), "1", "1.5"),
        (ParameterType.BOOLEAN, (True,), "true", "false"),
        (ParameterType.LIST, ([1], [2]), "[1]", "[true]"),
        (ParameterType.LIST, ([1.0],), "[1.0]", "[1]"),
        (ParameterType.STRUCT, ({"a": 1},), '{"a": 1}', '{"a": 2}'),
    ],
)
def test_only_the_literals_of_a_parameter_are_taken(kind, literals, good, bad):
    declared = Parameter("n", kind, literals=literals)
    assert read("n", good, n=declared) == literals[good == "2" or 0]
    assert "is not one of" in refused({"n": bad}, n=declared)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 5),
        ("whole", 5.0),
        ("whole", True),
        ("ratio", "5"),
        ("ratio", False),
        ("flag", 1),
        ("items", {}),
        ("options", []),
    ],
)
def test_typed_values_are_checked_too(name, value):
    with pytest.raises(UsageError, match=f"parameter {name}: "):
        arguments.check(takes(), {name: value})


def test_a_whole_number_for_a_double_is_one():
    assert repr(arguments.check(takes(), {"ratio": 5})) == "{'ratio': 5.0}"
    with pytest.raises(UsageError, match="beyond what a floating-point number can be"):
        arguments.check(takes(), {"ratio": 10**400})


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": "\ud800"}, {1: 2}, (1,), object()])
def test_values_that_are_no_json_are_refused(value):
    name = "items" if isinstance(value, list | tuple) else "ratio" if isinstance(value, float) else "options"
    with pytest.raises(UsageError, match=f"parameter {name}: "):
        arguments.check(takes(), {name: value})


# artifacts


def test_an_artifact_is_an_address_or_a_path_that_holds_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = ArtifactSpec("data")
    assert read("data", "gs://bucket/a", data=data) == "gs://bucket/a"
    assert read("data", "a.csv", data=data) == str(tmp_path / "a.csv")
    assert "is no URI or path" in refused({"data": ""}, data=data)
    assert "parameter data: a value is required" in refused({}, data=data)


def test_a_list_of_artifacts_is_a_json_list_or_one_of_them():
    data = ArtifactSpec("data", is_list=True)
    assert read("data", '["gs://a", "gs://b"]', data=data) == ["gs://a", "gs://b"]
    assert read("data", "gs://a", data=data) == "gs://a"
    assert "5 is no URI or path" in refused({"data": '["gs://a", 5]'}, data=data)
    assert "is no JSON list" in refused({"data": '["gs://a"'}, data=data)


# any value

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    "{}$(\"'\\\n\x7f\U000e0001 w", max_size=20
)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_any_json_value_given_as_text_arrives_with_its_type(value):
    assume(value is not None)
    assume(len(launch.encode(value, limit=None)) <= launch.MAX_BYTES)
    name = {str: "text", int: "whole", float: "ratio", bool: "flag", list: "items", dict: "options"}[
        type(value)
    ]
    text = value if isinstance(value, str) else json.dumps(value)
    assert repr(read(name, text)) == repr(value)


@given(
    st.sampled_from(sorted(TYPES)), st.text(max_size=20) | st.text('0123456789+-.eE_naif[]{}":, ', max_size=8)
)
def test_any_text_gives_a_value_of_the_type_or_an_error_that_names_the_parameter(name, text):
    try:
        value = read(name, text)
    except UsageError as error:
        assert all(finding.where == f"parameter {name}" for finding in error.findings)
    else:
        kinds = {"text": str, "whole": int, "ratio": float, "flag": bool, "items": list, "options": dict}
        assert value is None or type(value) is kinds[name]
        assert launch.decode(launch.encode(value)) == value
