"""Measures how many products of a real shop program, django-oscar's sandbox, the spider takes.

    python benchmarks/oscar.py URL [--count 180]

`URL` is the address of a catalogue of django-oscar, for example http://127.0.0.1:8000/catalogue/.
Its products have the pages /catalogue/<name>_<number>/. Its categories are those of the entry that
`python -m scraper.preview` proposes for its home page. The spider crawls the categories, and then a
file with the addresses of all products. Printed, and kept in benchmarks/results/oscar.json, is how
many of the `--count` products gave an image each way, and what the ledger says about the rest.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from common import ROOT, keep, machine, workplace
from ruamel.yaml import YAML

from pipeline.addresses import fetch, host_port
from pipeline.cli import run
from pipeline.manifest import Manifest
from pipeline.numbers import number_from
from pipeline.paths import MANIFEST, PARAMS, RAW, RESULTS

_PRODUCT = re.compile(r'href="(/(?:[\w-]+/)?catalogue/[\w-]+_\d+/)"')
_OF_A_CATEGORY = re.compile(r"/catalogue/category/")
_RUNS = 4  # an unfinished run is repeated: it asks only for the missing pages


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="of the shop's catalogue")
    parser.add_argument(
        "--count", type=number_from(1), default=180, help="products that it sells (180)"
    )
    options = parser.parse_args()
    with workplace():
        (Path.cwd() / "scrapy.cfg").write_bytes((ROOT / "scrapy.cfg").read_bytes())
        home = _proposed(urljoin(options.url, "/"))
        own = {x: y for x, y in home["classes"].items() if _OF_A_CATEGORY.search(y)}
        by_category = _collect("categories", home | {"classes": own})
        Path("products.txt").write_text("\n".join(_products(options.url)))
        listed = {"url": "products.txt", "classes": {"any": "products.txt"}}
        by_list = _collect("list", home | listed)
    found = {"asked": options.count, "proposed": sorted(own)}
    found |= {"categories": by_category, "list": by_list}
    print(json.dumps(found, indent=2, ensure_ascii=False))
    print(f"in {keep('oscar', machine() | found).relative_to(ROOT)} too")


def _proposed(home: str) -> dict[str, Any]:
    """The entry for `sources` that the preview prints for a home page."""
    printed = _run("-m", "scraper.preview", home, "--source-yaml").stdout
    (entry,) = YAML(typ="safe").load(printed).values()
    return dict(entry)


def _products(catalogue: str) -> list[str]:
    """The addresses of all products, from the pages of the whole catalogue."""
    found: dict[str, None] = {}
    for page in range(1, 1000):
        content = fetch(
            f"{catalogue}?page={page}", max_bytes=1 << 24, timeout=60,
            allow_private=[host_port(catalogue)],
        )  # fmt: skip
        new = {urljoin(catalogue, path) for path in _PRODUCT.findall(content.decode())} - {*found}
        if not new:
            break
        found |= dict.fromkeys(sorted(new))
    return list(found)


def _collect(name: str, source: dict[str, Any]) -> dict[str, Any]:
    params = YAML(typ="safe").load(PARAMS)
    YAML().dump(params | {"sources": {name: source}}, PARAMS)
    for _ in range(_RUNS):  # the shop answers 500 to many requests at once
        done = _run("-m", "scraper.collect", name, "--if-needed")
        print(done.stdout)
        if done.returncode == 0:
            break
    rows = Manifest(RAW / name / MANIFEST).rows.values()
    counts = json.loads((RESULTS / "collect" / f"{name}.json").read_text())
    with_image = {row.page_url for row in rows if row.status.has_file}
    return {
        "products_with_image": len(with_image), "images": counts["saved"],
        "pages": counts["pages"], "lost": counts["lost"],
    }  # fmt: skip


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], env=env, check=False, stdout=subprocess.PIPE, text=True
    )


if __name__ == "__main__":
    run(main)
