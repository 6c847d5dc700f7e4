from pathlib import Path

import pytest


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """data/own in an empty project."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/own"
    folder.mkdir(parents=True)
    return folder
