"""What Kubernetes would refuse when a pod starts, found when the pipeline is compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.argo.pods.reader import Reader, Value

_OBJECT: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_NAME: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_KEY: Final = re.compile(rf"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?{_LABEL_NAME}")
_LABEL_VALUE: Final = re.compile(rf"({_LABEL_NAME})?")
_QUANTITY: Final = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")


def object_name(setting: str, value: Value, reader: Reader) -> str:
    """The name of a Secret, ConfigMap or claim.

    Args:
        setting: for messages.
        value: what names it.
        reader: takes the problem where no object can be called that.
    """
    if value.expression:
        return value.text()
    name = value.constant
    if not isinstance(name, str) or len(name) > 253 or not _OBJECT.fullmatch(name):
        reader.problem(
            setting, f"{name!r} cannot be the name of an object", "lower case, digits, hyphens, dots"
        )
        return ""
    return name


def quantity(setting: str, text: str, reader: Reader) -> str:
    """A quantity as Kubernetes writes it.

    KFP's SDK lets `512K` through, which Kubernetes refuses: its thousand is `k`.

    Args:
        setting: for messages.
        text: the user's.
        reader: takes the problem where it is no quantity.
    """
    text = re.sub(r"(?<=\d)K$", "k", reader.literal(setting, text).strip())
    if not _QUANTITY.fullmatch(text):
        reader.problem(
            setting, f"{text!r} is not a quantity", "write 500m, 2 or 1.5 for CPUs, 512Mi or 2G for bytes"
        )
    return text


def labels(setting: str, given: Mapping[str, Any], reader: Reader, *, values: bool = True) -> dict[str, str]:
    """Labels or annotations.

    Args:
        setting: for messages.
        given: the user's.
        reader: takes the problems.
        values: whether the values follow the rules of labels; those of annotations are free.
    """
    found = {}
    for key, value in given.items():
        text = found[key] = reader.literal(f"{setting}.{key}", value)
        if not _LABEL_KEY.fullmatch(key):
            reader.problem(setting, f"{key!r} cannot be a key of labels or annotations")
        elif "workflows.argoproj.io/" in key:
            reader.problem(setting, f"{key!r} is Argo's own", "choose a prefix of yours")
        elif values and not _LABEL_VALUE.fullmatch(text):
            mend = "at most 63 letters, digits, hyphens, dots and underscores"
            reader.problem(f"{setting}.{key}", f"{text!r} cannot be the value of a label", mend)
    return found
