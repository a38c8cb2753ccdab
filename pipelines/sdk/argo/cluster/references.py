"""Which ConfigMaps a template or a run needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def used_config_maps(document: Any) -> Iterator[str]:
    """Names of the ConfigMaps that a template, a run or any part of one mounts or reads.

    Args:
        document: plain JSON.
    """
    if isinstance(document, Mapping):
        for key, value in document.items():
            if key in ("configMap", "configMapRef", "configMapKeyRef") and isinstance(value, Mapping):
                yield str(value.get("name") or "")
            yield from used_config_maps(value)
    elif isinstance(document, list):
        for element in document:
            yield from used_config_maps(element)
