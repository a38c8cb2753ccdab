"""The comment at the top of compiled pipelines, which kfp breaks where a default has several lines."""

import pytest
import yaml
from kfp import dsl

from pipelines.sdk import compiling, ir
from pipelines.sdk.ir import header

QUERY = "select *\nfrom t -- é\n\n  where root: 1\n- x"


@dsl.component
def say(text: str) -> str:
    return text


@dsl.pipeline
def asking(query: str = QUERY, table: dict = {"a": "x\ny"}):
    say(text=query)


def test_a_default_of_several_lines_is_read(tmp_path):
    from kfp import compiler

    file = tmp_path / "asking.yaml"
    compiler.Compiler().compile(asking, str(file))
    text = file.read_text()
    with pytest.raises(yaml.YAMLError):
        list(yaml.safe_load_all(text))  # else kfp has been mended, and this module can go
    plan = ir.read(text, str(file))
    assert plan.root.interface.parameters["query"].default == QUERY


def test_what_we_compile_ourselves_can_be_read_by_others():
    text = compiling.to_ir(asking)
    (document,) = yaml.safe_load_all(text)
    assert document["root"]["inputDefinitions"]["parameters"]["query"]["defaultValue"] == QUERY
    assert text.startswith("# PIPELINE DEFINITION\n# Name: asking\n")
    assert "\n# from t -- é\n\n#   where root: 1\n# - x']\n" in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1\n",
        "# PIPELINE DEFINITION\n",
        "# a comment\na\ncomponents:\n",
        "# PIPELINE DEFINITION\n# Name: x\n\ncomponents:\n  a: 1\n",
        "# PIPELINE DEFINITION\nroot:\n  components: x\n",
    ],
)
def test_any_other_text_is_left_as_it_is(text):
    assert header.mended(text) == text
