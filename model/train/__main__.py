"""The train stage: data/dataset → results/model, and the course of it → results/train.

    python -m model.train

Trains `train.network` by the sections `train` and `augment` of params.yaml, keeps the weights of
the epoch with the best validation accuracy.
"""

import argparse
from collections.abc import Sequence

from model.quiet import import_keras
from pipeline.cli import run
from pipeline.params import load_params
from pipeline.paths import DATASET, MODEL, TRAIN, TRAIN_CACHE


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.train",
        description="Train the network that params.yaml describes on data/dataset; "
        "the best epoch's model goes to results/model, metrics and plots to results/train.",
    )
    parser.parse_args(arguments)
    params = load_params()
    import_keras()
    from model.train.team import Team  # before all else: TensorFlow asks for it

    team = Team.from_environment()
    from model.train.recipe import train

    with team.outputs(MODEL, TRAIN, TRAIN_CACHE) as (model, log, cache), team.together():
        train(params, DATASET, model, log, cache, team)


if __name__ == "__main__":
    run(main)
