import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from model import similar
from model.similar import Index
from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status


@pytest.fixture
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a dataset, a model, and the rows that its images came with."""
    shutil.copytree(trained / "results/model", tmp_path / "results/model")
    shutil.copytree(trained / "data/dataset", tmp_path / "data/dataset")
    for split in ("train", "validation", "test"):
        folder = tmp_path / "data/dataset" / split
        lines = ["file_name,label,sha256,source,license"]
        for path in sorted(folder.rglob("*.png")):
            name = path.relative_to(folder).as_posix()
            lines.append(f"{name},{path.parent.name},{split}-{name},shop,CC0-1.0")
        (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    with Manifest(tmp_path / "data/raw/shop/manifest.jsonl") as manifest:
        manifest.append(
            Row(
                status=Status.SAVED,
                label="sky",
                image_url="https://shop.example/sky.jpg",
                file="sky/a.jpg",
                sha256="test-sky/02.png",
                page_url="https://shop.example/sky",
            )
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_image_of_the_dataset_is_most_like_itself(here: Path, capsys) -> None:
    assert similar.main(["data/dataset/test/sky/02.png", "--top", "3", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    first, *others = line["similar"]
    assert first.pop("similarity") == pytest.approx(1, abs=0.01)
    assert first == {
        "label": "sky",
        "file": "test/sky/02.png",
        "page": "https://shop.example/sky",
        "license": "CC0-1.0",
    }
    assert len(others) == 2
    assert {one["page"] for one in others} == {None}  # no row says where they are from
    found = [one["similarity"] for one in others]
    assert found == sorted(found, reverse=True)


def test_the_dataset_is_looked_at_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = Index.load(Path("results/model"), Path("data/dataset")).nearest(
        ["data/dataset/train/leaf/00.png"], 5
    )
    monkeypatch.setattr(Index, "_of_dataset", lambda _: pytest.fail("it looks again"))
    index = Index.load(Path("results/model"), Path("data/dataset"))
    (again,) = index.nearest(["data/dataset/train/leaf/00.png"], 5)
    assert again == first
    (cached,) = Path(".cache/similar").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])  # a full disk cut it off
    monkeypatch.undo()
    monkeypatch.chdir(here)
    (mended,) = Index.load(Path("results/model"), Path("data/dataset")).nearest(
        ["data/dataset/train/leaf/00.png"], 5
    )
    assert mended == first


def test_what_cannot_be_read_is_said_and_the_rest_is_done(here: Path, capsys) -> None:
    Path("bad.jpg").write_bytes(b"text")
    assert similar.main(["bad.jpg", "data/dataset/test/sky/02.png"]) == 1
    shown = capsys.readouterr()
    assert "error: bad.jpg" in shown.err
    assert "test/sky/02.png" in shown.out
    assert "https://shop.example/sky" in shown.out


def test_without_a_model_it_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`dvc repro` trains"):
        Index.load(tmp_path, tmp_path)


def test_a_dataset_without_metadata_gives_neighbours_without_a_page(here: Path, capsys) -> None:
    for split in ("train", "validation", "test"):
        (here / "data/dataset" / split / "metadata.csv").unlink()
    assert similar.main(["data/dataset/test/sky/02.png", "--top", "1", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["similar"]
    assert (one["file"], one["page"], one["license"]) == ("test/sky/02.png", None, None)


def test_a_license_that_is_not_known_is_not_left_blank(here: Path, capsys) -> None:
    rows = here / "data/dataset/test/metadata.csv"
    rows.write_text(rows.read_text().replace(",CC0-1.0", ","))
    assert similar.main(["data/dataset/test/sky/02.png", "--top", "1"]) == 0
    assert "not stated" in capsys.readouterr().out


def test_an_image_in_which_the_network_sees_nothing_is_like_no_other(here: Path) -> None:
    index = Index.load(Path("results/model"), Path("data/dataset"))
    index._extract = SimpleNamespace(predict_on_batch=lambda images: np.zeros((len(images), 128)))
    (found,) = index.nearest(["data/dataset/test/sky/02.png"], 3)
    assert [one.similarity for one in found] == [0, 0, 0]


def test_a_dataset_without_images_is_refused(here: Path) -> None:
    for image in (here / "data/dataset").rglob("*.png"):
        image.unlink()
    with pytest.raises(UserError, match="data/dataset has no images; `dvc repro split`"):
        similar.main(["data/dataset/test/sky/02.png"])


def test_what_is_remembered_of_fewer_images_is_looked_at_again(here: Path) -> None:
    index = Index.load(Path("results/model"), Path("data/dataset"))
    (whole,) = index.nearest(["data/dataset/test/sky/02.png"], 3)
    (cached,) = Path(".cache/similar").iterdir()
    np.save(cached, np.load(cached)[:5])
    index = Index.load(Path("results/model"), Path("data/dataset"))
    assert next(index.nearest(["data/dataset/test/sky/02.png"], 3)) == whole
