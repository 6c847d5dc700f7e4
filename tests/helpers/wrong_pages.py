"""Pages that are no product pages, and what the preview says of a page."""

from pipeline.cli import UserError
from scraper.preview import preview, render

WAF = "<html><head><script>challenge()</script></head><body><script>go()</script></body></html>"


PDF = b"%PDF-1.7\n\1\2\xff"


def previewed(url: str) -> str:
    """What the preview says of a page, on one line, also where it shows nothing."""
    try:
        return " ".join(render(preview(url)).split())
    except UserError as error:
        return str(error)
