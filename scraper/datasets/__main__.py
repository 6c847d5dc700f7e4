"""`python -m scraper.datasets`: the known public datasets."""

import argparse

from tabulate import tabulate

from pipeline.cli import run
from scraper.datasets.catalog import catalog


def main(argv: list[str] | None = None) -> None:
    """Print a table of the catalog."""
    argparse.ArgumentParser(
        prog="python -m scraper.datasets",
        description="The public datasets that are known by name. To take one, add a source to "
        "params.yaml: `kind: dataset`, `dataset: <name>`, `classes: null`.",
    ).parse_args(argv)
    rows = [
        (
            name,
            entry.title,
            _megabytes(sum(file.size or 0 for file in entry.files)),
            f"{entry.images:,}",
            entry.class_count,
            entry.license or "none stated",
        )
        for name, entry in sorted(catalog().items())
    ]
    headers = ["name", "title", "download", "images", "classes", "license"]
    print(tabulate(rows, headers, colalign=("left", "left", "right", "right", "right", "left")))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


if __name__ == "__main__":
    run(main)
