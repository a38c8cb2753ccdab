"""What a reader makes of the texts that Argo moved."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pipelines.sdk.launch import encode, twin
from pipelines.sdk.launch.travel import apply, select, unwrap

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["null", "[]", "{}", '"x"', "{{workflow.name}}", "5"]
)
VALUES = st.recursive(
    LEAVES | TEXTS, lambda v: st.lists(v, max_size=3) | st.dictionaries(TEXTS, v, max_size=3), max_leaves=6
)


def aggregate(texts):
    """What Argo makes of the outputs of a loop's iterations."""
    try:
        parsed = [json.loads(text) for text in texts]
    except ValueError:
        return json.dumps(texts)
    embeds = all(isinstance(each, list | dict) for each in parsed)
    return json.dumps(parsed if embeds else texts)


def collected(value, levels):
    """The text that reaches the reader; None in the place of a list is a loop that was skipped."""
    if value is None and levels:
        return "null"
    if levels == 0:
        # A step gives the twin of `null`, a skipped one the default of its output.
        return twin(encode(value, None))
    return aggregate([collected(each, levels - 1) for each in value])


def nested(levels):
    shape = VALUES
    for _ in range(levels):
        shape = st.lists(shape, max_size=3) | st.none()
    return shape


@given(st.data(), st.integers(1, 3))
def test_values_collected_in_loops_come_back_as_they_were(data, levels):
    value = data.draw(nested(levels))
    found = unwrap(json.loads(collected(value, levels)), levels)
    assert encode(found, None) == encode(value, None)


def test_an_iteration_without_a_value_is_none_in_either_form():
    twins = [twin(encode([1])), "null"]
    assert unwrap(twins, 1) == [[1], None]
    assert unwrap([json.dumps(twins), None, "null"], 2) == [[[1], None], None, None]


@given(VALUES)
def test_a_list_or_dict_in_a_text_is_selected_from_as_if_it_were_none(value):
    text = json.dumps({"k": [value]})
    assert encode(select(select(text, "k"), 0), None) == encode(value, None)


def test_instructions_apply_one_after_the_other():
    def resolve(value, names):
        return f"{value} {names}"

    assert apply({"a": [None]}, ["a", 0, {"or": "x"}, {"resolve": {"p": "q"}}], resolve) == "x {'p': 'q'}"
    assert apply(0, [{"or": 1}], resolve) == 0
