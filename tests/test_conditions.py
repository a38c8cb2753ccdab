"""The condition grammar: what KFP's compiler writes is read as its author meant it."""

import math
import operator
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp import dsl
from kfp.compiler.pipeline_spec_builder import _binary_operations_to_cel_conjunctive as written_by_kfp
from kfp.dsl.pipeline_channel import PipelineParameterChannel

from pipelines.sdk.conditions import (
    And,
    Comparison,
    Conversion,
    Input,
    Kind,
    Literal,
    Not,
    Or,
    evaluate,
    inputs,
    parse,
)
from pipelines.sdk.errors import BadPipeline, RunFailed

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
X = "inputs.parameter_values['x']"
Y = "inputs.parameter_values['y']"


def holds(text, **values):
    return evaluate(parse(text), values)


# the tree


def test_a_comparison_of_an_input_with_a_text():
    assert parse(f"{X} == 'heads'") == Comparison("==", Input("x"), Literal("heads"))


def test_an_else_after_two_branches_is_a_conjunction_of_negations():
    text = f"!({X} == 'heads') && !(int({Y}) < 5000)"
    assert parse(text) == And(
        (
            Not(Comparison("==", Input("x"), Literal("heads"))),
            Not(Comparison("<", Conversion(Kind.INTEGER, Input("y")), Literal(5000))),
        )
    )


def test_and_binds_closer_than_or_and_parentheses_change_that():
    a, b, c = (Comparison("==", Input("x"), Literal(n)) for n in (1, 2, 3))
    assert parse(f"{X} == 1 || {X} == 2 && {X} == 3") == Or((a, And((b, c))))
    assert parse(f"({X} == 1 || {X} == 2) && {X} == 3") == And((Or((a, b)), c))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("-3", -3),
        ("1e+300", 1e300),
        ("-1e-07", -1e-07),
        ("1152921504606846977", 1152921504606846977),
        ("inf", math.inf),
        ("-inf", -math.inf),
        ("true", True),
        ("false", False),
        ("null", None),
        ("''", ""),
        ("'a\nb'", "a\nb"),
        (r"'a\nb'", r"a\nb"),
        ("""'say "hi" && go'""", 'say "hi" && go'),
        (r'"it\'s \"so\""'.replace(r"\'", "'"), 'it\'s "so"'),
        ("'é ☃'", "é ☃"),
    ],
)
def test_literals_keep_value_and_type(written, value):
    literal = parse(f"{X} == {written}").right.value
    assert (literal, type(literal)) == (value, type(value))


def test_a_double_literal_is_not_an_integer():
    assert isinstance(parse(f"{X} == 3.0").right.value, float)


def test_a_reference_in_quotes_is_the_text_of_the_input():
    assert parse(f"'int({X})' == {Y}") == Comparison("==", Conversion(Kind.TEXT, Input("x")), Input("y"))


def test_white_space_and_newlines_between_tokens_mean_nothing():
    assert parse(f"\n !(\n{X}==\n3 )\n&&{Y}>=2\n") == parse(f"!({X} == 3) && {Y} >= 2")


def test_inputs_are_named_once_in_the_order_of_the_text():
    assert inputs(parse(f"!(int({Y}) > 1) && {X} == 'a' && 'double({Y})' == {X}")) == ("y", "x")


def test_a_condition_of_ten_thousand_comparisons_is_read():
    text = " && ".join(f"!({X} == '{n}')" for n in range(10_000))
    assert holds(text, x="none of them")
    assert not holds(text, x="9999")


# quotes, which KFP does not escape


@pytest.mark.parametrize(
    "author_text", ["it's", "'", "''", "'quoted'", "o'clock (ten')", "a' == 'b", "x') && y", "!('", "a' && b"]
)
@pytest.mark.parametrize(
    "frame", ["{}", "!({})", "!({}) && " + Y + " == 'z'", "!(" + Y + " == 'z\\'') && {}"]
)
def test_a_quote_in_a_text_is_read_where_only_one_quote_can_close_it(author_text, frame):
    condition = parse(frame.format(f"{X} == '{author_text}'"))
    assert evaluate(condition, {"x": author_text, "y": "z"}) == (not frame.startswith("!({}"))
    assert evaluate(condition, {"x": author_text + "?", "y": "z"}) == frame.startswith("!({}")


