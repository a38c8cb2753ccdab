"""Any JSON value arrives unchanged and with its type, through a whole run."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conformance import harness
from tests.conformance.pipelines import travel

TEXTS = [
    "",
    "plain",
    "é ☃ 𝄞 \u0000 \x1b \x7f \u00ad \u2028 \ue000 \ufffe \U000e0001",
    "{{workflow.name}} {{=1+1}} {{{{ }}}} {{{ {{$}} {{$.pipeline_job_name}} {{$.inputs.parameters['value']}}",
    "$(HOME) $$(x) $HOME ${HOME} `id` %s %(x)s \\u007b \\",
    "\"'\\\n\r\t\v\f \\n line\n---\nkey: value\n",
    "  spaces around  ",
    "null",
    "true",
    "1.0",
    "1e3",
    "[1]",
    '{"a": 1}',
    "NaN",
]
NUMBERS = [
    0,
    -0.0,
    1,
    1.0,
    -1,
    2**53,
    2**53 + 1,
    -(2**63),
    10**40,
    0.1,
    1e22,
    1e-300,
    5e-324,
    1.7976931348623157e308,
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(TEXTS)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def arrives(folder, given_values):
    """Sends values through one run, each as an item of a loop, in a loop in a loop, and all as one list."""
    items = [
        {"value": value, "text": value if isinstance(value, str) else "-", "at": at}
        for at, value in enumerate(given_values)
    ]
    rows = [items[at : at + 3] for at in range(0, len(items), 3)] + [[]]
    path = harness.compiled(travel.travel, folder)
    ran = harness.run_file(path, {"items": items, "rows": rows}, folder / "home", ["--no-cache"])
    expected = {"whole": items, "items": items, "nested": rows, "texts": [item["text"] for item in items]}
    assert letters(ran.outcome.outputs) == letters(expected), ran.log


def letters(value):
    """As text in which 1, 1.0 and true differ, as do 0.0 and -0.0."""
    return json.dumps(value, sort_keys=True, indent=0)


def test_every_awkward_text_and_number_arrives(tmp_path):
    arrives(tmp_path, [*TEXTS, *NUMBERS, None, True, False, [], {}, [[]], {"": None}, {"{{x}}": ["$(y)"]}])


@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller example is not worth another run
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(st.lists(values, min_size=30, max_size=50))
def test_any_json_value_arrives(tmp_path, given_values):
    arrives(tmp_path, given_values)


@pytest.mark.parametrize("given_values", [[], [None]])
def test_loops_over_nothing_and_over_null_arrive(tmp_path, given_values):
    arrives(tmp_path, given_values)
