"""The folders stage: `python -m scraper.folders` makes data/folders, where DVC looks."""

import argparse
from collections.abc import Sequence

from pipeline.cli import run
from pipeline.params import load_params
from scraper.folders.links import link_folders


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scraper.folders",
        description="Put a link to the folder of each source of kind folder into data/folders, "
        "where DVC sees what changes in it. DVC only reads these folders.",
    )
    parser.parse_args(argv)
    link_folders(load_params().sources)


if __name__ == "__main__":
    run(main)
