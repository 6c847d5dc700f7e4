import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import data
from model.images import UnreadableImageError, decode
from model.train.batches import generator_batches, plain_batches, training_batches
from model.train.image_cache import ImageCache
from pipeline.cli import UserError
from pipeline.params import Augment

LABELS = ["apple", "leaf", "sky"]
STILL = Augment(
    rotation_range=0,
    width_shift_range=0,
    height_shift_range=0,
    shear_range=0,
    zoom_range=0,
    horizontal_flip=False,
    brightness_range=None,
)
MOVED = STILL.model_copy(update={"rotation_range": 30.0, "zoom_range": 0.2})


def epochs(images: data.Images, count: int, *, augment=STILL, seed=1, batch_size=5):
    steps = -(-len(images.files) // batch_size)
    batches = training_batches(images, augment, batch_size, seed).take(count * steps)
    got = [(x.numpy(), y.numpy()) for x, y in batches]
    return [got[start : start + steps] for start in range(0, len(got), steps)]


def keys(batches) -> list[bytes]:
    return [image.tobytes() for images, _ in batches for image in images]


def test_labels_are_the_sorted_folders_of_train(dataset: Path) -> None:
    (dataset / "train" / ".hidden").mkdir()
    (dataset / "train" / "metadata.csv").touch()
    assert data.class_labels(dataset) == LABELS


def test_a_split_is_decoded_as_any_image_is(dataset: Path) -> None:
    (dataset / "test" / "leaf" / ".DS_Store").touch()
    images = data.load_split(dataset, "test", LABELS, 16)
    assert images.images.shape == (15, 16, 16, 3)
    assert images.classes.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert images.files[5] == "leaf/00.png"
    assert images.one_hot[5].tolist() == [0, 1, 0]
    for file, image in zip(images.files, images.images, strict=True):
        np.testing.assert_array_equal(image, decode(dataset / "test" / file, 16))


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dvc repro split"):
        data.class_labels(tmp_path)


@pytest.mark.parametrize(("kept", "said"), [(1, "only the class 'apple'"), (0, "no class")])
def test_one_class_is_not_enough(dataset: Path, kept: int, said: str) -> None:
    for label in LABELS[kept:]:
        shutil.rmtree(dataset / "train" / label)
    with pytest.raises(UserError, match=said):
        data.class_labels(dataset)


def test_a_class_missing_from_a_split(dataset: Path) -> None:
    shutil.rmtree(dataset / "validation" / "sky")
    with pytest.raises(UserError, match=r"validation has no images of sky"):
        data.load_split(dataset, "validation", LABELS, 16)
    shutil.rmtree(dataset / "test")
    with pytest.raises(UserError, match=r"test has no images of apple, leaf, sky"):
        data.load_split(dataset, "test", LABELS, 16)


def test_a_class_that_train_does_not_have(dataset: Path) -> None:
    with pytest.raises(UserError, match="sky"):
        data.load_split(dataset, "validation", LABELS[:2], 16)


def test_an_image_that_is_none_is_named(dataset: Path) -> None:
    (dataset / "train" / "leaf" / "99.png").write_bytes(b"not an image")
    with pytest.raises(UnreadableImageError, match=r"99\.png"):
        data.load_split(dataset, "train", LABELS, 16)


def test_the_digest_follows_names_and_contents(dataset: Path) -> None:
    before = data.dataset_digest(dataset)
    assert data.dataset_digest(dataset) == before
    image = dataset / "test" / "sky" / "00.png"
    moved = image.rename(image.with_name("renamed.png"))
    renamed = data.dataset_digest(dataset)
    moved.write_bytes(moved.read_bytes() + b" ")
    assert len({before, renamed, data.dataset_digest(dataset)}) == 3


def test_metadata_is_found_by_file(dataset: Path) -> None:
    assert data.metadata(dataset, "test") == {}
    (dataset / "test" / "metadata.csv").write_text(
        "file_name,label,source\nsky/00.png,sky,shop\n", encoding="utf-8"
    )
    assert data.metadata(dataset, "test")["sky/00.png"]["source"] == "shop"


def test_an_epoch_has_every_image_once_in_a_new_order(dataset: Path) -> None:
    images = data.load_split(dataset, "train", LABELS, 16)
    first, second = epochs(images, 2)
    everything = sorted(image.astype(np.float32).tobytes() for image in images.images)
    assert sorted(keys(first)) == sorted(keys(second)) == everything
    assert keys(first) != keys(second)
    assert [len(images) for images, _ in first] == [5, 5, 5, 5, 5, 5, 5, 1]


def test_labels_stay_with_their_images(dataset: Path) -> None:
    images = data.load_split(dataset, "train", LABELS, 16)
    class_of = {
        image.astype(np.float32).tobytes(): number
        for image, number in zip(images.images, images.classes, strict=True)
    }
    (batches,) = epochs(images, 1)
    for images, one_hot in batches:
        assert [class_of[i.tobytes()] for i in images] == one_hot.argmax(axis=1).tolist()


def test_the_same_seed_gives_the_same_batches(dataset: Path) -> None:
    images = data.load_split(dataset, "train", LABELS, 16)

    def all_keys(seed: int) -> list[list[bytes]]:
        return [keys(epoch) for epoch in epochs(images, 3, augment=MOVED, seed=seed)]

    assert all_keys(1) == all_keys(1)
    assert all_keys(1) != all_keys(2)


def test_a_later_epoch_is_the_same_without_those_before_it(dataset: Path) -> None:
    images = data.load_split(dataset, "train", LABELS, 16)
    third = epochs(images, 3, augment=MOVED)[2]
    alone = training_batches(images, MOVED, 5, 1, first_epoch=2).take(8)
    assert keys((x.numpy(), y.numpy()) for x, y in alone) == keys(third)

    through, later = (generator_batches(dataset, MOVED, 16, 5, 1, first) for first in (0, 2))
    for batch in range(16):
        through[batch]
    for batch in range(8):
        assert (through[16 + batch][0] == later[batch][0]).all()


def test_validation_is_every_image_once_as_it_is(dataset: Path) -> None:
    images = data.load_split(dataset, "validation", LABELS, 16)
    batches = list(plain_batches(images, batch_size=5).as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [5, 5, 2]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), images.images)
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), images.one_hot)


