"""Several processes that answer at one socket, forked from one that has loaded the model.

That one does nothing else: it watches, replaces a worker that died, and passes it on when all shall end. The
socket is theirs together, so what the system accepted for a worker that died is answered by another.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from pipelines.sdk.errors import EnvironmentProblem, Finding

Serve: TypeAlias = "Callable[[int, Callable[[], None]], None]"

_log = logging.getLogger(__name__)
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
# A worker that ends sooner than this never lived; after so many of them in a row the next will not either.
_SHORT_SECONDS: Final = 5.0
_GIVE_UP: Final = 5
_AFTER_GRACE: Final = 5.0
_PIPE_BYTES: Final = 4096


def supervise(
    listener: socket.socket, count: int, serve: Serve, on_listening: Callable[[], None], grace: float
) -> None:
    """Fork workers and see to them until SIGTERM or Ctrl-C.

    Args:
        listener: the socket that they accept from.
        count: how many.
        serve: what a worker does; gets its number, from 0, and what to call once it answers.
        on_listening: called once all of them answer.
        grace: seconds for workers that were asked to end.

    Raises:
        EnvironmentProblem: workers end as soon as they begin.
    """
    workers = _Workers(serve)
    try:
        for worker in range(count):
            workers.fork(worker)
        listening = False
        while not workers.asked:
            workers.pause(None)
            workers.replace_dead()
            if not listening and workers.ready >= count:
                listening = True
                on_listening()
    finally:
        # Whoever connects while any process has it open believes to be served.
        listener.close()
        workers.end(grace)


class _Workers:
    def __init__(self, serve: Serve) -> None:
        self.asked = 0
        self.ready = 0
        self._serve = serve
        self._born: dict[int, tuple[int, float]] = {}
        self._short_lives = 0
        # The held end is closed by the system however this process ends; then nobody watches the workers.
        self._watched, self._held = os.pipe()
        self._said, self._say = os.pipe()
        self._woken, wake = os.pipe()
        for end in (self._said, self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (*_ENDING, signal.SIGCHLD):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        if number in _ENDING:
            self.asked = number

    def fork(self, worker: int) -> None:
        """Start a worker."""
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._born[pid] = (worker, time.monotonic())
            return
        code = 1
        try:
            self._work(worker)
            code = 0
        except BaseException:  # noqa: BLE001 - whatever it is, it must not run on as the parent does
            _log.exception("worker %d failed", worker)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _work(self, worker: int) -> None:
        signal.set_wakeup_fd(-1)
        for number in (*_ENDING, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.close(self._held)
        threading.Thread(target=_end_when_alone, args=(self._watched,), daemon=True).start()
        self._serve(worker, partial(_write, self._say))

    def pause(self, seconds: float | None) -> None:
        """Wait until something happens."""
        for end in select.select([self._woken, self._said], [], [], seconds)[0]:
            said = os.read(end, _PIPE_BYTES)
            if end == self._said:
                self.ready += len(said)

    def replace_dead(self) -> None:
        """Start a worker for each that has ended."""
        for worker, lived, status in self._buried():
            if self.asked:
                return
            _log.error("worker %d ended after %.0f s with %d; another takes its place", worker, lived, status)
            self._short_lives = self._short_lives + 1 if lived < _SHORT_SECONDS else 0
            if self._short_lives >= _GIVE_UP:
                raise EnvironmentProblem(
                    Finding("workers end as soon as they begin", "--workers", "the log above says why")
                )
            self.fork(worker)

    def _buried(self) -> list[tuple[int, float, int]]:
        """Number, seconds of life and exit code (negative for a signal) of those that have ended since."""
        dead = []
        for pid, (worker, born) in list(self._born.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._born[pid]
                dead.append((worker, time.monotonic() - born, os.waitstatus_to_exitcode(status)))
        return dead

    def end(self, grace: float) -> None:
        """Ask all to end as this process was asked, wait, and kill who does not."""
        told = 0
        until = time.monotonic() + grace + _AFTER_GRACE
        while self._born and time.monotonic() < until:
            # Ctrl-C after SIGTERM is passed on too: it says to hurry.
            if told != (self.asked or signal.SIGTERM):
                told = self.asked or signal.SIGTERM
                self._signal(told)
            self.pause(until - time.monotonic())
            self._buried()
        self._signal(signal.SIGKILL)
        for pid in self._born:
            os.waitpid(pid, 0)

    def _signal(self, number: int) -> None:
        # Not yet waited for, so each number is still that of the worker, dead or alive.
        for pid in self._born:
            os.kill(pid, number)


def _end_when_alone(watched: int) -> None:
    """End this worker once the process that watches it is gone."""
    os.read(watched, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _write(end: int) -> None:
    os.write(end, b"+")
