"""Merge keys of YAML, which kubectl and kfp read, and so do we."""

import pytest
import yaml

from pipelines.sdk.argo import lint
from pipelines.sdk.ir import yamltext

TEXTS = [
    "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
    "a: &x {b: 1}\nd: {c: 3, <<: *x}\n",
    "a: &x {b: 1, c: 1}\ne: &y {b: 2, d: 2}\nd:\n  <<: [*x, *y]\n  f: 1\n",
    "a: &x {b: {c: 1}}\ne: &y {<<: *x, d: 2}\nf:\n  - <<: *y\n    d: 3\n",
    "a: {<<: {b: 1}}\n",
    "a: {'<<': 1}\nc: ['<<']\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_merge_keys_are_read_as_others_read_them(text):
    assert yamltext.documents(text) == [yaml.safe_load(text)]


def test_a_merge_key_is_text_where_it_is_a_value():
    assert yamltext.documents("a: <<\nb: [<<]\n") == [{"a": "<<", "b": ["<<"]}]


def test_a_key_that_is_brought_in_keeps_the_line_on_which_it_stands():
    (document,) = yamltext.documents("a: &x\n  b: 1\nc:\n  <<: *x\n  d: 2\n")
    assert document["c"].lines == {"d": 5, "b": 2}


@pytest.mark.parametrize("value", ["1", "[1]", "[{b: 1}, x]", "null"])
def test_what_is_no_mapping_cannot_be_merged(value):
    with pytest.raises(yamltext.BadYaml, match="takes a mapping"):
        yamltext.documents(f"a: {{<<: {value}}}\n")


def test_merged_values_count_as_often_as_they_are_used():
    mapping = ", ".join(f"k{number}: {'x' * 1000}" for number in range(1000))
    uses = "".join(f"u{number}: {{<<: *a}}\n" for number in range(100))
    with pytest.raises(yamltext.BadYaml, match="aliases of aliases"):
        yamltext.documents(f"a: &a {{{mapping}}}\n{uses}")


WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: merged}
spec:
  entrypoint: main
  templates:
    - &step
      name: main
      container: &container {image: alpine, command: [echo]}
    - <<: *step
      name: other
      container: {<<: *container, argz: [x]}
"""


def test_lint_looks_into_what_is_merged(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text(WORKFLOW)
    (finding,) = lint.lint_files([file])
    assert finding.path == "spec.templates[1].container.argz"
    file.write_text(WORKFLOW.replace("argz", "args"))
    assert lint.lint_files([file]) == []
