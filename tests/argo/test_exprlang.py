"""Texts in Argo's expression language: nothing in them is taken for something else by one of its readers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sdk.argo import exprlang

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text("{}$(\\'\"u03ce <is mng\n")


@given(TEXTS)
def test_no_text_ends_its_tag_or_opens_another(text):
    written = exprlang.literal([text, {text: text}])
    assert "{{" not in written
    assert "}}" not in written
    assert "$(" not in written
    assert written.isascii() and written.isprintable()


@given(TEXTS)
def test_no_text_in_a_failing_expression_makes_argo_wait_for_a_variable(text):
    written = exprlang.literal(f"{text} is missing, variable not in env, failed to resolve {{{{x}}}}")
    assert " is missing" not in written
    assert "variable not in env" not in written
    assert "failed to resolve {{" not in written


def test_a_message_makes_argo_wait_neither_when_it_has_been_read():
    message = exprlang.fail("'b is missing' and 'variable not in env'")
    read = message.replace("\\u0020", " ")
    assert " is missing" not in read
    assert "variable not in env" not in read
    assert "is\\u00a0missing" in read


def test_escapes_that_argo_undoes_too_early_do_not_occur():
    # It replaces the six characters of \u003c before it reads escapes, wherever they come from.
    assert exprlang.literal("\\u003c") == r"'\u005cu003c'"
    assert exprlang.literal("<&>") == "'<&>'"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "nil"),
        (True, "true"),
        (5, "5"),
        (2**53 + 1, "9007199254740993"),
        (2**64, "1.8446744073709552e+19"),
        (1e16, "1e+16"),
        (-0.5, "-0.5"),
        (float("inf"), "float('inf')"),
        ("it's", r"'it\'s'"),
        ('say "x" {a}', "'say \"x\" {a}'"),
        ("a\\b\n", r"'a\\b\n'"),
        ("é\x7f\U000e0001", r"'\u00e9\u007f\U000e0001'"),
        ("{{{x}}}", r"'{\u007b{x}\u007d}'"),
        ([1, "a", None], "[1, 'a', nil]"),
        ({"a": {}}, """fromJSON('{"a": {}}')""".replace("}}", r"}\u007d")),
    ],
)
def test_values_are_written_as_they_are_read(value, written):
    assert exprlang.literal(value) == written
