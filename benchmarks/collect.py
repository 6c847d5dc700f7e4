"""Measures images per second of the project's shop spider, and of img2dataset.

    python benchmarks/collect.py [--count 5000] [--rounds 3]

A process of its own serves a shop of real images on the loopback address, without throttle. If
there are not enough images, copies differ in a comment inside the file. Both tools take the same
images, unchanged and in turn, and their start counts. The spider finds the images on the shop's
pages; img2dataset, in a virtual environment of its own, gets their addresses. A run with a tenth of
the images shows whether memory grows. Then an archive is measured: download, verification,
unpacking and manifest, against `tar` and `sha256sum` on the local file. The medians also go to
benchmarks/results/collect.json, with their commit and processor.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import multiprocessing
import statistics
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from common import ARCHIVES, ROOT, keep, machine, peer
from processes import Cost, measured
from ruamel.yaml import YAML
from tabulate import tabulate

from pipeline.cli import UserError, run
from pipeline.numbers import number_from

PER_PRODUCT, PER_PAGE = 5, 50  # images of a product, products of a listing page
PATTERN = r"(?P<split>train|validation|test)/(?P<label>[^/]+)/[^/]+\.jpg$"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=number_from(1), default=5000, help="images (5000)")
    parser.add_argument(
        "--rounds", type=number_from(1), default=3, help="of which the median counts (3)"
    )
    options = parser.parse_args()
    archives = sorted(ARCHIVES.glob("clothing-dataset-small-*.tar.gz"))
    if not archives or options.count < 10 or options.rounds < 1:
        raise UserError(
            "needs a round, at least 10 images, and clothing-dataset-small-*.tar.gz in "
            f"{ARCHIVES}; DATASETS_MIRROR may name another folder"
        )
    with tempfile.TemporaryDirectory(prefix="collect-") as scratch:
        work = Path(scratch)
        site = work / "site"
        shops = build(site, archives[0], {"tenth": options.count // 10, "all": options.count})
        with serve(site) as url:
            results = {
                "images": compare(work, url, shops, options.rounds),
                "archive": archive_path(work, url, archives[0], options.rounds),
            }
    print(f"\nin {keep('collect', machine() | results).relative_to(ROOT)} too")


def build(site: Path, archive: Path, counts: Mapping[str, int]) -> dict[str, list[str]]:
    """A shop with a category for each of `counts`; the paths of their images."""
    photos = site / "photos"
    photos.mkdir(parents=True)
    (site / archive.name).symlink_to(archive.resolve())
    with tarfile.open(archive) as tar:
        files = (tar.extractfile(m) for m in tar if m.name.endswith(".jpg"))
        originals = [file.read() for file in itertools.islice(files, max(counts.values())) if file]
    for n in range(max(counts.values())):
        copy, which = divmod(n, len(originals))
        (photos / f"{n}.jpg").write_bytes(_variant(originals[which], copy))
    return {name: _category(site, name, count) for name, count in counts.items()}


def _variant(jpeg: bytes, copy: int) -> bytes:
    """The same image in other bytes: with a comment (ITU-T T.81, B.2.4.5) after its first two."""
    text = f"copy {copy}".encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2) + text + jpeg[2:] if copy else jpeg


def _category(site: Path, name: str, count: int) -> list[str]:
    (site / name).mkdir()
    paths = [f"/photos/{n}.jpg" for n in range(count)]
    products = []
    for start in range(0, count, PER_PRODUCT):
        page = f"/{name}/product-{start}.html"
        markup = {"@type": "Product", "name": page, "sku": page}
        markup["image"] = paths[start : start + PER_PRODUCT]
        _page(site, page, {"@context": "https://schema.org", **markup})
        products.append(page)
    for start in range(0, len(products), PER_PAGE):
        items = [{"@type": "ListItem", "url": x} for x in products[start : start + PER_PAGE]]
        following = f"/{name}/page-{start + PER_PAGE}.html"
        is_last = start + PER_PAGE >= len(products)
        more = "" if is_last else f'<a rel="next" href="{following}">more</a>'
        markup = {"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items}
        _page(site, f"/{name}/page-{start}.html", markup, more)
    return paths


def _page(site: Path, path: str, markup: Mapping[str, object], body: str = "") -> None:
    script = f'<script type="application/ld+json">{json.dumps(markup)}</script>'
    (site / path.strip("/")).write_text(f"<!doctype html><html>{script}{body}</html>")


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """Serve a folder, by a process of its own; yields its address."""
    ours, its = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_listen, args=(site, its), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.terminate()
        server.join()


def _listen(site: Path, port: Connection) -> None:
    async def listen() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Http(site), "127.0.0.1", 0, backlog=512)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(listen())


class _Http(asyncio.Protocol):
    """GET of files, and no more: a server that leaves the processor to those that are measured."""

    def __init__(self, site: Path) -> None:
        self._site = site
        self._asked = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._asked = (self._asked + data).split(b"\r\n\r\n")
        for request in requests:
            path = self._site / request.split(b" ", 2)[1].decode().lstrip("/")
            found = path.is_file()
            body = path.read_bytes() if found else b""
            kind = "text/html" if path.suffix == ".html" else "image/jpeg"
            head = f"HTTP/1.1 {'200 OK' if found else '404 Not Found'}\r\nContent-Type: {kind}\r\n"
            self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            if b"connection: close" in request.lower():
                self._transport.close()


def compare(
    work: Path, url: str, shops: Mapping[str, Sequence[str]], rounds: int
) -> dict[str, Any]:
    """Both tools in turns; medians of images a second, processor seconds, and peak memory."""
    runs: dict[str, list[tuple[Cost, int]]] = {}
    count, tenth = len(shops["all"]), len(shops["tenth"])
    addresses = work / "addresses.txt"
    addresses.write_text("".join(f"{url}{path}\n" for path in shops["all"]))
    for n in range(rounds):
        for name, paths in shops.items():
            print(f"round {n + 1}: shop spider, {len(paths)} images …", file=sys.stderr)
            took = collect(work / f"{name} {n}", shop_source(url, name))
            runs.setdefault(f"shop spider, {len(paths):,}", []).append(took)
        print(f"round {n + 1}: img2dataset …", file=sys.stderr)
        took = img2dataset(work / f"img2dataset {n}", addresses, count)
        runs.setdefault(f"img2dataset, {count:,}", []).append(took)
    results = {name: summary(each) for name, each in runs.items()}
    small, ours, theirs = results.values()
    ratio = ours["images/s"] / theirs["images/s"]
    growth = (ours["peak MB"] - small["peak MB"]) * 1e6 / (count - tenth)
    print(tabulate([(k, *v.values()) for k, v in results.items()], ["", *ours], floatfmt=".4g"))
    print(f"the shop spider is {ratio:.2f} × as fast as img2dataset; its memory grows by", end=" ")
    print(f"{growth:,.0f} bytes for each image, from {tenth:,} to {count:,}\n")
    return {**results, "ratio": ratio, "bytes of memory for each image": growth}


def summary(runs: Sequence[tuple[Cost, int]]) -> dict[str, float]:
    median = statistics.median
    return {
        "saved": median(saved for _, saved in runs),
        "images/s": median(saved / run.seconds for run, saved in runs),
        "processor ms each": median(1000 * run.cpu / max(saved, 1) for run, saved in runs),
        "peak MB": median(run.peak / 1e6 for run, _ in runs),
    }


def shop_source(url: str, category: str) -> dict[str, Any]:
    source = {"kind": "spider", "spider": "shop", "url": url, "allow_private": [_host(url)]}
    return {**source, "classes": {"photo": f"/{category}/page-0.html"}}


def _host(url: str) -> str:
    return url.removeprefix("http://")


def img2dataset(output: Path, addresses: Path, count: int) -> tuple[Cost, int]:
    options = {
        "url_list": addresses, "output_folder": output / "out", "output_format": "files",
        "resize_mode": "no", "disable_all_reencoding": True, "processes_count": 2,
        "thread_count": 32, "number_sample_per_shard": -(-count // 8),
    }  # fmt: skip
    output.mkdir()
    program = peer("img2dataset").with_name("img2dataset")
    command = [program, *(f"--{key}={value}" for key, value in options.items())]
    took = measured(command, output, {"NO_ALBUMENTATIONS_UPDATE": "1"})
    return took, len(list(output.rglob("*.jpg")))


def archive_path(work: Path, url: str, archive: Path, rounds: int) -> dict[str, Any]:
    """`kind: archive` and `tar x` with `sha256sum`, in turns; medians of seconds."""
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    source = {
        "kind": "archive", "url": f"{url}/{archive.name}", "sha256": sha256, "pattern": PATTERN,
        "license": "CC0-1.0", "allow_private": [_host(url)],
    }  # fmt: skip
    plain, ours = [], []
    for n in range(rounds):
        unpacked = work / f"unpacked {n}"
        unpacked.mkdir()
        tar = measured(["tar", "-xzf", archive, "-C", unpacked], work)
        plain.append(tar.seconds + measured(["sha256sum", archive], work).seconds)
        took, saved = collect(work / f"archive {n}", source)
        ours.append(took)
    results = {
        "MB": archive.stat().st_size / 1e6,
        "images": saved,
        "tar x + sha256sum, s": statistics.median(plain),
        "kind: archive, s": statistics.median(run.seconds for run in ours),
        "kind: archive, peak MB": statistics.median(run.peak / 1e6 for run in ours),
    }
    results["ratio"] = results["kind: archive, s"] / results["tar x + sha256sum, s"]
    print(tabulate(results.items(), ["archive", ""], floatfmt=".4g"))
    return results


def collect(folder: Path, source: Mapping[str, object]) -> tuple[Cost, int]:
    """Collect one source in a folder of its own; how many images were saved."""
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["sources"] = {"it": source}
    folder.mkdir()
    with (folder / "params.yaml").open("w") as file:
        yaml.dump(params, file)
    command = [sys.executable, "-m", "scraper.collect", "it"]
    took = measured(command, folder, {"PYTHONPATH": str(ROOT), "DATASETS_MIRROR": ""})
    counts = json.loads((folder / "results/collect/it.json").read_text())
    return took, counts["saved"]


if __name__ == "__main__":
    run(main)
