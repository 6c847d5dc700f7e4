import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from model import audit, features
from pipeline.cli import UserError
from pipeline.params import Audit

ROOT = Path(__file__).parents[2]
OPTIONS = Audit(folds=4, seed=1)
LABELS = ["apple", "leaf", "sky"]


def divided(classes: np.ndarray, groups: Iterable[str]) -> list[audit.Fold]:
    return audit.divided(classes, list(groups), LABELS[: classes.max() + 1], OPTIONS)


def stripes(label: str, seed: int) -> Image.Image:
    """Bright stripes that stand, lie or slant, in a colour and place of their own."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    along = {"apple": x, "leaf": y, "sky": x + y}[label] + random.integers(8)
    bright = np.where(along % 16 < 8, 1.0, 0.4)[..., None] * random.uniform(0.6, 1, 3) * 200
    return Image.fromarray((bright + random.uniform(0, 30, bright.shape)).astype(np.uint8))


@pytest.fixture
def misfiled(tmp_path: Path) -> Path:
    """Of 60 training and 18 validation images three stand under another class."""
    dataset = tmp_path / "striped"
    for s, (split, count) in enumerate({"train": 20, "validation": 6}.items()):
        for c, label in enumerate(("apple", "leaf", "sky")):
            (dataset / split / label).mkdir(parents=True)
            for n in range(count):
                image = stripes(label, seed=1000 * s + 100 * c + n)
                image.save(dataset / split / label / f"{n:02}.png")
    train = dataset / "train"
    (train / "apple/00.png").rename(train / "leaf/wrong-apple.png")
    (train / "leaf/00.png").rename(train / "sky/wrong-leaf.png")
    validation = dataset / "validation"
    (validation / "sky/00.png").rename(validation / "apple/wrong-sky.png")
    return dataset


def suspects(out: Path) -> list[dict[str, str]]:
    with (out / "suspects.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_misfiled_images_come_first(misfiled: Path, tmp_path: Path, quick_params) -> None:
    found = audit.audit(quick_params(), misfiled, tmp_path / "out")
    rows = suspects(tmp_path / "out")
    assert list(rows[0]) == ["sha256", "label", "suggested", "score", "file"]
    first = {(row["sha256"], row["label"], row["suggested"], row["file"]) for row in rows[:3]}
    assert first == {
        ("wrong-apple", "leaf", "apple", "train/leaf/wrong-apple.png"),
        ("wrong-leaf", "sky", "leaf", "train/sky/wrong-leaf.png"),
        ("wrong-sky", "apple", "sky", "validation/apple/wrong-sky.png"),
    }
    assert [float(row["score"]) for row in rows] == sorted(float(row["score"]) for row in rows)
    assert json.loads((tmp_path / "out/metrics.json").read_text()) == found
    assert found["images"] == 78
    assert found["suspects"] == len(rows)
    page = (tmp_path / "out/report.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == len(rows)
    assert "http" not in page


def test_the_same_again(misfiled: Path, tmp_path: Path, quick_params) -> None:
    for name in ("one", "two"):
        audit.audit(quick_params(), misfiled, tmp_path / name)
    for name in ("suspects.csv", "metrics.json", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_groups_stay_whole() -> None:
    """Each group is so much its own that only its own members could tell its class."""
    random = np.random.default_rng(0)
    classes, groups = np.repeat(np.arange(2), 40), np.repeat(np.arange(20), 4)
    own = np.eye(20, dtype=np.float32)[groups] * 50
    numbers = own + random.normal(0, 0.1, (80, 20)).astype(np.float32)
    told, kept = (
        audit.out_of_fold(numbers, classes, divided(classes, map(str, named)), OPTIONS.seed)
        for named in (range(80), groups)
    )
    assert (told.argmax(axis=1) == classes).mean() > 0.9
    assert (kept.argmax(axis=1) == classes).mean() < 0.8
    np.testing.assert_allclose(kept.sum(axis=1), 1)


def test_a_class_of_one_group_is_refused() -> None:
    with pytest.raises(UserError, match=r"two images of each class .* have fewer: leaf; ga"):
        divided(np.array([0, 0, 0, 1, 1, 1, 2, 2]), "abcdddef")


@pytest.mark.parametrize("few", [2, 3])
def test_a_class_with_few_images_does_not_weaken_the_audit_of_the_others(few: int) -> None:
    classes = np.array([0] * 20 + [1] * 20 + [2] * few)
    folds = divided(classes, map(str, range(len(classes))))
    assert len(folds) == OPTIONS.folds
    assert sorted(np.concatenate([held for _, held in folds])) == list(range(len(classes)))
    for seen, held in folds:
        assert {*classes[held]} <= {*classes[seen]}


@pytest.mark.parametrize("folds", [2, 5, 40])
def test_there_are_no_more_folds_than_images_of_a_class(folds: int) -> None:
    classes = np.array([0, 0, 0, 1, 1])
    options = Audit(folds=folds, seed=1)
    found = audit.divided(classes, list("abcde"), LABELS[:2], options)
    assert len(found) == min(folds, 3)
    assert all(len(held) for _, held in found)


def test_the_report_says_how_many_folds_there_were(
    misfiled: Path, tmp_path: Path, quick_params
) -> None:
    for folder in misfiled.glob("*/*"):
        for image in sorted(folder.iterdir())[2:]:
            image.unlink()
    params = quick_params().model_copy(update={"audit": Audit(folds=500, seed=1)})
    audit.audit(params, misfiled, tmp_path / "out")
    assert "(4 folds;" in (tmp_path / "out/report.html").read_text()


def test_groups_come_from_the_metadata(dataset: Path) -> None:
    (dataset / "train/metadata.csv").write_text(
        "file_name,label,group\napple/00.png,apple,g1\n", encoding="utf-8"
    )
    files = ["train/apple/00.png", "train/apple/01.png", "validation/apple/00.png"]
    assert audit._groups(dataset, files) == ["g1", "train/apple/01.png", "validation/apple/00.png"]


def test_gradients_know_a_direction() -> None:
    """Stripes that stand have their gradients across, those that lie down: each cell's alike."""
    stripes = np.tile((np.arange(64) % 8 < 4) * 200, (64, 1)).astype(np.uint8)
    standing, lying = (np.stack([s] * 3, axis=-1) for s in (stripes, stripes.T))
    upright, flat = features.extract(np.stack([standing, lying]), None)[:, : 7 * 7 * 36]
    assert set(upright.reshape(-1, 9).argmax(axis=1)) == {0}
    assert set(flat.reshape(-1, 9).argmax(axis=1)) <= {4, 5}


def test_features_of_a_network(dataset: Path, quick_params) -> None:
    recipe = quick_params(network="efficientnet_lite0", weights=None, image_size=64).train
    network = features.backbone(recipe, 3)
    images = np.zeros((2, 64, 64, 3), np.uint8)
    assert features.image_size(recipe, network) == 64
    assert features.extract(images, network).shape == (2, 2 * 1280)
    assert features.backbone(quick_params().train, 3) is None


def test_its_stage_knows_what_it_is_made_of() -> None:
    stage = YAML(typ="safe").load(ROOT / "audit/dvc.yaml")["stages"]["audit"]
    assert stage["wdir"] == ".."
    assert all((ROOT / dep).exists() for dep in stage["deps"] if not dep.startswith("data/"))
    assert {"model/audit.py", "model/features.py", "model/data.py"} <= set(stage["deps"])
