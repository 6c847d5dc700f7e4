import asyncio
import threading

import numpy as np
import pytest

from model.calibration import Calibration, Outputs
from model.classifier import Classifier, Judged
from model.serve.batching import Batcher


class Slow:
    """A network that waits until it is let go, and remembers what it was given."""

    labels, image_size, sha256 = ["a", "b"], 2, ""

    calibration = Calibration()

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = threading.Event()

    def outputs(self, images: np.ndarray) -> Outputs:
        self.batches.append(len(images))
        assert self.go.wait(60)
        if images.max() == 255:
            raise RuntimeError("the network broke")
        first = images[:, 0, 0, 0] / 255
        return Outputs(np.stack([first, 1 - first], axis=1), None)


def images(level: int, count: int = 1) -> np.ndarray:
    return np.full((count, 2, 2, 3), level, np.uint8)


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


def test_the_loop_goes_on_and_what_waits_is_answered_together() -> None:
    network = Slow()
    batcher, classifier = Batcher(), Classifier(network, 0)

    async def ask() -> list[Judged]:
        first = asyncio.create_task(batcher.judge(classifier, images(51)))
        await until(lambda: network.batches)  # the thread waits in the network, the loop does not
        others = [
            asyncio.create_task(batcher.judge(classifier, images(level, count)))
            for level, count in ((102, 1), (153, 3), (204, 2))
        ]
        await asyncio.sleep(0)
        network.go.set()
        return await asyncio.gather(first, *others)

    answers = asyncio.run(ask())
    batcher.close()
    assert [answer.probabilities[:, 0].tolist() for answer in answers] == [
        pytest.approx(expected) for expected in ([0.2], [0.4], [0.6] * 3, [0.8] * 2)
    ]
    assert network.batches == [1, 6]


def test_who_hangs_up_is_left_out_and_an_error_reaches_who_waits() -> None:
    network = Slow()
    batcher, classifier = Batcher(), Classifier(network, 0)

    async def ask() -> None:
        first = asyncio.create_task(batcher.judge(classifier, images(51)))
        await until(lambda: network.batches)
        gone = asyncio.create_task(batcher.judge(classifier, images(102, 5)))
        bad = asyncio.create_task(batcher.judge(classifier, images(255)))
        await asyncio.sleep(0)
        gone.cancel()
        await until(gone.done)
        network.go.set()
        await first
        with pytest.raises(RuntimeError, match="the network broke"):
            await bad
        answer = await batcher.judge(classifier, images(0))
        assert answer.probabilities == pytest.approx(np.array([[0, 1]]))

    asyncio.run(ask())
    batcher.close()
    assert network.batches == [1, 1, 1]
