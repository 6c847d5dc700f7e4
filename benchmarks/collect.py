"""Measures images per second of this project, of img2dataset, and of Scrapy by itself.

    python benchmarks/collect.py [PART...] [--count 5000] [--rounds 3]

Real images (where there are not enough, copies differ in a comment inside the file) are served from
the loopback address, by a process of its own. All tools take the same images as they are, one after
the other, start-up counted. The parts are

  addresses  a table of addresses: this project, img2dataset with one process for its work, and
             Scrapy with an empty item pipeline (see bare_scrapy.py)
  latency    the same, and each answer comes after 50 ms
  hosts      the same, from 50 hosts; this project and Scrapy pause between requests to one host
  shop       the shop spider, which finds the images on the shop's pages; a tenth of the images
             shows whether memory grows
  archive    download, verification, unpacking and manifest, against what `tar` and `sha256sum` take
             for the local file

Without a name all parts run. The medians go to benchmarks/results/collect.json too, with the commit
and the processor that they come from.
"""

import argparse
import csv
import hashlib
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common import ARCHIVES, ROOT, keep, machine, peer
from processes import Cost, measured
from ruamel.yaml import YAML
from served import build, serve
from tabulate import tabulate

from pipeline.cli import UserError, run
from pipeline.numbers import number_from

PATTERN = r"(?P<split>train|validation|test)/(?P<label>[^/]+)/[^/]+\.jpg$"
LATENCY = 0.05  # seconds
HOSTS = [f"127.0.0.{n}" for n in range(2, 52)]
BENCHMARKS = Path(__file__).parent

Took = tuple[Cost, int]
"""what a run took, and how many images came"""


def main() -> None:
    options = _options()
    archives = sorted(ARCHIVES.glob("clothing-dataset-small-*.tar.gz"))
    if not archives or options.count < 10:
        raise UserError(
            "needs at least 10 images, and clothing-dataset-small-*.tar.gz in "
            f"{ARCHIVES}; DATASETS_MIRROR may name another folder"
        )
    with tempfile.TemporaryDirectory(prefix="collect-") as scratch:
        work = Path(scratch)
        bench = Bench(work, archives[0], options.count, options.rounds)
        for part in options.part or PARTS:
            result = PARTS[part](bench)
            kept = keep("collect", {part: machine() | result})
    print(f"\nin {kept.relative_to(ROOT)} too")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="what is measured (all)")
    parser.add_argument("--count", type=number_from(1), default=5000, help="images (5000)")
    parser.add_argument(
        "--rounds", type=number_from(1), default=3, help="of which the median counts (3)"
    )
    return parser.parse_args()


