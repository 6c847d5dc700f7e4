"""Reads pages: products, images, links, paging, and sitemaps. Nothing is fetched here."""
