"""Keeps decoded images while a network trains: in memory, or in a file if they need too much."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.cli import UserError

Shape = tuple[int, ...]


class ImageCache:
    """Arrays of uint8, the first of them in memory up to `gigabytes` (10⁹ bytes) altogether.

    What is beyond that, or more than the machine has left, goes to a memory-mapped file in
    `folder`. The file has no name there: it vanishes with the process, however that ends.
    """

    def __init__(self, gigabytes: float, folder: Path) -> None:
        self._left = int(gigabytes * 1e9)
        self._folder = folder

    def array(self, shape: Shape) -> NDArray[np.uint8]:
        """A new array to fill. UserError if the disk has no room for its file."""
        size = int(np.prod(shape, dtype=object))  # whole numbers don't overflow
        if size > self._left:
            return self._in_file(shape, size, "train.cache_gb")
        if size > available_memory():
            return self._in_file(shape, size, "the memory that is free")
        try:
            array = np.empty(shape, np.uint8)
        except MemoryError:
            return self._in_file(shape, size, "the memory that this process may have")
        self._left -= size
        return array

    def _in_file(self, shape: Shape, size: int, limit: str) -> NDArray[np.uint8]:
        print(f"{size / 1e9:.3g} GB of decoded images exceed {limit}: kept in {self._folder}")
        check_space(self._folder, size, "the decoded images")
        with tempfile.TemporaryFile(dir=self._folder) as file:
            return np.memmap(file, np.uint8, mode="w+", shape=shape)


def check_space(folder: Path, size: int, what: str) -> None:
    """Make the folder. UserError where fewer than `size` bytes are free there."""
    folder.mkdir(parents=True, exist_ok=True)
    if size > (free := shutil.disk_usage(folder).free):
        raise UserError(
            f"{what} need {size / 1e9:.3g} GB in {folder}, and {free / 1e9:.3g} GB are free; "
            "make room there"
        )


def available_memory() -> float:
    """Bytes that can be had without swapping; infinite where the system doesn't say."""
    free = float("inf")
    with suppress(OSError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = min(free, *(1024 * int(s.split()[1]) for s in lines if s.startswith("MemAvailable")))
    group = Path("/sys/fs/cgroup")  # a container's own limit; the text is "max" if it has none
    with suppress(OSError, ValueError):
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        free = min(free, limit - used)
    return free
