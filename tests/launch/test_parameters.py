import math

import pytest

from pipelines.sdk.launch.errors import LaunchError
from pipelines.sdk.launch.parameters import coerce, parse
from tests.launch.test_wire import same


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("", "STRING", ""),
        (" 1 ", "STRING", " 1 "),
        (3, "STRING", "3"),
        (1.0, "STRING", "1.0"),
        (True, "STRING", "true"),
        ([1, "a"], "STRING", '[1, "a"]'),
        ({"a": None}, "STRING", '{"a": null}'),
        (3, "NUMBER_INTEGER", 3),
        (3.0, "NUMBER_INTEGER", 3),
        (-0.0, "NUMBER_INTEGER", 0),
        (2**53 + 1, "NUMBER_INTEGER", 2**53 + 1),
        (3, "NUMBER_DOUBLE", 3.0),
        (3.5, "NUMBER_DOUBLE", 3.5),
        (False, "BOOLEAN", False),
        ([1, 1.0], "LIST", [1, 1.0]),
        ({"a": 1.0}, "STRUCT", {"a": 1.0}),
        ({"state": "SUCCEEDED"}, "TASK_FINAL_STATUS", {"state": "SUCCEEDED"}),
        ({}, "TASK_CONFIG", {}),
    ],
)
def test_a_value_takes_the_declared_type(value, kind, expected):
    assert same(coerce(value, kind), expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3.5, "NUMBER_INTEGER"),
        (math.nan, "NUMBER_INTEGER"),
        (math.inf, "NUMBER_INTEGER"),
        ("3", "NUMBER_INTEGER"),
        (True, "NUMBER_INTEGER"),
        ([3], "NUMBER_INTEGER"),
        ("x", "NUMBER_DOUBLE"),
        (True, "NUMBER_DOUBLE"),
        (10**400, "NUMBER_DOUBLE"),
        (1, "BOOLEAN"),
        ("true", "BOOLEAN"),
        ({}, "LIST"),
        ("[]", "LIST"),
        ([], "STRUCT"),
        ([], "TASK_FINAL_STATUS"),
    ],
)
def test_a_value_of_another_type_is_refused_by_value_and_type(value, kind):
    with pytest.raises(LaunchError) as caught:
        coerce(value, kind)
    assert kind in str(caught.value)
    assert repr(value)[:40] in str(caught.value)


def test_a_long_value_is_shortened_in_the_message():
    with pytest.raises(LaunchError) as caught:
        coerce("x" * 10_000, "NUMBER_DOUBLE")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (" a\r\n", "STRING", " a\r\n"),
        ("", "STRING", ""),
        (" 42\n", "NUMBER_INTEGER", 42),
        ("+7", "NUMBER_INTEGER", 7),
        ("9007199254740993", "NUMBER_INTEGER", 2**53 + 1),
        ("3.0", "NUMBER_INTEGER", 3),
        ("1e3\n", "NUMBER_DOUBLE", 1000.0),
        (".5", "NUMBER_DOUBLE", 0.5),
        ("2", "NUMBER_DOUBLE", 2.0),
        ("\t-0.0\n", "NUMBER_DOUBLE", -0.0),
        ('[1, 1.0, "a"]\n', "LIST", [1, 1.0, "a"]),
        ('{"a": {"b": null}}', "STRUCT", {"a": {"b": None}}),
    ],
)
def test_the_text_of_a_file_is_read_by_its_type(text, kind, expected):
    assert same(parse(text, kind), expected)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(["1", "t", "T", "TRUE", "true", "True"], True), (["0", "f", "F", "FALSE", "false", "False"], False)],
)
def test_a_boolean_file_may_hold_what_go_takes_for_one(texts, expected):
    assert [parse(f" {text}\n", "BOOLEAN") for text in texts] == [expected] * len(texts)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "NUMBER_INTEGER"),
        ("1_000", "NUMBER_INTEGER"),
        ("٣", "NUMBER_INTEGER"),
        ("3.5", "NUMBER_INTEGER"),
        ("nan", "NUMBER_INTEGER"),
        ("0x10", "NUMBER_INTEGER"),
        ("one", "NUMBER_DOUBLE"),
        ("1_0.5", "NUMBER_DOUBLE"),
        ("1 2", "NUMBER_DOUBLE"),
        ("yes", "BOOLEAN"),
        ("tRUE", "BOOLEAN"),
        ("", "BOOLEAN"),
        ("{}", "LIST"),
        ("[1", "LIST"),
        ("[]", "STRUCT"),
        ("", "STRUCT"),
        ("[" * 100_000, "LIST"),
    ],
)
def test_a_text_that_is_not_of_its_type_is_refused(text, kind):
    with pytest.raises(LaunchError, match=kind):
        parse(text, kind)
