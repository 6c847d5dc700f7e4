"""Measures how fast a shop's feed of 500,000 products is read, and with how much memory.

python benchmarks/feed.py [--products N]
"""

import argparse
import resource
import tempfile
import time
from itertools import chain
from pathlib import Path

from tabulate import tabulate

from scraper.feeds.filing import Filing
from scraper.feeds.kinds import kind_of
from scraper.feeds.opening import head_of
from scraper.feeds.read import items

WORDS = "word " * 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=500_000)
    count = parser.parse_args().products
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("XML", write_xml), ("TSV", write_tsv)):
            path = Path(folder, name)
            write(path, count)
            lines.append((name, f"{path.stat().st_size / 1e6:,.0f}", *measure(path)))
    print(tabulate(lines, headers=["feed", "MB", "products/s", "of the class", "MiB added"]))


def measure(path: Path) -> tuple[str, int, str]:
    """Products a second, the number of products of the class, and the growth of peak memory."""
    kind, filing = kind_of(head_of(path)), Filing({"mug": ["Mugs"]})
    assert kind is not None
    products = items(path, kind, "https://shop.example/feed")
    first = next(products)
    before, start = peak(), time.perf_counter()
    labels = [bool(filing.labels(item.categories)) for item in chain([first], products)]
    rate = len(labels) / (time.perf_counter() - start)
    return f"{rate:,.0f}", sum(labels), f"{(peak() - before) / 1024:.1f}"


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def filed(number: int) -> str:
    return "Mugs" if number % 10 == 0 else f"Others > {number % 500}"


def write_xml(path: Path, count: int) -> None:
    with path.open("w") as out:
        out.write('<rss xmlns:g="http://base.google.com/ns/1.0"><channel>')
        for n in range(count):
            out.write(
                f"<item><g:id>{n}</g:id><title>Product {n}</title><link>https://s.example/{n}</link>"
                f"<g:image_link>https://i.example/{n}.jpg</g:image_link>"
                f"<g:product_type>{filed(n)}</g:product_type><d>a & b {WORDS}</d></item>\n"
            )
        out.write("</channel></rss>")


def write_tsv(path: Path, count: int) -> None:
    with path.open("w") as out:
        out.write("id\ttitle\tlink\timage_link\tproduct_type\tdescription\n")
        for n in range(count):
            link, image = f"https://s.example/{n}", f"https://i.example/{n}.jpg"
            out.write(f"{n}\tProduct {n}\t{link}\t{image}\t{filed(n)}\t{WORDS}\n")


if __name__ == "__main__":
    main()
