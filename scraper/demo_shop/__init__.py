"""A small web shop, served on the loopback address, whose images are drawn by code.

It is what the project runs on until it is given real sources: five categories of products,
listing and product pages as shops have them, and the dirt of real shops in known counts
(`scraper.demo_shop.defects`). The same versions serve the same bytes every time.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.cli import UserError


@contextmanager
def serve(port: int = 0) -> Iterator[str]:
    """Serve the shop in its own process for a `with` block; yields `http://127.0.0.1:PORT/`.

    Port 0 takes a free one. The shop stops when the block ends, and when this process dies: it
    watches its standard input, which is a pipe that only this process holds.

    Raises UserError where the shop can't be served (the port is taken, say).
    """
    command = [sys.executable, "-m", "scraper.demo_shop", "--port", str(port), "--until-stdin-ends"]
    shop = subprocess.Popen(  # noqa: S603 - our own command, no shell
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert shop.stdin is not None
    assert shop.stdout is not None
    try:
        address = shop.stdout.readline().strip()
        if not address.startswith("http://"):
            raise UserError("the demo shop could not be started; its own message is above")
        yield address
    finally:
        shop.stdin.close()
        try:
            shop.wait(timeout=30)
        except subprocess.TimeoutExpired:
            shop.kill()
            shop.wait()
        shop.stdout.close()
