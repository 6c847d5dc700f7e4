import keras
import numpy as np
import pytest
import tensorflow as tf

from model.train.augment import RandomAffineBrightness, Transforms

NEUTRAL = Transforms(0, 0, 0, 0, 1, 1, 1, 1)
GRID = np.arange(25, dtype=np.uint8).reshape(5, 5)


def transformed(image: np.ndarray, **changes: float) -> np.ndarray:
    """(height, width) or (height, width, channels), by one transform."""
    values = {**NEUTRAL._asdict(), **changes}
    transforms = Transforms(**{k: np.float32([v]) for k, v in values.items()})
    batch = image.reshape(1, *image.shape[:2], -1)
    moved = keras.ops.convert_to_numpy(RandomAffineBrightness().apply(batch, transforms))
    return moved.reshape(image.shape)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, GRID),
        # a fifth of the width is one pixel: each is taken from its right neighbour
        ({"shift_x": 0.2}, [[1, 2, 3, 4, 4], [6, 7, 8, 9, 9], [11, 12, 13, 14, 14],
                            [16, 17, 18, 19, 19], [21, 22, 23, 24, 24]]),
        ({"shift_y": 0.2}, [[5, 6, 7, 8, 9], [10, 11, 12, 13, 14], [15, 16, 17, 18, 19],
                            [20, 21, 22, 23, 24], [20, 21, 22, 23, 24]]),
        ({"shift_x": 0.1}, [[0.5, 1.5, 2.5, 3.5, 4], [5.5, 6.5, 7.5, 8.5, 9],
                            [10.5, 11.5, 12.5, 13.5, 14], [15.5, 16.5, 17.5, 18.5, 19],
                            [20.5, 21.5, 22.5, 23.5, 24]]),
        ({"rotation": np.pi / 2}, [[4, 9, 14, 19, 24], [3, 8, 13, 18, 23], [2, 7, 12, 17, 22],
                                   [1, 6, 11, 16, 21], [0, 5, 10, 15, 20]]),
        ({"flip": -1}, [[4, 3, 2, 1, 0], [9, 8, 7, 6, 5], [14, 13, 12, 11, 10],
                        [19, 18, 17, 16, 15], [24, 23, 22, 21, 20]]),
        # above 1 zooms out, about the middle, and repeats the border
        ({"zoom_x": 2}, [[0, 0, 2, 4, 4], [5, 5, 7, 9, 9], [10, 10, 12, 14, 14],
                         [15, 15, 17, 19, 19], [20, 20, 22, 24, 24]]),
        ({"zoom_y": 0.5}, [[5, 6, 7, 8, 9], [7.5, 8.5, 9.5, 10.5, 11.5], [10, 11, 12, 13, 14],
                           [12.5, 13.5, 14.5, 15.5, 16.5], [15, 16, 17, 18, 19]]),
        # 30 degrees: columns move by half a row's distance from the middle, rows shrink by cos 30
        ({"shear": np.pi / 6}, [[2.34, 3.34, 4.34, 5.34, 5.34], [6.17, 7.17, 8.17, 9.17, 9.67],
                                [10, 11, 12, 13, 14], [14.33, 14.83, 15.83, 16.83, 17.83],
                                [18.66, 18.66, 19.66, 20.66, 21.66]]),
        ({"brightness": 0.5}, GRID / 2),
    ],
)  # fmt: skip
def test_five_by_five(changes: dict, expected) -> None:
    np.testing.assert_allclose(transformed(GRID, **changes), expected, atol=0.01)


def test_brightness_stops_at_white() -> None:
    assert transformed(np.full((3, 3), 200, np.uint8), brightness=1.5).max() == 255


def test_a_flip_comes_last() -> None:
    first = transformed(GRID, shift_x=0.2, shift_y=0.4, rotation=0.3)
    both = transformed(GRID, shift_x=0.2, shift_y=0.4, rotation=0.3, flip=-1)
    np.testing.assert_allclose(both, first[:, ::-1], atol=1e-4)


def test_shifts_are_shares_of_their_own_side() -> None:
    wide = np.tile(np.arange(20, dtype=np.uint8), (10, 1))
    assert transformed(wide, shift_x=0.1)[0].tolist() == [*range(2, 20), 19, 19]
    assert transformed(wide.T, shift_y=0.1)[:, 0].tolist() == [*range(2, 20), 19, 19]


