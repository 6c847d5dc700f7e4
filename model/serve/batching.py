"""One thread has the network; what waits when it is free goes through it together."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.classifier import Classifier, Judged

MOST_TOGETHER = 64
"""A batch that has so many images gets no more."""

_Job: TypeAlias = tuple[Classifier, NDArray[np.uint8], "Future[Judged]"]


class Batcher:
    """Answers coroutines from a thread, so that the event loop never waits for the network.

    Args:
        waiting: is called with the number of images that came to wait, or (negative) no longer do.
        batch: is called with the number of images of each batch.
    """

    def __init__(
        self,
        waiting: Callable[[int], None] = lambda _: None,
        batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._note_waiting, self._note_batch = waiting, batch
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="network", daemon=True)
        self._thread.start()

    async def judge(self, classifier: Classifier, images: NDArray[np.uint8]) -> Judged:
        """Classify decoded images (n, image_size, image_size, 3)."""
        future: Future[Judged] = Future()
        self._note_waiting(len(images))
        self._waiting.put((classifier, images, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Answer what waits, and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            jobs = [job]
            while sum(len(images) for _, images, _ in jobs) < MOST_TOGETHER:
                try:
                    job = self._waiting.get_nowait()
                except Empty:
                    break
                if job is None:
                    self._waiting.put(None)
                    break
                jobs.append(job)
            self._note_waiting(-sum(len(images) for _, images, _ in jobs))
            heard = [job for job in jobs if job[2].set_running_or_notify_cancel()]
            # there are two models only after a new one has just been loaded
            for _, of_one_model in groupby(heard, key=lambda job: id(job[0])):
                self._answer(list(of_one_model))
            del job, jobs, heard  # no old model stays in memory until the next request

    def _answer(self, jobs: list[_Job]) -> None:
        classifier = jobs[0][0]
        try:
            together = np.concatenate([images for _, images, _ in jobs])
            self._note_batch(len(together))
            judged = classifier.judge(together)
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for the answer
            for _, _, future in jobs:
                future.set_exception(error)
            return
        start = 0
        for _, images, future in jobs:
            part = slice(start, start + len(images))
            future.set_result(Judged(judged.probabilities[part], judged.known[part]))
            start += len(images)
