"""Ctrl-C, and its relatives, while a run goes on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

FIRST = "stopping: steps are being ended, exit handlers still run; once more ends those too"
SECOND = "stopping at once"


@dataclass
class Interrupts:
    """What has been asked of a run from outside: to stop in order, then to stop at once.

    Args:
        stopping: set from the first time on.
        in_order: called the first time.
        at_once: called the second time.
    """

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    in_order: Callable[[], None] = lambda: None
    at_once: Callable[[], None] = lambda: None
    _loop: asyncio.AbstractEventLoop | None = None

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Hears SIGINT, SIGTERM and a terminal that closes, in the `with` block, where this thread may."""
        self._loop = loop = asyncio.get_running_loop()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which nohup says
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """The first time the run is stopped in order, the second time at once."""
        again = self.stopping.is_set()
        self.stopping.set()
        with contextlib.suppress(OSError, ValueError):  # the terminal has been closed
            sys.stderr.write(f"{SECOND if again else FIRST}\n")
        (self.at_once if again else self.in_order)()

    def stop_from_outside(self) -> None:
        """The same, from another thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(self.stop)
