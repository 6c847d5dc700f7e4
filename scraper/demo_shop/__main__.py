"""Serve the demo shop by hand: `python -m scraper.demo_shop`."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from pipeline.cli import UserError, run
from scraper.demo_shop.catalogue import CATEGORIES, DEFAULT_LABELS
from scraper.demo_shop.server import Shop


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scraper.demo_shop",
        description="Serve the demo shop on this machine until Ctrl-C: five categories of "
        "products, with the photos and the dirt of real shops.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument(
        "--until-stdin-ends",
        action="store_true",
        help="stop when standard input closes, for a program that starts the shop",
    )
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        shop = Shop(options.port)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"port {options.port} can't be served on ({error}); choose another --port"
        ) from error
    with shop:
        print(_welcome(shop.address), flush=True)
        if options.until_stdin_ends:
            threading.Thread(target=_stop_with_stdin, args=[shop], daemon=True).start()
        try:
            shop.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)


def _stop_with_stdin(shop: Shop) -> None:
    sys.stdin.read()
    shop.shutdown()


def _welcome(address: str) -> str:
    lines = [address, "", "categories:"]
    lines += [f"  {c.label:10} {address.rstrip('/')}{c.path}" for c in CATEGORIES]
    extra = next(c for c in CATEGORIES if c.label not in DEFAULT_LABELS)
    url = address.rstrip("/") + extra.path
    lines += [
        "",
        f"params.yaml leaves {extra.label!r} out. To take it in, in another terminal:",
        f"  scrapy crawl shop -a source=own -a label={extra.label} -a url={url}",
        "  dvc repro",
        "",
        "Ctrl-C stops the shop.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
