"""A factory of raw images that knows how many of each defect it made."""

import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw, ImageFilter
from ruamel.yaml import YAML

from pipeline import paths
from pipeline.clean.__main__ import clean
from pipeline.clean.findings import Findings
from pipeline.manifest import Reason, Row, Status
from pipeline.params import Params

ROOT = Path(__file__).parents[2]


class Workplace:
    """A repository's data and params.yaml, in the working directory, and clean to run on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.values = YAML(typ="safe").load(ROOT / "params.yaml")
        self.values["sources"] = {}
        self.expected: Counter[Reason] = Counter()
        self.kept = 0
        self._urls = 0
        paths.REVIEW.parent.mkdir(parents=True)
        paths.REVIEW.write_text("sha256,decision,label,note,decided_at\n")

    @property
    def params(self) -> Params:
        return Params.model_validate(self.values)

    def source(self, name: str, classes: list[str] | None = None) -> None:
        self.values["sources"][name] = {"kind": "folder", "classes": classes, "license": "CC0-1.0"}

    def add(
        self,
        content: bytes,
        label: str = "mug",
        source: str = "own",
        reason: Reason | None = None,
        **columns: Any,
    ) -> str:
        """Put an image there, as a spider would; it should be kept, or dropped for `reason`.

        Returns its SHA-256.
        """
        if source not in self.values["sources"] and not columns.pop("unasked", False):
            self.source(source)
        sha256 = hashlib.sha256(content).hexdigest()
        file = f"{label}/{sha256}.jpg"
        path = paths.RAW / source / file
        status = Status.DUPLICATE if path.exists() else Status.SAVED
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._urls += 1
        values = {"image_url": f"http://127.0.0.1:80/{self._urls}.jpg", "license": "CC0-1.0"}
        values |= {"label": label, "file": file, "sha256": sha256, "bytes": len(content)}
        status = columns.pop("status", status)
        with (paths.RAW / source / paths.MANIFEST).open("a") as manifest:
            manifest.write(Row(status=status, **values | columns).to_json() + "\n")
        if status is Status.SAVED:
            if reason is None:
                self.kept += 1
            else:
                self.expected[reason] += 1
        return sha256

    def decide(self, sha256: str, decision: str, label: str = "", note: str = "") -> None:
        with paths.REVIEW.open("a") as file:
            file.write(f"{sha256},{decision},{label},{note},2026-01-01T00:00:00Z\n")

    def clean(self) -> Findings:
        return clean(self.params)

    def rows(self, **wanted: Any) -> list[dict[str, Any]]:
        """The rows of verdicts.parquet that have these values."""
        rows = pq.read_table(paths.VERDICTS).to_pylist()
        return [row for row in rows if all(row[name] == v for name, v in wanted.items())]

    def metrics(self) -> dict[str, Any]:
        return json.loads((paths.RESULTS / "clean" / "metrics.json").read_text())

    def written(self) -> dict[str, bytes]:
        """The files of data/clean by their path in it."""
        files = (p for p in paths.CLEAN.rglob("*") if p.is_file())
        return {p.relative_to(paths.CLEAN).as_posix(): p.read_bytes() for p in sorted(files)}

    def assert_expected(self) -> None:
        """Clean found what was made, no more and no less."""
        metrics = self.metrics()
        assert Counter({Reason(k): n for k, n in metrics["dropped"].items()}) == self.expected
        assert metrics["kept"] == self.kept
        assert metrics["images"] == self.kept + self.expected.total()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(tmp_path)
    return Workplace(tmp_path)


class Factory:
    """Images, and bytes that clean should drop, each different from all others."""

    def __init__(self) -> None:
        self._seed = 10_000

    @staticmethod
    def photo(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
        """An image that resembles no other: soft colours with some sharp shapes on them."""
        rng = np.random.default_rng(seed)
        soft = rng.integers(20, 236, (5, 6, 3), dtype=np.uint8)
        image = Image.fromarray(soft).resize(size, Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(image)
        for _ in range(8):
            x, y, r = rng.random(3) * (size[0], size[1], min(size) / 4)
            colour = tuple(int(c) for c in rng.integers(0, 256, 3))
            pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        return image

    @staticmethod
    def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
        out = io.BytesIO()
        quality = {"quality": 90} if kind in ("JPEG", "WEBP") else {}
        image.save(out, kind, **quality | options)
        return out.getvalue()

    def next(self, size: tuple[int, int] = (200, 150)) -> Image.Image:
        self._seed += 1
        return self.photo(self._seed, size)

    def text(self) -> bytes:
        self._seed += 1
        return f"<!doctype html><title>{self._seed}</title>".encode()

    def truncated(self, kind: str = "JPEG", share: float = 0.6) -> bytes:
        content = self.encoded(self.next(), kind)
        return content[: int(len(content) * share)]

    def damaged(self) -> bytes:
        """An image whose header is whole and whose data is not."""
        content = bytearray(self.encoded(self.next(), "PNG"))
        at = content.index(b"IDAT") + 4
        content[at : at + 2] = b"no"  # where the compressed data says what it is
        return bytes(content)

    def bomb(self) -> bytes:
        """A small PNG that says it is 50,000 x 50,000 pixels."""
        self._seed += 1
        content = bytearray(self.encoded(Image.new("1", (8, 8), self._seed % 2), "PNG"))
        content[16:24] = (50_000).to_bytes(4, "big") * 2
        crc = __import__("zlib").crc32(content[12:29])
        content[29:33] = crc.to_bytes(4, "big")
        return bytes(content) + self._seed.to_bytes(4, "big")

    def tiny(self) -> bytes:
        image = self.next()
        image.thumbnail((48, 48))
        return self.encoded(image)

    def blank(self) -> bytes:
        self._seed += 1
        grey = self._seed % 256
        size = (100 + self._seed % 200, 100 + self._seed // 7 % 200)
        return self.encoded(Image.new("RGB", size, (grey, 255 - grey, grey // 2)))

    def recompressed(self, image: Image.Image) -> bytes:
        return self.encoded(image, quality=45)

    def resized(self, image: Image.Image) -> bytes:
        size = (int(image.width * 0.6), int(image.height * 0.6))
        return self.encoded(image.resize(size, Image.Resampling.LANCZOS))

    def blurred(self) -> bytes:
        return self.encoded(self.next().filter(ImageFilter.GaussianBlur(9)))


@pytest.fixture
def make() -> Factory:
    return Factory()
