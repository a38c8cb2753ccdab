"""Every rule says what is wrong with a document that breaks it, and nothing of one that does not."""

import pytest

from pipelines.sdk.argo.lint import lint_documents, rules
from pipelines.sdk.argo.lint.finding import Rule
from tests.argo.lint.documents import Case, broken, cases, valid

CASES = cases()
TABLES = (rules.MANIFEST, rules.SPEC, rules.TEMPLATE, rules.TASK)


@pytest.mark.parametrize("argo", ["3.7", "4.0", "4.1"])
def test_valid_documents_give_nothing(argo):
    assert lint_documents([valid("workflow"), valid("template"), valid("cron")], argo=argo) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule} {case.at}")
def test_a_broken_document_gives_the_finding_of_its_rule_and_no_other(case: Case):
    others = [] if case.of == "template" else [valid("template")]
    found = lint_documents([broken(case), *others], argo=case.argo)
    assert {each.rule for each in found} - set(case.also) == {case.rule}
    ours = [each for each in found if each.rule == case.rule]
    assert case.at in [each.path for each in ours]
    assert {each.severity for each in ours if each.path == case.at} == {case.severity}
    for each in ours:
        assert each.what and each.why and each.mend


def test_each_rule_has_a_document_that_breaks_it():
    known = {
        name
        for table in TABLES
        for rule in table
        for name in ([rule.id] if isinstance(rule, Rule) else rule.why)
    }
    assert known - {case.rule for case in CASES} == set()
