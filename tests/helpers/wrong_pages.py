"""Pages that are no product pages, and the preview's text for a page."""

from pipeline.cli import UserError
from scraper.preview import preview, render

WAF = "<html><head><script>challenge()</script></head><body><script>go()</script></body></html>"


PDF = b"%PDF-1.7\n\1\2\xff"


def previewed(url: str) -> str:
    """The preview's text for a page on one line, or its error if it shows nothing."""
    try:
        return " ".join(render(preview(url)).split())
    except UserError as error:
        return str(error)
