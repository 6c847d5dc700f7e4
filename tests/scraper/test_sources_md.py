"""docs/sources.md: its spider runs, its entries are valid, and no key or status lacks a line."""

import re
import shutil
import textwrap
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from pipeline.manifest import Status
from pipeline.sources import (
    AddressesSource,
    ArchiveSource,
    DatasetSource,
    FolderSource,
    HuggingFaceSource,
    IndexFile,
    Section,
    Source,
    SpiderSource,
)
from scraper.datasets.plan import plan

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/sources.md").read_text()
PARAMETERS = (ROOT / "docs/parameters.md").read_text()


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    assert found
    return found


def entries() -> dict[str, dict]:
    """The sources that are shown, by name."""
    read = YAML(typ="safe").load
    return {k: v for block in blocks("yaml") for k, v in read(textwrap.dedent(block)).items()}


def first_column(page: str, heading: str) -> list[str]:
    """Of the table below a heading."""
    text = page.partition(f"{heading}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `(\w+)`", text, re.MULTILINE)


def test_the_entries_are_valid():
    sources = {name: TypeAdapter(Source).validate_python(e) for name, e in entries().items()}
    assert {source.kind for source in sources.values()} == {
        "spider", "addresses", "dataset", "archive", "huggingface", "folder",
    }  # fmt: skip
    for source in sources.values():
        if isinstance(source, DatasetSource | ArchiveSource):
            assert plan(source).files


@pytest.mark.parametrize(
    ("kind", "section"),
    [
        ("spider", SpiderSource),
        ("addresses", AddressesSource),
        ("dataset", DatasetSource),
        ("archive", ArchiveSource),
        ("huggingface", HuggingFaceSource),
        ("folder", FolderSource),
    ],
)
def test_every_key_has_a_line(kind: str, section: type[Section]):
    column = first_column(PARAMETERS, f"### kind: {kind}")
    assert column == [k for k in section.model_fields if k != "kind"]
    if kind == "archive":
        assert all(f"`index.{key}`" in PARAMETERS for key in IndexFile.model_fields)


def test_every_status_has_a_line():
    assert first_column(DOCS, "## What became of each candidate") == [
        str(status) for status in Status
    ]


def test_the_spider_of_ones_own_runs(web, workshop):
    """The very text, as a file in scraper/spiders/, against a catalogue of two pages."""
    (example,) = blocks("python")
    assert len(example.splitlines()) <= 30
    shutil.copytree(ROOT / "scraper", workshop.root / "scraper")  # found before the original
    (workshop.root / "scraper/spiders/tiles.py").write_text(example)

    def page(tiles: str, more: str = "") -> str:
        shown = "".join(
            f'<figure class="tile" id="t{name}"><img src="{name}.jpg">{name.upper()}</figure>'
            for name in tiles
        )
        return f"<html>{shown}{more}</html>"

    collection = "/collections/azulejos"
    web.routes |= {f"/collections/{name}.jpg": web.image(name * 3) for name in "abcd"}
    web.routes |= {
        collection: page("ba", f'<a class="next" href="{collection}/2">more</a>'),
        f"{collection}/2": page("", '<a class="next" href="/collections/last">more</a>'),
        "/collections/last": page("cd"),
        "/robots.txt": "User-agent: *\nDisallow: /collections/d.jpg",
    }
    source = entries()["tiles"] | {"url": web.url, "allow_private": [web.host]}
    workshop.sources(tiles=source)

    workshop.run("-m", "scraper.collect", "tiles")  # no fork: it has the copy still to import

    rows = workshop.rows("tiles")
    assert {name: row["status"] for (_, name), row in rows.items()} == {
        "a.jpg": "saved",
        "b.jpg": "saved",
        "c.jpg": "saved",
        "d.jpg": "rejected_robots",
    }
    assert rows["azulejo", "a.jpg"]["product_id"] == "ta"
    assert rows["azulejo", "a.jpg"]["title"] == "A"
    assert rows["azulejo", "a.jpg"]["page_url"] == web.url + collection

    workshop.sources(tiles=source | {"limit_per_class": 1})
    shutil.rmtree(workshop.root / "data")
    workshop.run("-m", "scraper.collect", "tiles")
    assert workshop.statuses("tiles") == {"b.jpg": "saved"}  # the first of the listing
