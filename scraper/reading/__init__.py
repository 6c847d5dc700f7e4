"""Reads pages: products, images, links, paging, and sitemaps. This package fetches nothing."""
