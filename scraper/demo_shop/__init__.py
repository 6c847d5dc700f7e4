"""A small web shop on the loopback address. Code draws its images.

The project runs on it until you give it real sources. It has five categories of products, listing
and product pages like those of real shops, and defects of real shops in known numbers
(`scraper.demo_shop.defects`). With the same versions of its libraries, it always serves the same
bytes.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.cli import UserError


@contextmanager
def serve(port: int = 0) -> Iterator[str]:
    """Serve the shop in its own process for a `with` block; yields `http://127.0.0.1:PORT/`.

    Port 0 takes a free one. The shop stops when the block ends. It also stops when this process
    dies, because its standard input is a pipe that only this process holds.

    Raises UserError if the shop can't start, for example because the port is taken.
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
