"""What the measuring was done on."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def described() -> str:
    """Cores, processor, memory and Python, in one line."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    total = re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())
    return ", ".join(
        [
            f"{len(os.sched_getaffinity(0))} cores",
            model[1].strip() if model else platform.machine(),
            f"{int(total[1]) / 2**20:.0f} GB" if total else "memory unknown",
            f"Linux {platform.release().partition('-')[0]}",
            f"Python {platform.python_version()}",
        ]
    )
