"""The command that serves the demo shop: `python -m scraper.demo_shop`."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from pipeline.cli import UserError, run
from pipeline.numbers import number_from
from scraper.demo_shop.catalogue import CATEGORIES, DEFAULT_LABELS
from scraper.demo_shop.server import ShopServer

_WELCOME = """{address}

categories:
{categories}

params.yaml leaves {label!r} out. To take it in, in another terminal:
  scrapy crawl shop -a source=own -a label={label} -a url={url}
  dvc repro

Ctrl-C stops the shop."""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scraper.demo_shop",
        description="Serve the demo shop on this machine until Ctrl-C: five categories of "
        "products, with the images and the defects of real shops.",
    )
    parser.add_argument(
        "--port", type=number_from(0), default=0, help="0, the default, takes a free one"
    )
    stop = "stop when standard input closes, for a program that starts the shop"
    parser.add_argument("--until-stdin-ends", action="store_true", help=stop)
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        shop = ShopServer(options.port)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"the demo shop can't use port {options.port} ({error}); choose another --port"
        ) from error
    with shop:
        print(_welcome(shop.address.rstrip("/")), flush=True)
        if options.until_stdin_ends:
            threading.Thread(target=_stop_with_stdin, args=[shop], daemon=True).start()
        try:
            shop.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)


def _stop_with_stdin(shop: ShopServer) -> None:
    sys.stdin.read()
    shop.shutdown()


def _welcome(origin: str) -> str:
    listed = "\n".join(f"  {c.label:10} {origin}{c.path}" for c in CATEGORIES)
    extra = next(c for c in CATEGORIES if c.label not in DEFAULT_LABELS)
    url = origin + extra.path
    return _WELCOME.format(address=f"{origin}/", categories=listed, label=extra.label, url=url)


if __name__ == "__main__":
    run(main)
