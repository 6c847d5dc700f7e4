"""Where images of a category may be found: what `python -m scraper.propose` asks, and writes."""
