"""Whose turn it is to ask the model: one request at a time, and not more of them waiting than is of use."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeAlias

from pipelines.sdk.serving.http.messages import Answer, Response
from pipelines.sdk.serving.protocols.problems import Refused

# A hop to a thread and back costs about a tenth of a millisecond, and the two threads then contend for the
# interpreter; work that holds up the event loop delays everyone else, health checks too. This divides them.
QUICK_SECONDS: Final = 0.005
SMALL_BYTES: Final = 256 * 1024

_Task: TypeAlias = "tuple[Future[Response], Callable[[], Response]]"


class Turns:
    """One turn after the other: not every model is safe to be asked from two threads.

    Quick work is done where it is, on the event loop; slow work, and that on a large body, in a thread.

    Args:
        waiting: requests that may wait for their turn.
    """

    def __init__(self, waiting: int) -> None:
        self._thread = _Thread()
        self._waiting = waiting
        # Until some work has been measured, work is taken for slow.
        self._seconds: float | None = None
        self.taken = 0

    def run(self, size: int, work: Callable[[], Response]) -> Answer:
        """Do the work when it is its turn.

        Args:
            size: of the request's body, bytes.
            work: makes the answer.

        Raises:
            Refused: with 503: too many wait already; or whatever the work refuses.
        """
        small = size <= SMALL_BYTES
        if not self.taken and small and self._seconds is not None and self._seconds < QUICK_SECONDS:
            return self._measured(work, small)
        # The one that is at work does not wait.
        if self.taken > self._waiting:
            reason = f"{self._waiting} requests wait for the model already; come back in a second"
            raise Refused(reason, status=503, kind="busy")
        return self._later(work, small)

    def _later(self, work: Callable[[], Response], small: bool) -> Awaitable[Response]:
        self.taken += 1
        loop = asyncio.get_running_loop()
        future = self._thread.submit(partial(self._measured, work, small))
        # Of the thread's future: the other one is cancelled when its client goes, while the work goes on.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._left))
        return asyncio.wrap_future(future)

    def _left(self) -> None:
        self.taken -= 1

    def _measured(self, work: Callable[[], Response], small: bool) -> Response:
        started = time.perf_counter()
        try:
            return work()
        finally:
            seconds = time.perf_counter() - started
            # A large batch says little about one row; of the others a slow one weighs at once.
            if small:
                self._seconds = min(1.0, max(seconds, 0.8 * (self._seconds or 0.0)))


class _Thread:
    """Does one thing after the other, and holds up no end: a model that never returns ends with the process.

    `ThreadPoolExecutor` would wait for it, for the interpreter joins its threads before it ends.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        threading.Thread(target=self._run, name="predict", daemon=True).start()

    def submit(self, work: Callable[[], Response]) -> Future[Response]:
        """Do it when all before it is done; not at all, where its future has been cancelled by then."""
        future: Future[Response] = Future()
        self._tasks.put((future, work))
        return future

    def _run(self) -> None:
        while True:
            future, work = self._tasks.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
                future.set_exception(error)
