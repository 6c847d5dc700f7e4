import numpy as np

from model.occlusion import importance, occluded


def test_the_area_that_decides_is_found() -> None:
    """A network that looks at one bright spot."""
    image = np.zeros((80, 80, 3), np.uint8)
    image[20:30, 70:80] = 255  # row 2, column 7 of eight
    copies = occluded(image)
    assert copies.shape == (101, 80, 80, 3)
    np.testing.assert_array_equal(copies[0], image)
    found = importance(copies[:, 20:30, 70:80].mean(axis=(1, 2, 3)) / 255)
    assert found.shape == (8, 8)
    assert np.unravel_index(found.argmax(), found.shape) == (2, 7)
    assert found[6:].max() == 0  # what is far away costs nothing


def test_any_size_is_divided() -> None:
    for size in (5, 17, 224):
        image = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
        copies = occluded(image)
        assert copies.shape[1:] == (size, size, 3)
        changed = (copies[1:] != image).any(axis=(0, 3))
        assert changed.mean() > 0.9  # together the covers reach everything
