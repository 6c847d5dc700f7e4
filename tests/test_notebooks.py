"""The notebooks in docs/ run in a small project, as somebody who opens them there runs them."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline import paths
from pipeline.params import load_params

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))
CLASSES = {"apple": (200, 30, 30), "salt & leaf": (30, 160, 40)}


def photo(seed: int, colour: tuple[int, int, int]) -> Image.Image:
    """A blot on soft colours: clean keeps it, and a network learns it at once."""
    random = np.random.default_rng(seed)
    soft = Image.fromarray(random.integers(20, 236, (5, 6, 3), dtype=np.uint8))
    image = soft.resize((120, 90), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    for _ in range(5):
        x, y, r = random.random(3) * (90, 60, 20)
        pen.ellipse((x, y, x + 12 + r, y + 12 + r), fill=colour, outline="black")
    return image


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From a folder of images, one of which clean drops, to an evaluated model."""
    from model.evaluate.__main__ import evaluate
    from model.train.recipe import train
    from pipeline.clean.__main__ import clean
    from pipeline.split import __main__ as split
    from scraper.collect import collect

    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        (root / "dvc.yaml").touch()
        text = (ROOT / "params.yaml").read_text(encoding="utf-8")
        Path("params.yaml").write_text(text, encoding="utf-8")
        paths.REVIEW.parent.mkdir()
        shutil.copy(ROOT / paths.REVIEW, paths.REVIEW)
        for n, (label, colour) in enumerate(CLASSES.items()):
            folder = paths.OWN / label
            folder.mkdir(parents=True)
            for seed in range(16):
                photo(100 * n + seed, colour).save(folder / f"{seed:02}.jpg")
            Image.new("RGB", (90, 90), colour).save(folder / "blank.png")
        params = load_params()
        only = {"own": params.sources["own"]}
        collect("own", only["own"])
        recipe = {"image_size": 32, "batch_size": 8, "epochs": 2}
        params = params.model_copy(
            update={"sources": only, "train": params.train.model_copy(update=recipe)}
        )
        clean(params)
        split.main([])
        train(params, paths.DATASET, paths.MODEL, paths.TRAIN)
        evaluate(params.evaluate, paths.DATASET, paths.MODEL, paths.TRAIN, paths.EVALUATE)
    return root


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(project: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel (extra dev)")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    pytest.importorskip("pandas")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(project / ".ipython"))
    folder = project / "docs"
    folder.mkdir(exist_ok=True)
    cells = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(cells, resources={"metadata": {"path": folder}}).execute()
    shown = json.dumps(cells["cells"], ensure_ascii=False)
    assert "stderr" not in shown
    if notebook.stem == "teach":
        assert "dropped: blank" in shown
        assert "accuracy_low" in shown
    assert "data:image/jpeg;base64," in shown
    assert "salt &amp; leaf" in shown


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_as_it_was_written(notebook: Path) -> None:
    """Without outputs, counts, and places on somebody's machine."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert not cell["metadata"]
    assert set(content["metadata"]) == {"kernelspec", "language_info"}
    assert "/home/" not in str(content)
    assert str(ROOT) not in str(content)


def test_both_notebooks_are_linked() -> None:
    text = (ROOT / "docs/predict.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 2
    assert all(f"({path.name})" in text for path in NOTEBOOKS)
