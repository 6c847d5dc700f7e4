"""Divides a long list of products into parts, each of which is a source of its own.

A part keeps what it has when the list grows: a hash decides, not the place in the list.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_HEAPS = 5040
"""of hosts: a part has some of them; the number can be divided by all small numbers"""


@dataclass(frozen=True, slots=True)
class Part:
    """One of several parts of a list.

    `2/3` has about a third of the products, each with all its images. `2/3 by host` has a third of
    the hosts, each with all that is fetched from it: such parts never ask one host.
    """

    number: int
    of: int
    by_host: bool

    @classmethod
    def parsed(cls, text: str | None) -> Self:
        """The part that a source names; its `part` has been checked. None means all.

        >>> Part.parsed("2/3 by host")
        Part(number=2, of=3, by_host=True)
        """
        numbers, _, by_host = (text or "1/1").partition(" ")
        number, _, of = numbers.partition("/")
        return cls(int(number), int(of), bool(by_host))

    def has(self, product: str, address: str) -> bool:
        """Whether the product is in this part. `address` is where its page or image is."""
        return self._has_heap(_heap(host_of(address) if self.by_host else product))

    def heaps(self) -> Iterator[str]:
        """Names of the heaps of hosts that it may ask; two parts that share none share no host."""
        heaps = range(_HEAPS)
        return (f"heap {n}" for n in heaps if not self.by_host or self._has_heap(n))

    def _has_heap(self, heap: int) -> bool:
        return heap % self.of == self.number - 1


def host_of(address: str) -> str:
    """The host of an address, without `www.` and port; empty where it names none.

    A name with other letters than English ones has one form, as the host itself gets it.

    >>> host_of("https://WWW.shop.example:8443/mugs/"), host_of("https://käse.example")
    ('shop.example', 'xn--kse-qla.example')
    """
    try:
        host = (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""
    with suppress(UnicodeError):  # a name that can't be a host's stays as it is
        host = host.encode("idna").decode("ascii")
    return host.lower().removeprefix("www.")


def _heap(text: str) -> int:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % _HEAPS