def test_a_text_that_can_be_read_in_two_ways_is_refused_with_its_column():
    with pytest.raises(
        BadPipeline, match=r"column 33: expected one quote that can close this text"
    ) as caught:
        parse(f"{X} == 'a' && 'b' == 'b'")
    assert f"{X} == 'a' && 'b' == 'b'" in str(caught.value)


# what is no condition


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        (X, 29),
        (f"{X} == ", 33),
        (f"{X} = 3", 30),
        (f"{X} == 3 4", 35),
        (f"{X} == 3a", 33),
        (f"{X} == 'open", 33),
        (f"{X} == 1 && ", 38),
        (f"({X} == 1", 35),
        (f"!{X} == 1", 2),
        (f"{X} in [1]", 30),
        (f"size({X}) == 1", 1),
        (f"{X}.a == 1", 29),
        (f"{X} == 1 ? true : false", 35),
        ("inputs.artifacts['m'].metadata['auc'] > 0.9", 1),
        (f"{X} == {'9' * 5000}", 33),
        (f'{X} == "\\q"', 33),
    ],
)
def test_unknown_syntax_is_an_error_with_text_and_column(text, column):
    with pytest.raises(BadPipeline) as caught:
        parse(text)
    assert f"column {column}:" in str(caught.value)
    assert f"condition `{text}`" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["(" * 5000 + f"{X} == 1" + ")" * 5000, "int(" * 5000 + X + ")" * 5000 + " == 1"]
)
def test_endless_nesting_is_an_error_and_no_crash(text):
    with pytest.raises(BadPipeline, match="in each other"):
        parse(text)


# the author's meaning


def test_int_and_double_are_no_truncation():
    assert holds(f"double(int({X})) > 0.05", x=0.1)
    assert not holds(f"int({X}) == 2", x=2.5)


def test_a_text_in_int_or_double_is_read_as_a_number():
    assert holds(f"int({X}) == 5", x="5")
    assert holds(f"double({X}) == 0.5", x="0.5")


def test_whole_numbers_beyond_two_to_the_53_are_exact():
    assert not holds(f"double(int({X})) == {float(2**53)!r}", x=2**53 + 1)
    assert holds(f"int({X}) == {2**53 + 1}", x=2**53 + 1)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("== '5'", 5, True),
        ("== '5'", 6, False),
        ("!= '5'", 6, True),
        ("== '5.0'", 5, True),
        ("== '05'", 5, False),
        ("< '10'", 9, True),
        ("== 'true'", True, True),
        ("== 'True'", True, True),
        ("== 'true'", False, False),
        ("== 'false'", False, True),
        ("!= 'yes'", True, True),
        ("== 'yes'", True, False),
        ("== 'five'", 5, False),
        ("== '0.1'", 0.1, True),
        ("== ''", 0, False),
    ],
)
def test_numbers_and_booleans_equal_the_text_kfp_writes_for_them(text, value, expected):
    assert holds(f"{X} {text}", x=value) is expected


def test_a_quoted_input_is_compared_as_text():
    assert holds(f"'int({X})' == {Y}", x=5, y="5")
    assert holds(f"'int({X})' < {Y}", x=10, y="9"), "text order: '10' before '9'"
    assert holds(f"'{X}' == {Y}", x=0.5, y="0.5")
    assert holds(f"'{X}' == {Y}", x=True, y="true")
    assert holds(f"'{X}' == 'True'", x=True)
    assert not holds(f"'{X}' == 'True'", x=False)


def test_a_field_of_a_loop_item_that_kfp_takes_for_a_number_may_be_text():
    assert holds(f"'int({X})' == 'heads'", x="heads")


