"""One thread has the network; what waits when it is free goes through it together."""

import asyncio
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.classifier import Classifier, Judged

_BATCH = 64

_Job: TypeAlias = tuple[NDArray[np.uint8], "Future[Judged]"]


class Batcher:
    """Answers coroutines from a thread, so that no event loop waits for the network."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="network", daemon=True)
        self._thread.start()

    async def judge(self, images: NDArray[np.uint8]) -> Judged:
        """For decoded images (n, image_size, image_size, 3)."""
        future: Future[Judged] = Future()
        self._waiting.put((images, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Answer what waits, and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            jobs = [job]
            while sum(len(images) for images, _ in jobs) < _BATCH:
                try:
                    job = self._waiting.get_nowait()
                except Empty:
                    break
                if job is None:
                    self._waiting.put(None)
                    break
                jobs.append(job)
            self._answer([job for job in jobs if job[1].set_running_or_notify_cancel()])

    def _answer(self, jobs: list[_Job]) -> None:
        if not jobs:  # all have hung up
            return
        try:
            together = np.concatenate([images for images, _ in jobs])
            judged = self._classifier.judge(together)
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            for _, future in jobs:
                future.set_exception(error)
            return
        start = 0
        for images, future in jobs:
            part = slice(start, start + len(images))
            future.set_result(Judged(judged.probabilities[part], judged.known[part]))
            start += len(images)
