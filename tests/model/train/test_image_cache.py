import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.train.image_cache import ImageCache, available_memory, check_space
from pipeline.cli import UserError

ROOT = Path(__file__).parents[3]
SHAPE = (10, 100, 100, 3)  # 300 kB


def test_memory_first_then_a_file_that_has_no_name(tmp_path: Path, capsys) -> None:
    cache = ImageCache(0.0005, tmp_path / "cache")
    first, second = cache.array(SHAPE), cache.array(SHAPE)
    assert not isinstance(first, np.memmap)
    assert isinstance(second, np.memmap)
    assert list((tmp_path / "cache").iterdir()) == []
    said = capsys.readouterr().out
    assert said.startswith("0.0003 GB of decoded images exceed train.cache_gb: kept in ")
    for array in (first, second):
        array[:] = np.arange(10, dtype=np.uint8)[:, None, None, None]
        assert array.shape == SHAPE
        assert array.sum(axis=(1, 2, 3)).tolist() == [n * 30000 for n in range(10)]


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from model.train.image_cache import ImageCache
resource.setrlimit(resource.RLIMIT_DATA, (1 << 28, 1 << 28))
array = ImageCache(4, Path(sys.argv[1])).array((400, 1000, 1000, 3))
array[-1] = 7
print(type(array).__name__, array[-1].min())
"""


def test_too_little_memory_falls_back_to_the_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    said, kept = done.stdout.splitlines()
    assert said.startswith("1.2 GB of decoded images exceed the memory that this process may")
    assert kept == "memmap 7"


def test_no_room_for_the_file_is_an_error_that_says_where(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the decoded images need 3e\+09 GB in .*cache, and"):
        ImageCache(0, tmp_path / "cache").array((10**12, 1000, 1000, 3))
    with pytest.raises(UserError, match="make room there"):
        check_space(tmp_path, 1 << 62, "images")


def test_some_memory_is_free() -> None:
    assert available_memory() > 1 << 20
