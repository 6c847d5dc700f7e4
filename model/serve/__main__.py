"""`python -m model.serve`: a page and an HTTP API that classify images."""

import argparse
from collections.abc import Sequence
from functools import partial

from pipeline.cli import needs_extra, run
from pipeline.numbers import number_from
from pipeline.paths import EXPORT, MODEL


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM; take up a new model at SIGHUP."""
    with needs_extra("web"):
        from model.serve.app import counted, make_app
        from model.serve.images import Limits
        from model.serve.learning import Learner
        from model.serve.metrics import Metrics
        from model.serve.models import Models
        from pipeline.serving import serve

    options = _options(arguments)
    metrics = Metrics()
    learner = Learner(options.learn_into) if options.learn_into else None
    models = Models(
        EXPORT if options.engine == "onnx" else MODEL,
        taken_up=metrics.model_taken_up,
        refused=metrics.model_refused,
    )
    limits = Limits(stall_seconds=options.stall)
    app = make_app(
        models,
        metrics,
        addresses=options.addresses,
        allow_private=options.allow_private,
        learner=learner,
        limits=limits,
        watch=options.watch,
    )
    serve(
        app,
        "serve",
        options,
        max_body=limits.request_bytes,
        around=partial(counted, app, metrics),
        on_hangup=models.take_up,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    from pipeline.serving import add_address_arguments

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
        help="with --addresses: a host of your own network that may be asked too",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="load a new model as soon as it is in the folder; without this only at SIGHUP",
    )
    parser.add_argument(
        "--learn-into",
        metavar="SOURCE",
        help="keep images that somebody names the right class of: in the folder of this source of "
        "kind folder, for the next dvc repro",
    )
    parser.add_argument(
        "--stall",
        type=number_from(0.1),
        default=30.0,
        metavar="SECONDS",
        help="cut off an upload if no byte of it comes for so many seconds (default: %(default)g)",
    )
    options = parser.parse_args(arguments)
    if options.allow_private and not options.addresses:
        parser.error("--allow-private is for --addresses")
    return options


if __name__ == "__main__":
    run(main)
