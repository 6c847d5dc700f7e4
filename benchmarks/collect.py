"""Collecting: pictures per second of the project's shop spider, and of img2dataset.

    python benchmarks/collect.py [--count 5000]

A shop of real photos (copies differ in a few bytes at their end) is served from the loopback
address without throttle, by nginx if it is installed. Both take the same pictures, start-up
counted, with nothing resized; the spider finds them on the shop's pages, img2dataset, in a virtual
environment of its own, is given their addresses. A tenth of the pictures first shows whether memory
grows. Then the archive itself: download, verification, unpacking and manifest, against what `tar`
and `sha256sum` take for the local file.
"""

import argparse
import hashlib
import http.server
import itertools
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML
from tabulate import tabulate

from pipeline.cli import UserError, run

ROOT = Path(__file__).resolve().parents[1]
ARCHIVES = Path(os.environ.get("DATASETS_MIRROR", ROOT.parent / "shared" / "datasets"))
PER_PRODUCT, PER_PAGE = 5, 50  # photos of a product, products of a listing page
PATTERN = r"(?P<split>train|validation|test)/(?P<label>[^/]+)/[^/]+\.jpg$"


@dataclass(frozen=True)
class Run:
    """What a command took: wall and processor seconds, peak bytes of all its processes."""

    seconds: float
    cpu: float
    peak: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5000, help="pictures (5000)")
    count = parser.parse_args().count
    archives = sorted(ARCHIVES.glob("clothing-dataset-small-*.tar.gz"))
    if not archives or count < 10:
        raise UserError(
            f"needs at least 10 pictures, and clothing-dataset-small-*.tar.gz in {ARCHIVES}; "
            "DATASETS_MIRROR may name another folder"
        )
    with tempfile.TemporaryDirectory(prefix="collect-") as scratch:
        work = Path(scratch)
        install_img2dataset(work / "venv")
        site = work / "site"
        shops = build(site, archives[0], {"tenth": count // 10, "all": count})
        with serve(site, work) as (url, server):
            print(f"{count} photos served by {server}, {os.cpu_count()} cores")
            compare(work, url, shops)
            archive_path(work, url, archives[0])


def install_img2dataset(venv: Path) -> None:
    print("installing img2dataset into a virtual environment of its own …", file=sys.stderr)
    python = venv / "bin" / "python"
    if shutil.which("uv"):
        commands = [
            ["uv", "venv", "--quiet", "--python", sys.executable, venv],
            ["uv", "pip", "install", "--quiet", "--python", python, "img2dataset"],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", venv],
            [python, "-m", "pip", "install", "--quiet", "img2dataset"],
        ]
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            raise UserError("img2dataset can't be installed; its installer's message is above")


def build(site: Path, archive: Path, counts: Mapping[str, int]) -> dict[str, list[str]]:
    """A shop with a category for each of `counts`; the paths of their photos."""
    photos = site / "photos"
    photos.mkdir(parents=True)
    (site / archive.name).symlink_to(archive.resolve())
    with tarfile.open(archive) as tar:
        files = (tar.extractfile(m) for m in tar if m.name.endswith(".jpg"))
        originals = [file.read() for file in itertools.islice(files, max(counts.values())) if file]
    for n in range(max(counts.values())):
        copy, which = divmod(n, len(originals))
        content = originals[which] + (f"copy {copy}".encode() if copy else b"")
        (photos / f"{n}.jpg").write_bytes(content)
    return {name: _category(site, name, count) for name, count in counts.items()}


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
def serve(site: Path, work: Path) -> Iterator[tuple[str, str]]:
    """Serve a folder; yields address and name of the server."""
    nginx = shutil.which("nginx")
    with _nginx(nginx, site, work) if nginx else _python(site) as url:
        yield url, "nginx" if nginx else "Python's http.server"


@contextmanager
def _nginx(nginx: str, site: Path, work: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    temporary = "\n".join(
        f"{kind}_temp_path {work}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = work / "nginx.conf"
    config.write_text(f"""
        {"user root;" if os.getuid() == 0 else ""}
        daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log;
        events {{ worker_connections 512; }}
        http {{
          access_log off; sendfile on; keepalive_requests 1000000; {temporary}
          types {{ text/html html; image/jpeg jpg; }}
          server {{ listen 127.0.0.1:{port}; root {site}; }}
        }}""")
    server = subprocess.Popen([nginx, "-p", str(work), "-c", str(config)])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise UserError(f"nginx does not start; see {work}/nginx.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        pass


def _listen(site: Path, port: Connection) -> None:
    handler = partial(_Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        port.send(server.server_port)
        server.serve_forever()


@contextmanager
def _python(site: Path) -> Iterator[str]:
    ours, its = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_listen, args=(site, its), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.terminate()
        server.join()


def compare(work: Path, url: str, shops: Mapping[str, Sequence[str]]) -> None:
    host = url.removeprefix("http://")
    rows = []
    for name, paths in shops.items():
        source = {"kind": "spider", "spider": "shop", "url": url, "allow_private": [host]}
        source["classes"] = {"photo": f"/{name}/page-0.html"}
        took, saved = collect(work / f"shop of {name}", source)
        rows.append(("shop spider", took, saved, len(paths)))
    paths = shops["all"]
    addresses = work / "addresses.txt"
    addresses.write_text("".join(f"{url}{path}\n" for path in paths))
    output = work / "img2dataset"
    options = {
        "url_list": addresses, "output_folder": output, "output_format": "files",
        "resize_mode": "no", "disable_all_reencoding": True, "processes_count": 2,
        "thread_count": 32, "number_sample_per_shard": -(-len(paths) // 8),
    }  # fmt: skip
    command = [work / "venv/bin/img2dataset", *(f"--{k}={v}" for k, v in options.items())]
    took = measured(command, work, {"NO_ALBUMENTATIONS_UPDATE": "1"})
    rows.append(("img2dataset", took, len(list(output.rglob("*.jpg"))), len(paths)))
    ours, theirs = (saved / took.seconds for _, took, saved, _ in rows[-2:])
    print(
        tabulate(
            [
                (name, n, saved, saved / t.seconds, 1000 * t.cpu / max(saved, 1), t.peak / 1e6)
                for name, t, saved, n in rows
            ],
            ["", "asked", "saved", "pictures/s", "processor ms each", "peak MB"],
            floatfmt=("", "", "", ".0f", ".1f", ".0f"),
        )
    )
    print(f"the shop spider is {ours / theirs:.2f} × as fast as img2dataset\n")


def archive_path(work: Path, url: str, archive: Path) -> None:
    unpacked = work / "unpacked"
    unpacked.mkdir()
    tar = measured(["tar", "-xzf", archive, "-C", unpacked], work)
    digest = measured(["sha256sum", archive], work)
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    source = {
        "kind": "archive", "url": f"{url}/{archive.name}", "sha256": sha256, "pattern": PATTERN,
        "license": "CC0-1.0", "allow_private": [url.removeprefix("http://")],
    }  # fmt: skip
    ours, saved = collect(work / "archive", source)
    plain = tar.seconds + digest.seconds
    print(f"{archive.stat().st_size / 1e6:.0f} MB archive, {saved} pictures")
    print(
        tabulate(
            [("tar x + sha256sum", plain, None), ("kind: archive", ours.seconds, ours.peak / 1e6)],
            ["", "seconds", "peak MB"],
            floatfmt=("", ".1f", ".0f"),
        )
    )
    print(f"the archive takes {ours.seconds / plain:.2f} × as long as tar and sha256sum")


def collect(folder: Path, source: Mapping[str, object]) -> tuple[Run, int]:
    """Collect one source in a folder of its own; how many pictures were saved."""
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


def measured(
    command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str] | None = None
) -> Run:
    """Run a command to its end, and fail if it does."""
    log = cwd / "output.log"
    with log.open("w") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, stdout=output, stderr=output,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        peak, ended = [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peak, ended))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watch.join()
    if process.returncode:
        raise UserError(f"{Path(command[0]).name} failed:\n{log.read_text()[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, max(peak[0], usage.ru_maxrss * 1024))


def _watch(pid: int, peak: list[int], ended: threading.Event) -> None:
    """The most memory that a process and those below it had at once, shared pages counted once."""
    while not ended.wait(0.25):
        try:
            process = psutil.Process(pid)
            family = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(each.memory_full_info().pss for each in family))
        except psutil.Error:
            continue  # one of them has just ended


if __name__ == "__main__":
    run(main)
