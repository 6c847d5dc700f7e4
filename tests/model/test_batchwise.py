"""A network is asked batch by batch, and traced once."""

import keras
import numpy as np
import pytest

from model import batchwise


def network(outputs: int) -> keras.Model:
    images = keras.Input((4, 5, 3))
    flat = keras.layers.Flatten()(images)
    return keras.Model(images, [keras.layers.Dense(2)(flat) for _ in range(outputs)])


@pytest.mark.parametrize("outputs", [1, 2])
def test_batches_of_any_size_are_traced_once(outputs: int) -> None:
    asked = network(outputs)
    random = np.random.default_rng(1)
    for count in (0, 1, 3, 64, 65, 130, 6, 0):
        images = random.integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
        answers = batchwise.outputs(asked, images)
        sizes = [len(answer if outputs == 1 else answer[0]) for answer in answers]
        assert sizes == [64] * (count // 64) + [count % 64] * (count % 64 > 0)
        if count and outputs == 1:
            exact = images.reshape(count, -1) @ asked.weights[0].numpy()
            np.testing.assert_allclose(np.concatenate(answers), exact, rtol=1e-4, atol=1e-2)
    assert asked.predict_function.experimental_get_tracing_count() == 1


def test_a_reversed_view_is_read_as_it_is_seen() -> None:
    asked = network(1)
    images = np.random.default_rng(1).integers(0, 256, (70, 4, 5, 3), dtype=np.uint8)
    seen = batchwise.outputs(asked, images[:, :, ::-1])
    copied = batchwise.outputs(asked, np.ascontiguousarray(images[:, :, ::-1]))
    np.testing.assert_array_equal(np.concatenate(seen), np.concatenate(copied))
