"""`python -m scraper.propose mug "rain boot"`: finds images of categories, as entries to paste."""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence

from pipeline.cli import UserError, run
from pipeline.paths import PARAMS
from scraper.proposals.entries import add_to, as_text
from scraper.proposals.proposal import LIMIT, PLACES, propose


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    if not (options.categories or options.shop):
        raise UserError('name a category, for example: python -m scraper.propose mug "rain boot"')
    if options.contact is not None and not re.fullmatch("[ -~]+", options.contact):
        raise UserError("--contact is an address of mail or web in plain letters (ASCII)")
    found = propose(
        options.categories,
        options.shop,
        apis=_apis(options.api),
        skip=options.skip,
        prefix=options.prefix,
        limit=options.limit,
        contact=options.contact,
    )
    for place, category, why in found.lost:
        print(_plain(f"not found: {category} in {place}: {why}"), file=sys.stderr)
    if not found.entries:
        print("nothing was found anywhere", file=sys.stderr)
        return 1
    if not options.write:
        print("  # paste this below `sources:` in params.yaml")
    print(_plain(as_text(found.entries)), end="")
    if options.write:
        add_to(PARAMS, found.entries)
        names = ", ".join(entry.name for entry in found.entries)
        print(f"{PARAMS} has these new sources: {names}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scraper.propose",
        description="Look for images of each category and print entries for `sources` in "
        "params.yaml: from Wikimedia Commons, Openverse, Open Food Facts, the known datasets, and "
        "shops that you name. What could not be found goes to stderr, with the reason. "
        "No image is fetched.",
    )
    parser.add_argument("categories", nargs="*", help='in English, for example: mug "rain boot"')
    parser.add_argument(
        "--shop",
        action="append",
        default=[],
        metavar="URL",
        help="look for the categories in this shop too; without categories, list all it has. "
        "Can be given several times",
    )
    parser.add_argument(
        "--contact", help="your address of mail or web: requests and the entries have it"
    )
    parser.add_argument("--write", action="store_true", help="put the entries into params.yaml")
    parser.add_argument("--prefix", default="", help="the beginning of the sources' names")
    parser.add_argument(
        "--limit", type=int, default=LIMIT, help="limit_per_class of the entries (%(default)s)"
    )
    parser.add_argument(
        "--skip",
        action="append",
        default=[],
        choices=[*PLACES, "datasets"],
        help="do not look there. Can be given several times",
    )
    parser.add_argument(
        "--api",
        action="append",
        default=[],
        metavar="PLACE=URL",
        help=f"another address of an API. PLACE is one of {', '.join(PLACES)}",
    )
    return parser


def _apis(given: Iterable[str]) -> dict[str, str]:
    found = {}
    for one in given:
        place, _, url = one.partition("=")
        if place not in PLACES or not url:
            raise UserError(f"--api {one}: write PLACE=URL; PLACE is one of {', '.join(PLACES)}")
        found[place] = url
    return found


def _plain(text: str) -> str:
    """The text without control characters: a text from the web must not control the terminal."""
    return "".join(x for x in text if x.isprintable() or x == "\n")


if __name__ == "__main__":
    run(main)
