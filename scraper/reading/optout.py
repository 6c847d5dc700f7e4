"""Reads the opt-outs of pages and images: `X-Robots-Tag` and `<meta name="robots">`."""

import re
from collections.abc import Iterable

from scrapy.http import Response, TextResponse

from scraper.settings import BOT_NAME

_OPT_OUTS = ("noimageindex", "noai", "noimageai")
_WITH_VALUE = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
_ANY_OPT_OUT = re.compile("|".join(_OPT_OUTS), re.IGNORECASE)


def image_opt_out(response: Response) -> str | None:
    """The header that asks us or all robots not to take an image, such as `X-Robots-Tag: noai`.

    None if no header asks that.
    """
    for header in response.headers.getlist("X-Robots-Tag"):
        value = header.decode("latin-1")
        agent, colon, rest = value.partition(":")
        if colon and "," not in agent and agent.strip().lower() not in _WITH_VALUE:
            value = rest if agent.strip().lower() == BOT_NAME else ""
        if found := _first_opt_out(value.split(",")):
            return f"X-Robots-Tag: {found}"
    return None


def page_opt_out(response: Response) -> str | None:
    """The words in a page's headers or markup that ask robots not to take its images, or None."""
    if found := image_opt_out(response):
        return found
    if not isinstance(response, TextResponse) or not _ANY_OPT_OUT.search(response.text):
        return None
    for meta in response.xpath("//meta[@name and @content]"):
        name = meta.attrib["name"].strip().lower()
        if name in ("robots", BOT_NAME) and (
            found := _first_opt_out(meta.attrib["content"].split(","))
        ):
            return f"meta {name}: {found}"
    return None


def _first_opt_out(directives: Iterable[str]) -> str | None:
    asked = {directive.strip().lower() for directive in directives}
    return next((word for word in _OPT_OUTS if word in asked), None)
