"""Small archives of small images, as public datasets come."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import TypeAdapter
from raw_src import PATTERN

from pipeline.manifest import Manifest, Row
from pipeline.sources import Source
from scraper import datasets
from scraper.datasets import catalog, download


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, so that no test finds or leaves downloads; and no mirror, no waiting."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv(download.MIRROR, raising=False)
    monkeypatch.setattr(download, "RETRY_WAITS", (0, 0))
    return folder


def _image(number: int, file_format: str = "JPEG", size: tuple[int, int] = (9, 7)) -> bytes:
    image = Image.new("RGB", size, (number * 37 % 256, number * 91 % 256, number % 256))
    out = io.BytesIO()
    image.save(out, file_format)
    return out.getvalue()


@pytest.fixture
def image() -> Callable[..., bytes]:
    """The bytes of an image, another one for each number."""
    return _image


def _tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def make_tar() -> Callable[..., bytes]:
    """A tar of {path: content}; `mode` as tarfile has it."""
    return _tar


@pytest.fixture
def make_zip() -> Callable[..., bytes]:
    """A zip of {path: content}."""

    def make(files: dict[str, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for path, content in files.items():
                packed.writestr(path, content)
        return out.getvalue()

    return make


@pytest.fixture
def take(elsewhere: Path) -> Callable[..., list[Row]]:
    """Collect a source into data/raw/src; gives the counting rows, read back from the file."""

    def collect(**source: object) -> list[Row]:
        values = {"kind": "dataset" if "dataset" in source else "archive", **source}
        folder = Path("data/raw/src")
        with Manifest(folder / "manifest.jsonl") as manifest:
            datasets.collect("src", TypeAdapter(Source).validate_python(values), folder, manifest)
        return list(Manifest(folder / "manifest.jsonl").rows.values())

    return collect


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> dict[str, catalog.Entry]:
    """The catalog, of which a test may change what the web serves: addresses, sizes, digests."""
    known = dict(catalog.catalog())
    monkeypatch.setattr(catalog, "catalog", lambda: known)
    return known


class FileServer:
    """One file as file servers give it, with whatever is wrong with them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.state: dict[str, str] = {"ETag": '"one"'}
        self.takes_ranges = True
        self.cuts: list[int | None] = []
        """for each answer the number of bytes after which it breaks off; None: not at all"""
        self.statuses: list[int | tuple[int, dict[str, str]] | None] = []
        """what is answered first, maybe with headers; None: the file"""
        self.ranges: list[str | None] = []

    def __call__(self, request: Any) -> None:
        self.ranges.append(request.headers.get("Range"))
        if self.statuses and (status := self.statuses.pop(0)):
            number, headers = status if isinstance(status, tuple) else (status, {})
            return request.answer(b"", number, **headers)
        start, headers = self._start(request), dict(self.state)
        if start:
            if start >= len(self.content):
                return request.answer(b"", 416, Content_Range=f"bytes */{len(self.content)}")
            end = len(self.content)
            headers["Content_Range"] = f"bytes {start}-{end - 1}/{end}"
        body = self.content[start:]
        cut = self.cuts.pop(0) if self.cuts else None
        request.close_connection = True
        headers["Content_Length"] = str(len(body))
        return request.answer(body[:cut], 206 if start else 200, **headers)

    def _start(self, request: Any) -> int:
        wanted, condition = request.headers.get("Range"), request.headers.get("If-Range")
        if not self.takes_ranges or not wanted or condition not in self.state.values():
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))


@pytest.fixture
def file_server() -> type[FileServer]:
    return FileServer


@pytest.fixture
def local(elsewhere):
    """A function that writes an archive of the person's own, and gives the parameters for it."""

    def save(name: str, content: bytes) -> dict[str, object]:
        Path(name).write_bytes(content)
        return {"url": name}

    return save


@pytest.fixture
def shop(image) -> dict[str, bytes]:
    """The files of an archive: two classes, in one folder."""
    return {
        f"set/{label}/{n}.jpg": image(f * 9 + n)
        for f, label in enumerate(("hat", "mug"))
        for n in range(4)
    }


@pytest.fixture
def served(web, file_server, make_tar, shop):
    """The archive on a server, and the parameters that take it."""
    web.routes["/set.tar.gz"] = server = file_server(make_tar(shop))
    source = {"url": f"{web.url}/set.tar.gz", "pattern": PATTERN, "allow_private": [web.host]}
    return server, source
