"""Downloads that a server packs although it was asked not to."""

import gzip
import hashlib
from pathlib import Path

import pytest

from pipeline.cli import UserError
from scraper.datasets.catalog import File
from scraper.datasets.download import copies

CONTENT = bytes(range(256)) * 4000


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def fetch(file: File, web) -> Path:
    return next(copies(file, [web.host]))


def left() -> list[str]:
    return sorted(path.name for path in Path(".cache").rglob("*") if path.is_file())


ENCODED = gzip.compress(CONTENT)


@pytest.mark.parametrize(
    ("name", "sent", "meant"),
    [
        ("set.zip", ENCODED, CONTENT),
        ("set.tar.gz", ENCODED, ENCODED),  # called encoded, and is just a .gz
        ("set.tgz", ENCODED, ENCODED),
        ("set.tar.gz", gzip.compress(ENCODED), ENCODED),
        ("download", ENCODED, CONTENT),
        ("set.zip", CONTENT, CONTENT),  # called encoded, and is not
    ],
)
@pytest.mark.parametrize("is_proved", [False, True])
def test_what_a_server_packs_unasked_is_unpacked(
    web, file_server, name, sent, meant, is_proved
) -> None:
    web.routes[f"/{name}"] = server = file_server(sent)
    server.state["Content-Encoding"] = "gzip"
    server.cuts = [len(sent) // 2]
    proof = digest(meant) if is_proved else None
    file = File(urls=[f"{web.url}/{name}"], size=None, digest=proof)
    assert fetch(file, web).read_bytes() == meant
    assert left() == [name]


def test_an_encoding_that_is_not_known_is_named(web, file_server) -> None:
    web.routes["/set.zip"] = server = file_server(CONTENT)
    file = File(urls=[f"{web.url}/set.zip"], size=None, digest=None)
    server.state["Content-Encoding"] = "br"
    with pytest.raises(UserError, match="in the encoding 'br', which was not asked for"):
        fetch(file, web)


def test_what_is_packed_unasked_and_breaks_off_is_damaged(web, file_server) -> None:
    web.routes["/set.zip"] = server = file_server(ENCODED[:-20])
    server.state["Content-Encoding"] = "x-gzip"
    with pytest.raises(UserError, match=r"set\.zip is damaged"):
        fetch(File(urls=[f"{web.url}/set.zip"], size=None, digest=None), web)
    assert left() == []
