"""Servers on the loopback address, and a folder to collect in."""

import datetime as dt
import functools
import html
import http.server
import io
import ipaddress
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image
from workshop import Workshop

ROOT = Path(__file__).parents[2]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the routes of its server: a body, or a function that does what it likes.

    A route that ends in `?` is for its path with any query.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Web"

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asked[self.path] += 1
        routes = self.server.routes
        route = routes.get(self.path, routes.get(self.path.partition("?")[0] + "?"))
        if route is None:
            self.answer(b"not here", 404)
        elif callable(route):
            route(self)
        else:
            self.answer(route)

    def answer(self, body: bytes | str = b"", status: int = 200, **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        kind = "text/html; charset=utf-8" if isinstance(body, str) else "image/jpeg"
        sent = {"Content-Type": kind, "Content-Length": str(len(content))}
        self.send_response(status)
        for name, value in (sent | {k.replace("_", "-"): v for k, v in headers.items()}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


class Web(http.server.ThreadingHTTPServer):
    """A server on a free port of the loopback address, for the length of a `with` block."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.routes: dict[str, bytes | str | Callable[[Handler], None]] = {}
        self.asked: Counter[str] = Counter()
        """how often each path was asked for"""
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> "Web":
        threading.Thread(target=self.serve_forever, args=[0.05]).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *args: object) -> None:
        pass  # a client that hangs up is what some tests are about

    image = staticmethod(lambda seed, kind="JPEG": image(seed, kind))
    product_page = staticmethod(lambda name, photos: product_page(name, photos))
    listing_page = staticmethod(lambda links, following=None: listing_page(links, following))

    def sell(self, category: str, *products: tuple[str, ...], per_page: int = 3) -> None:
        """A category whose listing has `per_page` products a page; each is (name, photo, …).

        Photos without a route are drawn.
        """
        for name, *photos in products:
            self.routes[f"/p/{name}"] = product_page(name, photos)
            for photo in photos:
                if photo.startswith("/"):
                    self.routes.setdefault(photo, image(photo))
        pages = [products[i : i + per_page] for i in range(0, len(products), per_page)]
        for number, page in enumerate(pages, start=1):
            path = f"/{category}/" if number == 1 else f"/{category}/?page={number}"
            following = f"/{category}/?page={number + 1}" if number < len(pages) else None
            self.routes[path] = listing_page([f"/p/{name}" for name, *_ in page], following)


def product_page(name: str, photos: list[str]) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": f"The {name}",
        "sku": f"SKU-{name}",
        "image": photos,
    }
    return f'<html><script type="application/ld+json">{json.dumps(data)}</script></html>'


def listing_page(links: list[str], following: str | None = None) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "itemListElement": [
            {"@type": "ListItem", "position": n, "url": link} for n, link in enumerate(links)
        ],
    }
    paging = f'<a rel="next" href="{html.escape(following)}">more</a>' if following else ""
    return f'<html><script type="application/ld+json">{json.dumps(data)}</script>{paging}</html>'


@functools.cache
def image(seed: str, kind: str = "JPEG") -> bytes:
    """A small image; another seed is another image."""
    colours = Image.new("RGB", (24, 18), seed_colour(seed))
    out = io.BytesIO()
    colours.save(out, kind)
    return out.getvalue()


def seed_colour(seed: str) -> tuple[int, int, int]:
    value = int.from_bytes(seed.encode(), "big") % 16_777_213
    return value >> 16, value >> 8 & 255, value & 255


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as web:
        yield web


@pytest.fixture(scope="session")
def forks() -> Iterator[subprocess.Popen | None]:
    """A process that collects in forks of itself, where the system has such: see forked.py."""
    if not hasattr(os, "fork"):
        yield None
        return
    with subprocess.Popen(
        [sys.executable, ROOT / "tests/forked.py", "collect"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()


@pytest.fixture
def workshop(tmp_path: Path, forks: subprocess.Popen | None) -> Workshop:
    return Workshop(tmp_path, forks)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A certificate for shop.test and 127.0.0.1, its own authority: nobody trusts it unasked."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.test")])
    names = [x509.DNSName("shop.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return str(path)
