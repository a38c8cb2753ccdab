"""Checks Argo's documents without a cluster: schema, limits, references, what Argo's own lint leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.sdk.argo.lint.engine import check
from pipelines.sdk.argo.lint.finding import ERROR, WARNING, LintFinding
from pipelines.sdk.argo.lint.reading import Source, sources
from pipelines.sdk.argo.lint.tables import VERSIONS
from pipelines.sdk.errors import Finding, UsageError

__all__ = ["ERROR", "VERSIONS", "WARNING", "LintFinding", "lint_documents", "lint_files"]


def lint_files(paths: Sequence[str | Path], argo: str = "4.1") -> list[LintFinding]:
    """Checks files of Workflows, WorkflowTemplates, ClusterWorkflowTemplates and CronWorkflows.

    Args:
        paths: of YAML or JSON files with any number of documents, or of folders with such files. References
            between all of them are followed.
        argo: the version that is to run them: "3.7", "4.0" or "4.1".

    Returns:
        What is wrong; a file that cannot be read is a finding too.

    Raises:
        UsageError: where the version is not known.
    """
    return check(sources(paths), _version(argo))


def lint_documents(
    documents: Sequence[Mapping[str, Any]], source: str = "", argo: str = "4.1"
) -> list[LintFinding]:
    """Checks documents that are in memory.

    Args:
        documents: as JSON values.
        source: what `file` of the findings is to be.
        argo: the version that is to run them: "3.7", "4.0" or "4.1".

    Raises:
        UsageError: where the version is not known.
    """
    return check([Source(source, tuple(documents))], _version(argo))


def _version(argo: str) -> str:
    if argo not in VERSIONS:
        raise UsageError(Finding(f"lint knows no Argo {argo}", mend=f"known: {', '.join(VERSIONS)}"))
    return argo
