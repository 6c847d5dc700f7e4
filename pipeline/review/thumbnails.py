"""Makes small JPEGs of raw images when the page asks for them. It writes nothing."""

import io
import os
from collections import OrderedDict
from pathlib import Path
from threading import BoundedSemaphore, Lock

from PIL import Image

from pipeline.decode import decode, open_header, read


class Thumbnails:
    """Keeps the latest JPEGs, by SHA-256 and size, in at most `capacity` bytes of memory."""

    def __init__(self, capacity: int = 128 << 20) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()
        self._decoders = BoundedSemaphore(os.cpu_count() or 1)  # each may need much memory

    def get(self, path: Path, sha256: str, side: int) -> bytes:
        """Return the image as a JPEG: upright, on white, its longer side at most `side` pixels.

        Raises ImageError, also if the file's bytes are not those of `sha256`.
        """
        key = sha256, side
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        with self._decoders:
            jpeg = _reduced(read(path, sha256), side)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = jpeg
                self._size += len(jpeg)
            while self._size > self._capacity:
                self._size -= len(self._kept.popitem(last=False)[1])
        return jpeg


def _reduced(content: bytes, side: int) -> bytes:
    image, _ = decode(content, open_header(content), side)
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()
