"""The collect stage, to which 127.0.0.2 to 127.0.0.250 are hosts of the public network.

So they are asked as politely as strangers' hosts, although the source does not allow them as its
own network: `python benchmarks/loopback_hosts.py SOURCE` is `python -m scraper.collect SOURCE`.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address

from pipeline import addresses
from pipeline.cli import run
from scraper.collect import main

_LOOPBACK = IPv4Network("127.0.0.0/24")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address in _LOOPBACK


addresses._is_public = _is_public

if __name__ == "__main__":
    run(main)
