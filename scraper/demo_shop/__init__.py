"""A small web shop, served on the loopback address, whose photos are drawn by code.

It is what the project runs on until it is given real sources: five categories of products,
listing and product pages as shops have them, and the dirt of real shops in known counts
(`scraper.demo_shop.defects`). The same versions serve the same bytes every time.
"""

from scraper.demo_shop.process import serve

__all__ = ["serve"]
