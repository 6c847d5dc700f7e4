"""`python -m model.serve`: a page and an HTTP API that classify images."""

import argparse
from collections.abc import Sequence

import numpy as np

from model.classifier import Classifier
from pipeline.cli import needs_extra, run
from pipeline.paths import EXPORT, MODEL


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    with needs_extra("web"):
        from model.serve.app import make_app
        from model.serve.images import Limits
        from pipeline.serving import add_address_arguments, serve

    parser = argparse.ArgumentParser(
        prog="python -m model.serve",
        description="Serve a page to drop, paste, choose or photograph images and read their "
        "classes, and the API that it uses (described at /docs).",
    )
    add_address_arguments(parser, 8020)
    parser.add_argument(
        "--engine",
        choices=("keras", "onnx"),
        default="keras",
        help="onnx: the export in results/export, without TensorFlow (keras)",
    )
    parser.add_argument(
        "--addresses",
        action="store_true",
        help="let clients send addresses of images, which the server then fetches; "
        "those of private networks are refused",
    )
    parser.add_argument(
        "--allow-private",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="with --addresses: a host of your own network that may be asked all the same",
    )
    options = parser.parse_args(arguments)
    if options.allow_private and not options.addresses:
        parser.error("--allow-private is for --addresses")
    classifier = Classifier.load(EXPORT if options.engine == "onnx" else MODEL)
    size = classifier.model.image_size
    for count in (1, 2, 3):  # the first batches build the network for batches of any size
        classifier.probabilities(np.zeros((count, size, size, 3), np.uint8))
    limits = Limits()
    app = make_app(
        classifier,
        addresses=options.addresses,
        allow_private=options.allow_private,
        limits=limits,
    )
    serve(app, "serve", options, max_body=limits.request_bytes)


if __name__ == "__main__":
    run(main)
