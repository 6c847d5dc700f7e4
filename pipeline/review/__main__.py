"""`python -m pipeline.review` serves the page where a person looks at findings, and decides."""

import argparse
from collections.abc import Sequence

from pipeline.cli import needs_extra, run
from pipeline.params import load_params


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page until Ctrl-C."""
    with needs_extra("web"):
        from pipeline.review.app import make_app
        from pipeline.serving import add_address_arguments, serve
    from pipeline.review.catalog import read_catalog

    parser = argparse.ArgumentParser(
        prog="python -m pipeline.review",
        description="Serve a page that shows what clean found: label conflicts, near-duplicates, "
        "suspected labels, what was dropped or flagged, and every class. What you decide there is "
        "in data/review.csv at once, and the next dvc repro obeys it. Nothing else is written.",
    )
    add_address_arguments(parser, 8010)
    options = parser.parse_args(arguments)
    app = make_app(lambda: read_catalog(load_params()))
    serve(app, "review", options, max_body=20_000)


if __name__ == "__main__":
    run(main)
