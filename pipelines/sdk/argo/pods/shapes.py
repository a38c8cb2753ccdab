"""Parts of Kubernetes' own objects that people write themselves: are they what an API server takes?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.argo import lint
from pipelines.sdk.argo.pods.reader import Reader

_OBJECT: Final[Mapping[str, Any]] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "WorkflowTemplate",
    "metadata": {"name": "step"},
}
_STEP: Final[Mapping[str, Any]] = {"name": "step", "container": {"image": "image", "command": ["command"]}}


def check_template(setting: str, fields: Mapping[str, Any], reader: Reader) -> None:
    """Checks fields of a template.

    Args:
        setting: that they come from, for messages.
        fields: by name.
        reader: takes the problems.
    """
    _check(setting, {"templates": [{**_STEP, **fields}]}, "spec.templates[0].", reader)


def check_claim(setting: str, claim: Mapping[str, Any], reader: Reader) -> None:
    """Checks the spec of a PersistentVolumeClaim.

    Args:
        setting: that it comes from, for messages.
        claim: the whole object.
        reader: takes the problems.
    """
    spec = {"templates": [_STEP], "volumeClaimTemplates": [claim]}
    _check(setting, spec, "spec.volumeClaimTemplates[0].spec.", reader)


def _check(setting: str, spec: Mapping[str, Any], path: str, reader: Reader) -> None:
    for each in lint.lint_documents([{**_OBJECT, "spec": {"entrypoint": "step", **spec}}]):
        if each.severity == lint.ERROR:
            reader.problem(f"{setting}, {each.path.removeprefix(path)}", each.what, each.mend)