def test_null_equals_null_and_nothing_else():
    assert holds(f"{X} == null", x=None)
    assert holds(f"{X} == null")
    assert holds(f"{X} == {Y}")
    assert holds(f"int({X}) != 3")
    assert holds(f"'{X}' != 'a'")
    assert not holds(f"{X} != null")
    for other in ("", 0, False, [], {}, "null"):
        assert not holds(f"{X} == null", x=other)
        assert holds(f"{X} != {Y}", x=other)


def test_an_order_with_null_is_an_error_that_names_the_input():
    with pytest.raises(RunFailed, match=r"input 'x' \(null\) < number '3' has no answer"):
        holds(f"int({X}) < 3")


@pytest.mark.parametrize(
    ("text", "values", "named"),
    [
        (f"{X} == 1", {"x": True}, ("boolean", "number")),
        (f"{X} == true", {"x": 1}, ("number", "boolean")),
        (f"{X} == 'a'", {"x": ["a"]}, ("list", "text")),
        (f"{X} != 3", {"x": {"a": 3}}, ("struct", "number")),
        (f"{X} == {Y}", {"x": [1], "y": [1]}, ("list", "list")),
        (f"{X} < 'ten'", {"x": 9}, ("number", "text")),
        (f"{X} < {Y}", {"x": True, "y": "a"}, ("boolean", "text")),
        (f"int({X}) == 3", {"x": True}, ("boolean", "whole number")),
        (f"int({X}) == 3", {"x": "three"}, ("text", "whole number")),
        (f"double({X}) == 3.0", {"x": [3.0]}, ("list", "number")),
    ],
)
def test_types_that_do_not_mix_are_an_error_that_names_both(text, values, named):
    with pytest.raises(RunFailed) as caught:
        holds(text, **values)
    assert "input 'x'" in str(caught.value)
    for name in named:
        assert name in str(caught.value)


def test_what_is_not_needed_for_the_answer_is_not_evaluated():
    assert not holds(f"{X} == 1 && {Y} < 3", x=2)
    assert holds(f"{X} == 1 || {Y} < 3", x=1)


def test_not_a_number_is_unequal_to_itself_and_has_no_order():
    nan = float("nan")
    assert not holds(f"{X} == nan", x=nan)
    assert holds(f"!({X} < 1.0) && !({X} >= 1.0)", x=nan)


# against KFP's compiler


def channel(name, kind):
    return PipelineParameterChannel(name, channel_type=kind, task_name=None)


def names(values):
    return {f"pipelinechannel--{name}": value for name, value in values.items()}


def test_kfp_inverts_a_boolean_compared_with_an_integer():
    """`flag == 1` is compiled to `flag == false`, as `flag == False` is: nothing in IR tells them apart."""
    text = written_by_kfp([channel("flag", "Boolean") == 1])
    assert text == "inputs.parameter_values['pipelinechannel--flag'] == false"
    assert evaluate(parse(text), names({"flag": True})) is False


INTEGERS = st.integers() | st.integers(-3, 3)
DOUBLES = st.floats() | st.sampled_from([-1.0, 0.0, 1.0, 0.5, math.inf])
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.text("ab'\"&|!() =\n", max_size=12)
KINDS = {"Integer": INTEGERS, "Float": DOUBLES, "String": TEXTS, "Boolean": st.booleans()}


