"""Images of products, drawn by code."""

from scraper.demo_shop.drawing.camera import draw

__all__ = ["draw"]
