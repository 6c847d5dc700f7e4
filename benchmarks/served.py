"""A shop of images, and a server for it that leaves the processor to those that are measured."""

import asyncio
import itertools
import json
import multiprocessing
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PER_PRODUCT, PER_PAGE = 5, 50  # images of a product, products of a listing page


def build(site: Path, archive: Path, counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Make a shop with a category for each of `counts`; the paths of their images.

    The images are those of `archive`. Where there are not enough, copies differ in a comment
    inside the file.
    """
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
def serve(site: Path, hosts: Sequence[str] = ("127.0.0.1",), latency: float = 0) -> Iterator[int]:
    """Serve a folder at these addresses, by a process of its own; yields the port of all.

    Each answer comes after `latency` seconds.
    """
    ours, its = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_listen, args=(site, hosts, latency, its), daemon=True)
    server.start()
    try:
        yield ours.recv()
    finally:
        server.terminate()
        server.join()


def _listen(site: Path, hosts: Sequence[str], latency: float, port: Connection) -> None:
    async def listen() -> None:
        loop = asyncio.get_running_loop()
        free, servers = 0, []
        for host in hosts:
            server = await loop.create_server(lambda: _Http(site, latency), host, free, backlog=512)
            free = server.sockets[0].getsockname()[1]
            servers.append(server)
        port.send(free)
        await asyncio.gather(*(server.serve_forever() for server in servers))

    asyncio.run(listen())


class _Http(asyncio.Protocol):
    """Answers GET with a file, and knows nothing else."""

    def __init__(self, site: Path, latency: float) -> None:
        self._site = site
        self._latency = latency
        self._asked = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._asked = (self._asked + data).split(b"\r\n\r\n")
        for request in requests:
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer, request)
            else:
                self._answer(request)

    def _answer(self, request: bytes) -> None:
        path = self._site / request.split(b" ", 2)[1].decode().lstrip("/")
        found = path.is_file()
        body = path.read_bytes() if found else b""
        kind = "text/html" if path.suffix == ".html" else "image/jpeg"
        head = f"HTTP/1.1 {'200 OK' if found else '404 Not Found'}\r\nContent-Type: {kind}\r\n"
        self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        if b"connection: close" in request.lower():
            self._transport.close()