@st.composite
def comparisons(draw, number):
    """A comparison as an author can write it: KFP's text, and what it means in Python for drawn values."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    other = draw(st.sampled_from(["Integer", "Float"])) if kind in ("Integer", "Float") else kind
    sign = draw(st.sampled_from(sorted(OPERATORS)))
    left = draw(KINDS[kind])
    right = draw(st.just(left) | KINDS[other]) if kind == other else draw(KINDS[other])
    values = {f"l{number}": left}
    operand = right
    if draw(st.booleans()):
        values[f"r{number}"], operand = right, channel(f"r{number}", other)
    return OPERATORS[sign](channel(f"l{number}", kind), operand), values, OPERATORS[sign](left, right)


@st.composite
def chains(draw):
    return [draw(comparisons(number)) for number in range(draw(st.integers(1, 4)))]


@settings(max_examples=600, deadline=None)
@given(chains())
def test_if_elif_else_mean_what_python_means(chain):
    values = names({name: value for _, some, _ in chain for name, value in some.items()})
    quotes = any(isinstance(value, str) and "'" in value for value in values.values())
    before = []
    taken = False
    for operation, _, truth in chain:
        text = written_by_kfp([*before, operation])
        try:
            condition = parse(text)
        except BadPipeline as error:
            assert quotes and "one quote that can close" in str(error)
            return
        assert evaluate(condition, values) == (truth and not taken), text
        assert set(inputs(condition)) <= set(values)
        taken = taken or truth
        negated = type(operation)(
            operation.operator, operation.left_operand, operation.right_operand, negate=True
        )
        before.append(negated)
    assert evaluate(parse(written_by_kfp(before)), values) == (not taken)


@given(st.builds("{}'{}".format, TEXTS, TEXTS), TEXTS)
def test_a_text_with_quotes_is_read_right_or_refused(author_text, actual):
    text = written_by_kfp([channel("x", "String") == author_text])
    try:
        condition = parse(text)
    except BadPipeline:
        return
    assert evaluate(condition, names({"x": author_text}))
    assert evaluate(condition, names({"x": actual})) == (actual == author_text)


@given(TEXTS, INTEGERS | DOUBLES | st.booleans(), st.booleans())
def test_a_text_against_a_typed_input_is_compared_with_its_text(text, value, equal):
    kind = {bool: "Boolean", int: "Integer", float: "Float"}[type(value)]
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    text = shown if equal else text
    condition = parse(written_by_kfp([channel("s", "String") == channel("v", kind)]))
    assert evaluate(condition, names({"s": text, "v": value})) == (text == shown or text == str(value))


def compiled_conditions(build):
    """Conditions of the groups of a pipeline that KFP's compiler made, by group."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec = dsl.pipeline(name="p")(build).pipeline_spec
    found = {}
    for component in [spec.root, *spec.components.values()]:
        for task in component.dag.tasks.values():
            if task.trigger_policy.condition:
                found[task.task_info.name] = task.trigger_policy.condition
    return found


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def nothing():
    pass


@pytest.mark.parametrize("value", [1, 5, 9])
def test_a_compiled_if_elif_else_takes_exactly_one_branch(value):
    def build(n: int, limit: float = 5.0):
        with dsl.If(n < limit, name="below"):
            nothing()
        with dsl.Elif(n == limit, name="equal"):
            nothing()
        with dsl.Else(name="above"):
            nothing()

    conditions = compiled_conditions(build)
    values = names({"n": value, "limit": 5.0})
    taken = [name for name, text in conditions.items() if evaluate(parse(text), values)]
    assert taken == [{1: "below", 5: "equal", 9: "above"}[value]]


@pytest.mark.parametrize(
    ("items", "choose", "taken"),
    [
        ([{"n": 5, "s": "x"}], lambda item: item.s == "x", True),
        ([{"s": "x", "n": 5}], lambda item: item.n == 5, True),
        ([{"s": "x", "n": 5}], lambda item: item.n > 40, False),
        ([{"s": "x", "on": True}], lambda item: item.on == True, True),  # noqa: E712
        ([{"s": "x", "on": True}], lambda item: item.on == False, False),  # noqa: E712
    ],
)
def test_fields_of_loop_items_mean_what_they_are_not_what_kfp_takes_them_for(items, choose, taken):
    def build():
        with dsl.ParallelFor(items) as item, dsl.If(choose(item), name="chosen"):
            nothing()

    condition = parse(compiled_conditions(build)["chosen"])
    (name,) = inputs(condition)
    field = name.rpartition("-subvar-")[2]
    assert evaluate(condition, {name: items[0][field]}) is taken