class Bench:
    """The images, and one way to run all tools."""

    def __init__(self, work: Path, archive: Path, count: int, rounds: int) -> None:
        self.work = work
        self.site = work / "site"
        self.archive = archive
        self.count = count
        self._rounds = rounds
        self.paths = build(self.site, archive, {"tenth": count // 10, "all": count})["all"]

    def turns(self, tools: Mapping[str, Callable[[Path], Took]]) -> dict[str, dict[str, float]]:
        """Cost the tools in turns, each in a new folder; print and give back their medians."""
        took: dict[str, list[Took]] = {name: [] for name in tools}
        for n in range(self._rounds):
            for name, tool in tools.items():
                print(f"round {n + 1}: {name} …", file=sys.stderr)
                with tempfile.TemporaryDirectory(dir=self.work) as folder:
                    took[name].append(tool(Path(folder)))
        results = {name: summary(each) for name, each in took.items()}
        keys = next(iter(results.values()))
        print(tabulate([(k, *v.values()) for k, v in results.items()], ["", *keys], floatfmt=".4g"))
        print(flush=True)
        return results


def summary(runs: Sequence[Took]) -> dict[str, float]:
    median = statistics.median
    return {
        "images": median(saved for _, saved in runs),
        "images/s": median(saved / run.seconds for run, saved in runs),
        "processor s for 1,000": median(1000 * run.cpu / max(saved, 1) for run, saved in runs),
        "peak MB": median(run.peak / 1e6 for run, _ in runs),
    }


def addresses(bench: Bench, hosts: Sequence[str] = (), latency: float = 0) -> dict[str, Any]:
    """Three tools, given the addresses of the same images."""
    with serve(bench.site, hosts or ("127.0.0.1",), latency) as port:
        names = hosts or ("127.0.0.1",)
        urls = [f"http://{names[n % len(names)]}:{port}{x}" for n, x in enumerate(bench.paths)]
        table = bench.work / "addresses.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("url", "label"), *((url, "photo") for url in urls)])
        source = {"kind": "addresses", "url": str(table)}
        if not hosts:
            source["allow_private"] = [f"127.0.0.1:{port}"]
        stage = [BENCHMARKS / "loopback_hosts.py"] if hosts else ["-m", "scraper.collect"]
        results = bench.turns(
            {
                "this project": lambda folder: collect(folder, source, stage),
                "img2dataset": lambda folder: img2dataset(folder, table, bench.count),
                "Scrapy by itself": lambda folder: bare_scrapy(
                    folder, table, is_polite=bool(hosts)
                ),
            }
        )
    return {"pauses between requests to one host": bool(hosts), "latency": latency} | results


def latency(bench: Bench) -> dict[str, Any]:
    """The same, where each answer takes its time."""
    return addresses(bench, latency=LATENCY)


def many_hosts(bench: Bench) -> dict[str, Any]:
    """The same, from many hosts."""
    return addresses(bench, hosts=HOSTS)


def shop(bench: Bench) -> dict[str, Any]:
    """The shop spider, with all images and with a tenth of them."""

    def crawl(category: str) -> Callable[[Path], Took]:
        source = {"kind": "spider", "spider": "shop", "url": url, "allow_private": [host]}
        source |= {"classes": {"photo": f"/{category}/page-0.html"}}
        return lambda folder: collect(folder, source)

    with serve(bench.site) as port:
        host = f"127.0.0.1:{port}"
        url = f"http://{host}"
        results = bench.turns({"a tenth": crawl("tenth"), "all": crawl("all")})
    small, large = results["a tenth"], results["all"]
    growth = (large["peak MB"] - small["peak MB"]) * 1e6 / (large["images"] - small["images"])
    print(f"its memory grows by {growth:,.0f} bytes for each image\n")
    return {**results, "bytes of memory for each image": growth}


def archive_path(bench: Bench) -> dict[str, Any]:
    """`kind: archive` and `tar x` with `sha256sum`, in turns; medians of seconds."""
    archive = bench.archive
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    def by_hand(folder: Path) -> Took:
        tar = measured(["tar", "-xzf", archive, "-C", folder], folder)
        check = measured(["sha256sum", archive], folder)
        both = Cost(tar.seconds + check.seconds, tar.cpu + check.cpu, max(tar.peak, check.peak))
        return both, len(list(folder.rglob("*.jpg")))

    with serve(bench.site) as port:
        source = {
            "kind": "archive", "url": f"http://127.0.0.1:{port}/{archive.name}", "sha256": sha256,
            "pattern": PATTERN, "license": "CC0-1.0", "allow_private": [f"127.0.0.1:{port}"],
        }  # fmt: skip
        tools = {
            "tar x + sha256sum": by_hand,
            "kind: archive": lambda folder: collect(folder, source),
        }
        return {"MB": archive.stat().st_size / 1e6} | bench.turns(tools)


PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "addresses": addresses,
    "latency": latency,
    "hosts": many_hosts,
    "shop": shop,
    "archive": archive_path,
}


def collect(
    folder: Path,
    source: Mapping[str, object],
    stage: Sequence[str | Path] = ("-m", "scraper.collect"),
) -> Took:
    """Collect one source in a folder of its own."""
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["sources"] = {"it": source}
    with (folder / "params.yaml").open("w") as file:
        yaml.dump(params, file)
    environment = {"PYTHONPATH": str(ROOT), "DATASETS_MIRROR": ""}
    took = measured([sys.executable, *stage, "it"], folder, environment)
    counts = json.loads((folder / "results/collect/it.json").read_text())
    return took, counts["saved"]


def img2dataset(folder: Path, table: Path, count: int) -> Took:
    """img2dataset's main process hands the work to one other process, and does none itself."""
    options = {
        "url_list": table, "input_format": "csv", "url_col": "url",
        "output_folder": folder / "out", "output_format": "files",
        "resize_mode": "no", "disable_all_reencoding": True, "processes_count": 1,
        "thread_count": 32, "number_sample_per_shard": -(-count // 8),
    }  # fmt: skip
    program = peer("img2dataset").with_name("img2dataset")
    command = [program, *(f"--{key}={value}" for key, value in options.items())]
    took = measured(command, folder, {"NO_ALBUMENTATIONS_UPDATE": "1"})
    return took, len(list(folder.rglob("*.jpg")))


def bare_scrapy(folder: Path, table: Path, *, is_polite: bool) -> Took:
    command = [sys.executable, BENCHMARKS / "bare_scrapy.py", table]
    polite = ["--polite"] if is_polite else []
    took = measured([*command, *polite], folder, {"PYTHONPATH": str(ROOT)})
    return took, int((folder / "output.log").read_text().split()[-1])


if __name__ == "__main__":
    run(main)
