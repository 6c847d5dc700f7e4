"""Measures how fast a shop's feed of 500,000 products is read, and with how much memory.

    python benchmarks/feed.py [KIND...] [--products N]

Each kind of feed is read plain and gzipped, each time by a process of its own. The memory that
reading takes is compared with that of a feed of a tenth of the products.
"""

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tabulate import tabulate

from pipeline.numbers import number_from

WORDS = "word " * 60
G = 'xmlns:g="http://base.google.com/ns/1.0"'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", nargs="*", choices=[*KINDS, []], help="rss, atom, csv, tsv (all)")
    parser.add_argument("--products", type=number_from(10), default=500_000)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(measure(options.read)))
        return
    lines = []
    with tempfile.TemporaryDirectory(prefix="feed-") as folder:
        for kind in options.kind or KINDS:
            for packed in (False, True):
                path = Path(folder, f"{kind}{'.gz' if packed else ''}")
                peaks = []
                for count in (options.products // 10, options.products):
                    with gzip.open(path, "wt", 1) if packed else path.open("w") as out:
                        out.writelines(KINDS[kind](count))
                    rate, found, peak = _apart(path)
                    peaks.append(peak)
                size = f"{path.stat().st_size / 1e6:,.0f}"
                lines.append((path.name, size, f"{rate:,.0f}", found, *peaks))
                path.unlink()
    tenth, whole = (f"MiB for {n:,}" for n in (options.products // 10, options.products))
    print(tabulate(lines, headers=["feed", "MB", "products/s", "of the class", tenth, whole]))


def _apart(path: Path) -> tuple[float, int, float]:
    command = [sys.executable, __file__, "--read", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rate, found, peak = json.loads(done.stdout)
    return rate, found, peak


def measure(path: Path) -> tuple[float, int, float]:
    """Products a second, how many are of the class, and the peak memory in MiB."""
    # here, so that the process that writes the feeds stays small
    from scraper.feeds.filing import Filing
    from scraper.feeds.kinds import kind_of
    from scraper.feeds.opening import head_of
    from scraper.feeds.read import items

    kind, filing = kind_of(head_of(path)), Filing({"mug": ["Mugs"]})
    assert kind is not None
    start, count, found = time.perf_counter(), 0, 0
    for item in items(path, kind, "https://shop.example/feed"):
        count += 1
        found += bool(filing.labels(item.categories))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return count / (time.perf_counter() - start), found, round(peak, 1)


def filed(number: int) -> str:
    return "Mugs" if number % 10 == 0 else f"Others > {number % 500}"


def rss(count: int) -> Iterator[str]:
    yield f"<rss {G}><channel>"
    for n in range(count):
        yield (
            f"<item><g:id>{n}</g:id><title>Product {n}</title><link>https://s.example/{n}</link>"
            f"<g:image_link>https://i.example/{n}.jpg</g:image_link>"
            f"<g:product_type>{filed(n)}</g:product_type><d>a & b {WORDS}</d></item>\n"
        )
    yield "</channel></rss>"


def atom(count: int) -> Iterator[str]:
    yield f'<feed xmlns="http://www.w3.org/2005/Atom" {G}>'
    for n in range(count):
        yield (
            f"<entry><g:id>{n}</g:id><title>Product {n}</title>"
            f'<link href="https://s.example/{n}"/><g:product_type>{filed(n)}</g:product_type>'
            f"<g:image_link>https://i.example/{n}.jpg</g:image_link><summary>{WORDS}</summary>"
            "</entry>\n"
        )
    yield "</feed>"


def table(delimiter: str) -> Callable[[int], Iterator[str]]:
    def write(count: int) -> Iterator[str]:
        columns = ("id", "title", "link", "image_link", "product_type", "description")
        yield delimiter.join(columns) + "\n"
        for n in range(count):
            link, image = f"https://s.example/{n}", f"https://i.example/{n}.jpg"
            row = (str(n), f"Product {n}", link, image, filed(n), WORDS)
            yield delimiter.join(row) + "\n"

    return write


KINDS = {"rss": rss, "atom": atom, "csv": table(","), "tsv": table("\t")}

if __name__ == "__main__":
    main()
