"""The decorator of every component: the image its step runs in; nothing is installed when it runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from kfp import dsl

STEP_IMAGE: Final = "kfp-on-argo/step:0.1.0"
"""Holds the project and all that requirements.lock names, kfp included."""

# A component's source travels alone: it imports what it needs inside its body, `components.support` too.
component: Callable[..., Any] = functools.partial(
    dsl.component, base_image=STEP_IMAGE, install_kfp_package=False
)
