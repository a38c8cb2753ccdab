"""Imports modules before any step needs them, in the process that steps are forked from."""

from __future__ import annotations

import importlib
import sys
import threading

# Imported before a fork, these leave threads or device handles behind that a forked process cannot use.
NOT_BEFORE_A_FORK = frozenset({"tensorflow", "jax", "ray", "pyspark", "grpc", "cupy"})


def is_new(name: str) -> bool:
    """Whether importing a module here and now would do something, and can be undone by no fork."""
    return name not in sys.modules and name.partition(".")[0] not in NOT_BEFORE_A_FORK


def import_module(name: str) -> bool:
    """Imports a module; one that cannot be imported is left out: the step that needs it says so itself.

    Args:
        name: dotted; it may be the name of something that is no module.

    Returns:
        Whether it was imported.
    """
    try:
        importlib.import_module(name)
    except (Exception, SystemExit):  # noqa: BLE001 - other people's modules can raise anything at import
        return False
    return True


def threads() -> list[str]:
    """Names of the threads that imports have started: a forked process would not have them."""
    return [each.name for each in threading.enumerate() if each is not threading.main_thread()]