@pytest.mark.parametrize("seed", range(12))
def test_equal_to_image_data_generator(seed: int) -> None:
    """Same drawn parameters, same pixels. Its tx is what its *height* shift draws, and moves x."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 255, (24, 24, 3)).astype(np.float32)
    rotation, shear = random.uniform(-30, 30), random.uniform(-20, 20)
    shift_x, shift_y = random.uniform(-0.2, 0.2, 2)
    zoom_x, zoom_y = random.uniform(0.7, 1.3, 2)
    flip = bool(seed % 2)
    brightness = random.uniform(0.5, 1.5) if seed % 3 == 0 else None
    generator = tf.keras.preprocessing.image.ImageDataGenerator()
    expected = generator.apply_transform(
        image,
        {
            "theta": rotation,
            "tx": shift_x * 24,
            "ty": shift_y * 24,
            "shear": shear,
            "zx": zoom_x,
            "zy": zoom_y,
            "flip_horizontal": flip,
            "brightness": brightness,
        },
    )
    ours = transformed(
        image,
        rotation=np.deg2rad(rotation),
        shift_x=shift_x,
        shift_y=shift_y,
        shear=np.deg2rad(shear),
        zoom_x=zoom_x,
        zoom_y=zoom_y,
        flip=-1 if flip else 1,
        brightness=brightness or 1,
    )
    # with brightness it rounds to whole numbers twice
    np.testing.assert_allclose(ours, expected, atol=2.6 if brightness else 0.05)


FULL = {
    "rotation_range": 90,
    "width_shift_range": 0.1,
    "height_shift_range": 0.2,
    "shear_range": 45,
    "zoom_range": 0.3,
    "horizontal_flip": True,
    "brightness_range": (0.8, 1.4),
}


def test_draws_reach_from_one_end_to_the_other() -> None:
    layer = RandomAffineBrightness(**FULL)
    ends = np.float32([[0] * 8, [1] * 8, [0.5] * 8])
    low, high, middle = np.stack(layer.draw(ends), axis=1)
    quarter = np.pi / 2
    np.testing.assert_allclose(
        low, [-quarter, -0.1, -0.2, -quarter / 2, 0.7, 0.7, -1, 0.8], rtol=1e-6
    )
    np.testing.assert_allclose(high, [quarter, 0.1, 0.2, quarter / 2, 1.3, 1.3, 1, 1.4], rtol=1e-6)
    np.testing.assert_allclose(middle, [0, 0, 0, 0, 1, 1, 1, 1.1], rtol=1e-6)


def test_ranges_of_zero_change_nothing() -> None:
    image = np.random.default_rng(1).integers(0, 255, (4, 6, 7, 3), dtype=np.uint8)
    np.testing.assert_allclose(RandomAffineBrightness()(image, training=True), image, atol=1e-3)


def test_each_image_of_a_batch_has_its_own_transform() -> None:
    images = np.tile(GRID[None, :, :, None], (16, 1, 1, 1))
    out = np.asarray(RandomAffineBrightness(**FULL, seed=3)(images, training=True))
    assert len({image.tobytes() for image in out}) == 16


def test_only_training_augments() -> None:
    layer = RandomAffineBrightness(**FULL, seed=1)
    images = np.random.default_rng(1).integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    network = keras.Sequential([keras.Input((8, 8, 3)), layer])
    np.testing.assert_array_equal(network.predict(images, verbose=0), images)
    assert np.abs(network(images, training=True) - images).max() > 1


def test_the_seed_decides() -> None:
    images = np.random.default_rng(1).integers(0, 255, (4, 8, 8, 3), dtype=np.uint8)

    def first(seed: int) -> np.ndarray:
        return np.asarray(RandomAffineBrightness(**FULL, seed=seed)(images, training=True))

    np.testing.assert_array_equal(first(1), first(1))
    assert np.abs(first(1) - first(2)).max() > 1


def test_its_configuration_makes_it_again(tmp_path) -> None:
    layer = RandomAffineBrightness(**FULL, seed=7)
    again = RandomAffineBrightness.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    network = keras.Sequential([keras.Input((8, 8, 3)), layer])
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras").layers[0]
    assert isinstance(loaded, RandomAffineBrightness)
    assert loaded.brightness_range == layer.brightness_range
    assert loaded.rotation_range == layer.rotation_range


def test_it_works_in_a_dataset() -> None:
    layer = RandomAffineBrightness(**FULL, seed=1)
    images = np.zeros((6, 8, 9, 3), np.uint8)
    batches = tf.data.Dataset.from_tensor_slices(images).batch(4)
    shapes = [b.shape for b in batches.map(lambda b: layer(b, training=True))]
    assert shapes == [(4, 8, 9, 3), (2, 8, 9, 3)]


def test_mixed_precision_draws_and_moves_in_full_precision() -> None:
    layer = RandomAffineBrightness(dtype="mixed_bfloat16", rotation_range=10, seed=1)
    images = np.full((2, 8, 8, 3), 101, np.uint8)
    out = layer(images, training=True)
    assert out.dtype == "bfloat16"
    assert np.asarray(out).astype(float).max() == 101