def test_an_epoch_from_a_file_is_that_from_memory(dataset: Path, tmp_path: Path) -> None:
    in_file = ImageCache(0, tmp_path / "cache").array
    everything = [
        keys(epochs(data.load_split(dataset, "train", LABELS, 16, kept), 1, augment=MOVED)[0])
        for kept in (data.in_memory, in_file)
    ]
    assert everything[0] == everything[1]


def test_an_epoch_decodes_nothing(dataset: Path) -> None:
    images = data.load_split(dataset, "train", LABELS, 16)
    shutil.rmtree(dataset)
    assert len(epochs(images, 2)[1]) == 8


def test_augmentation_is_drawn_anew_each_epoch(dataset: Path) -> None:
    images = data.load_split(dataset, "train", LABELS, 16)
    first, second = epochs(images, 2, augment=MOVED)
    assert not set(keys(first)) & set(keys(second))


def test_image_data_generator_reads_the_same_classes_with_upright_shifts(dataset: Path) -> None:
    batches = generator_batches(dataset, STILL, 16, 36, seed=1)
    assert list(batches.flow.class_indices) == LABELS
    split = data.load_split(dataset, "train", LABELS, 16)
    images, _ = batches[0]
    by_content = sorted(image.astype(np.uint8).tobytes() for image in images)
    assert by_content == sorted(image.tobytes() for image in split.images)

    sideways = STILL.model_copy(update={"width_shift_range": 0.5})
    generator = generator_batches(dataset, sideways, 16, 36, seed=1).flow.image_data_generator
    column = np.zeros((9, 9, 1), np.float32)
    column[:, 4] = 1
    moved = [generator.random_transform(column) for _ in range(5)]
    assert all((m == m[0]).all() for m in moved)  # a column stays one when it goes sideways
    assert any(m[0].argmax() != 4 for m in moved)


def test_both_inputs_list_a_folder_alike(dataset: Path) -> None:
    train = dataset / "train"
    a_file = next((train / "leaf").iterdir())
    for litter in (".ipynb_checkpoints", "__MACOSX", "@eaDir", "leaf/.ipynb_checkpoints"):
        (train / litter).mkdir()
        shutil.copy(a_file, train / litter / "a.png")
    for litter in ("._00.png", ".hidden.png", "Thumbs.db", "half.png.part", "~$00.png"):
        shutil.copy(a_file, train / "leaf" / litter)
    (train / "leaf" / "broken.png").symlink_to("nowhere.png")
    (train / "leaf" / "folder.png").mkdir()
    Image.open(a_file).save(train / "leaf" / "00.webp", lossless=True)
    assert data.class_labels(dataset) == LABELS
    split = data.load_split(dataset, "train", LABELS, 16)
    flow = generator_batches(dataset, STILL, 16, 40, seed=1).flow
    assert flow.filenames == split.files
    assert "leaf/00.webp" in split.files
    assert len(split.files) == 37
    images, one_hot = generator_batches(dataset, STILL, 16, 40, seed=1)[0]
    assert images.shape == (37, 16, 16, 3)
    assert one_hot.sum(axis=0).tolist() == [12, 13, 12]
    assert data.class_counts(dataset, "train") == {"apple": 12, "leaf": 13, "sky": 12}
