"""How pages and images ask robots to keep off."""

import pytest
from scrapy.http import HtmlResponse

from scraper.reading.optout import image_opt_out, page_opt_out

URL = "http://shop.example/"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        (["noindex, nofollow"], None),
        (["noai"], "X-Robots-Tag: noai"),
        (["noindex, NoImageIndex"], "X-Robots-Tag: noimageindex"),
        (["noarchive", "noimageai"], "X-Robots-Tag: noimageai"),
        (["otherbot: noai, noimageai"], None),
        (["Product-Classification: noai"], "X-Robots-Tag: noai"),
        (["otherbot: noai", "noimageai"], "X-Robots-Tag: noimageai"),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"], "X-Robots-Tag: noai"),
    ],
)
def test_headers(headers, found):
    response = HtmlResponse(URL, headers={"X-Robots-Tag": headers})
    assert image_opt_out(response) == found
    assert page_opt_out(response) == found


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ('<meta name="robots" content="noai, noimageai">', "meta robots: noai"),
        ("<META CONTENT=NOIMAGEINDEX NAME=ROBOTS>", "meta robots: noimageindex"),
        (
            '<meta name="product-classification" content="noai">',
            "meta product-classification: noai",
        ),
        ('<meta name="otherbot" content="noai">', None),
        ('<meta name="description" content="noai">', None),
        ("<p>What does noai mean?</p>", None),
    ],
)
def test_markup(markup, found):
    page = HtmlResponse(URL, body=f"<html><head>{markup}</head></html>", encoding="utf-8")
    assert page_opt_out(page) == found
