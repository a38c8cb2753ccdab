"""Runs the rules over documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.sdk.argo.lint import rules
from pipelines.sdk.argo.lint.finding import ERROR, WARNING, Hit, LintFinding, Rule, shown
from pipelines.sdk.argo.lint.nodes import mapping, sequence, text
from pipelines.sdk.argo.lint.reading import Source, line_of
from pipelines.sdk.argo.lint.shape import catalogue
from pipelines.sdk.argo.lint.structure import Schema
from pipelines.sdk.argo.lint.views import REUSABLE, Library, Manifest
from pipelines.sdk.ir.shape import described

_S = TypeVar("_S")


@dataclass(frozen=True)
class _Result:
    rule: str
    why: str
    severity: str
    hit: Hit


def check(sources: Sequence[Source], argo: str) -> list[LintFinding]:
    """Every finding in files, file by file in the order of their lines.

    Args:
        sources: the files; references between them are followed.
        argo: the version for which they are.
    """
    schema, library = Schema(catalogue(), argo), Library()
    found: list[LintFinding] = []
    read = [
        (source, document, each)
        for source in sources
        for document, each in _manifests(source, schema, library)
    ]
    for _, _, manifest in read:
        if manifest.kind in REUSABLE and manifest.spec:
            library.specs.setdefault((manifest.kind != "WorkflowTemplate", manifest.name), manifest.spec)
    for source in sources:
        own = list(source.findings)
        for origin, document, manifest in read:
            if origin is source:
                own += [_finding(source, document, manifest, each) for each in _results(manifest)]
        own += _not_objects(source)
        found += sorted(dict.fromkeys(own), key=lambda each: each.line)
    return [*found, *_twice(read), *_nothing(sources, read, found)]


def _manifests(source: Source, schema: Schema, library: Library) -> Iterator[tuple[Any, Manifest]]:
    for document in source.documents:
        if not isinstance(document, Mapping):
            continue
        items = sequence(document.get("items")) if text(document.get("kind")).endswith("List") else None
        if items is None:
            yield document, Manifest(document, (), schema, library)
        for index, item in enumerate(items or ()):
            if isinstance(item, Mapping):
                yield document, Manifest(item, ("items", index), schema, library)


def _results(manifest: Manifest) -> Iterator[_Result]:
    yield from _broken(rules.MANIFEST, manifest)
    if not manifest.spec:
        return
    yield from _broken(rules.SPEC, manifest.spec)
    for template in manifest.spec.everything:
        yield from _broken(rules.TEMPLATE, template)
        for task in template.tasks:
            yield from _broken(rules.TASK, task)


def _broken(table: rules.Rules[_S], subject: _S) -> Iterator[_Result]:
    for rule in table:
        if isinstance(rule, Rule):
            for hit in rule.check(subject):
                yield _Result(rule.id, rule.why, hit.severity or rule.severity, hit)
        else:
            for name, hit in rule.check(subject):
                default = WARNING if name in rule.warnings else ERROR
                yield _Result(name, rule.why[name], hit.severity or default, hit)


def _finding(source: Source, document: Any, manifest: Manifest, result: _Result) -> LintFinding:
    hit = result.hit
    line = line_of(document, hit.path, source.lines)
    name = "/".join(filter(None, (manifest.kind, manifest.name)))
    return LintFinding(
        source.file,
        name,
        shown(hit.path),
        hit.what,
        result.why,
        hit.mend or "remove it",
        result.severity,
        result.rule,
        line,
    )


def _not_objects(source: Source) -> Iterator[LintFinding]:
    for document in source.documents:
        if not isinstance(document, Mapping):
            what = f"expected a Kubernetes object, found {described(document)}"
            mend = "write apiVersion, kind, metadata and spec"
            yield LintFinding(
                source.file, "", "", what, "Nothing can be made of it.", mend, ERROR, "unknown-kind"
            )


def _twice(read: Sequence[tuple[Source, Any, Manifest]]) -> Iterator[LintFinding]:
    seen: dict[tuple[str, ...], str] = {}
    for source, document, manifest in read:
        metadata = mapping(manifest.node.get("metadata"))
        key = (manifest.kind, text(metadata.get("namespace")), text(metadata.get("name")))
        if key[0] and key[2] and key in seen:
            hit = Hit(
                (*manifest.at, "metadata", "name"), f"{key[0]} {key[2]!r} is in {seen[key]} too", "rename one"
            )
            why = "The one that is applied last replaces the other."
            yield _finding(source, document, manifest, _Result("duplicate-object", why, WARNING, hit))
        seen.setdefault(key, source.file or "the documents")


def _nothing(
    sources: Sequence[Source], read: Sequence[tuple[Source, Any, Manifest]], found: Sequence[LintFinding]
) -> Iterator[LintFinding]:
    hopeless = any(
        each.rule in ("unknown-kind", "not-yaml", "unreadable-file", "no-argo-kind") for each in found
    )
    if hopeless or any("argoproj.io/" in text(each.node.get("apiVersion")) for _, _, each in read):
        return
    for source in sources:
        kinds = ", ".join(sorted({each.kind for origin, _, each in read if origin is source}))
        what = f"there is no workflow in it, only {kinds}" if kinds else "there is no workflow in it"
        mend = "give a file with a Workflow, WorkflowTemplate, ClusterWorkflowTemplate or CronWorkflow"
        yield LintFinding(
            source.file, "", "", what, "There is nothing of Argo to check.", mend, ERROR, "no-argo-kind"
        )
