"""What Kubernetes would refuse when a pod starts, found when the pipeline is compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from pipelines.sdk.argo.pods.reader import Reader

_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_OBJECT: Final = re.compile(_SUBDOMAIN)
_LABEL_NAME: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL_KEY: Final = re.compile(rf"(?=[^/]{{1,253}}(/|$))({_SUBDOMAIN}/)?{_LABEL_NAME}")
_LABEL_VALUE: Final = re.compile(rf"({_LABEL_NAME})?")
_QUANTITY: Final = re.compile(
    r"\+?(?P<number>\d+\.?\d*|\.\d+)((?P<unit>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?\d{1,3}))?", re.A
)
_DECIMAL: Final = {
    u: Fraction(10) ** n for u, n in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
}
_UNITS: Final = _DECIMAL | {f"{u}i": Fraction(2) ** (10 * n) for n, u in enumerate("KMGTPE", 1)}


def object_name(setting: str, name: Any, reader: Reader) -> str:
    """The name of a Secret, ConfigMap or claim, where it is known.

    Args:
        setting: for messages.
        name: of the object.
        reader: takes the problem where no object can be called that.
    """
    if not isinstance(name, str) or len(name) > 253 or not _OBJECT.fullmatch(name):
        mend = "lower case letters, digits, hyphens and dots make one"
        reader.problem(setting, f"{name!r} cannot be the name of an object", mend)
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
    text = re.sub(r"(?<=[\d.])K$", "k", reader.literal(setting, text).strip())
    if not _QUANTITY.fullmatch(text):
        mend = "write 500m, 2 or 1.5 for CPUs, 512Mi or 2G for bytes"
        reader.problem(setting, f"{text!r} is not a quantity", mend)
    return text


def amount(text: str) -> Fraction | None:
    """What a quantity comes to; None where it is none.

    Args:
        text: as in `500m`.
    """
    found = _QUANTITY.fullmatch(text)
    if not found:
        return None
    factor = _UNITS[found["unit"]] if found["unit"] else Fraction(10) ** int(found["exponent"] or 0)
    return Fraction(found["number"].rstrip(".")) * factor


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
        text = found[key] = (reader.literal if values else reader.foreign)(f"{setting}.{key}", value)
        if not _LABEL_KEY.fullmatch(key):
            mend = "at most 63 letters, digits, -, _ and . behind an optional prefix as in example.com/"
            reader.problem(setting, f"{key!r} cannot be a key of labels or annotations", mend)
        elif key.partition("/")[0].endswith("workflows.argoproj.io"):
            reader.problem(setting, f"{key!r} is Argo's own", "choose a prefix of yours")
        elif values and not _LABEL_VALUE.fullmatch(text):
            mend = "at most 63 letters, digits, hyphens, dots and underscores"
            reader.problem(f"{setting}.{key}", f"{text!r} cannot be the value of a label", mend)
    return found
