import json
import math
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.sdk.launch import MAX_BYTES, WireError, decode, encode, twin, untwin

NASTY = [
    "{{",
    "{{{",
    "}}",
    "$(",
    "$((",
    "{{workflow.name}}",
    "$(HOME)",
    '"',
    "\\",
    "\n",
    "\x7f",
    "\U000e0001",
    "\x00",
    "é",
]

texts = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=3)), max_size=6).map("".join),
    st.text(alphabet='{}$()\\"u07b24', max_size=12),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def same(a, b):
    """Equal in value and type, down to the sign of zero."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b and (not isinstance(a, float) or math.copysign(1, a) == math.copysign(1, b))


@given(values)
@example({"a": {"b": {"c": [[{}], {"d": {}}]}}})
@example([{"{{": {"$(": "{{{{ $$( }}"}}])
@example([2**53 + 1, 1.0, -0.0, 1e308, 5e-324, 10**400, "1.0", True, None])
@example("\\{{ \\$( \\\\{{{ {{workflow.name}} $(HOME)")
def test_every_json_value_comes_back_with_its_type_and_nothing_in_the_text_is_evaluated(value):
    text = encode(value, limit=None)
    assert text.isascii()
    assert "{{" not in text
    assert "$(" not in text
    assert same(decode(text), value)


@given(values)
def test_the_text_is_plain_json_for_any_reader(value):
    assert same(json.loads(encode(value, limit=None)), value)


@given(values, st.integers(min_value=1, max_value=3))
def test_a_twin_of_a_twin_comes_back_and_holds_nothing_that_is_evaluated(value, levels):
    text = wrapped = encode(value, limit=None)
    for _ in range(levels):
        wrapped = twin(wrapped)
        assert isinstance(json.loads(wrapped), str)
        assert "{{" not in wrapped
        assert "$(" not in wrapped
    for _ in range(levels):
        wrapped = untwin(wrapped)
    assert wrapped == text


@given(st.text(alphabet=st.characters(codec=None, categories=["L", "Cs"]), min_size=1))
def test_a_text_travels_exactly_if_it_is_unicode(text):
    if any("\ud800" <= character <= "\udfff" for character in text):
        with pytest.raises(WireError, match="lone surrogate"):
            encode(text)
    else:
        assert decode(encode(text)) == text


def test_the_text_is_compact():
    assert encode({"a": [1, 2.5, None, True], "b": "x"}) == '{"a":[1,2.5,null,true],"b":"x"}'


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [0, 1, 2, math.nan]}, "['a'][3]: nan cannot"),
        ([math.inf], "[0]: inf cannot"),
        (-math.inf, "-inf cannot"),
        ({"a": {"b": "x\ud800y"}}, "['a']['b']: the text 'x\\ud800y' has a lone surrogate at character 1"),
        ({"\udfff": 1}, "the text '\\udfff' has a lone surrogate"),
        ([{"k\ud83d": 1}], "[0]: the text"),
        ("\ud83d\ude00", "lone surrogate at character 0"),  # two halves are no character either
        ({"a": {1: 2}}, "['a']: the key 1 is not a string"),
        ({None: 2}, "the key None is not a string"),
        ([(1, 2)], "[0]: (1, 2) is a tuple"),
        ({"a": b"x"}, "['a']: b'x' is a bytes"),
        ([{1}], "[0]: {1} is a set"),
        (1j, "1j is a complex"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(value, words):
    with pytest.raises(WireError) as caught:
        encode(value)
    assert words in str(caught.value)


def test_an_integer_of_thousands_of_digits_is_refused():
    with pytest.raises(WireError, match="cannot be written"):
        encode(10**5000)


def test_a_value_that_contains_itself_or_is_endlessly_deep_is_refused():
    loop: list = []
    loop.append(loop)
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(WireError, match="nested too deeply"):
            encode(value)
    with pytest.raises(WireError, match="nested too deeply"):
        decode("[" * 100_000 + "]" * 100_000)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '{"a":-Infinity}', "1e999", "", "{", "'a'", "[1,]", "nul", "1 2"]
)
def test_text_that_is_no_strict_json_is_refused(text):
    with pytest.raises(WireError):
        decode(text)


def test_a_lone_surrogate_is_refused_on_arrival_too():
    with pytest.raises(WireError, match=r"\['a'\].*lone surrogate"):
        decode('{"a":"\\ud800"}')


def test_the_longest_value_passes_and_one_byte_more_does_not():
    longest = "x" * (MAX_BYTES - 2)
    assert len(encode(longest)) == MAX_BYTES == 32 * 1024
    with pytest.raises(WireError) as caught:
        encode(longest + "x")
    assert str(MAX_BYTES + 1) in str(caught.value)
    assert str(MAX_BYTES) in str(caught.value)
    assert "make it an artifact" in str(caught.value)
    assert decode(encode(longest + "x", limit=None)) == longest + "x"


def test_the_limit_counts_the_escaped_text():
    with pytest.raises(WireError):
        encode("é" * (MAX_BYTES // 5))


@pytest.mark.parametrize("text", ["[1]", "1", "null", "x"])
def test_what_is_no_twin_is_refused(text):
    with pytest.raises(WireError):
        untwin(text)


def test_printable_ascii_without_braces_is_written_as_it_is():
    plain = string.ascii_letters + string.digits + " ./:-_{}$()"
    assert encode(plain.replace("$(", "")) == f'"{plain.replace("$(", "")}"'
