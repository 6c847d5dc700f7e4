"""Looks for places that have images of a category, for `python -m scraper.propose`."""
