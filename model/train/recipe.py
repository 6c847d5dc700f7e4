"""Compile, fit, keep the best: the training itself, from a dataset folder to a saved model."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from dvclive.keras import DVCLiveCallback
from dvclive.live import Live

from model import artifact, data
from model.networks import pretrained
from model.networks import registry as networks
from model.train import checkpoint, hardware, optimization
from model.train.batches import (
    VALIDATION_BATCH,
    generator_batches,
    parted_batches,
    plain_batches,
    training_batches,
)
from model.train.callbacks import Best, EpochLine, LossIsNanError, StopAtNan
from model.train.checkpoint import Checkpoint
from model.train.image_cache import ImageCache
from model.train.team import ALONE, EqualStart, Team
from pipeline.cli import UserError
from pipeline.params import Params, Train
from pipeline.paths import TRAIN_CACHE

_FOR_EPOCHS = (
    "fine_tune_from",
    "input",
    "batch_size",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "schedule",
    "warmup_epochs",
    "plateau_patience",
    "plateau_factor",
    "label_smoothing",
    "moving_average",
    "early_stopping",
)
"""the keys of `train` that only epochs use"""


def train(
    params: Params,
    dataset: Path,
    model: Path,
    log: Path,
    cache: Path = TRAIN_CACHE,
    team: Team = ALONE,
) -> None:
    """Train on `dataset`; write the best epoch's model to `model`, metrics and plots to `log`.

    The same parameters, images and machine give the same weights, also when a training was
    killed and goes on from what it left in `cache`. UserError where the dataset can't be trained
    on, or the loss becomes NaN: then the best model until there is kept.
    """
    recipe = params.train
    keras.utils.set_random_seed(recipe.seed)
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    labels = data.class_labels(dataset)
    precision = hardware.precision(recipe.precision)
    network = _network(recipe, precision, len(labels), team)
    new_array = ImageCache(recipe.cache_gb, cache).array
    training = data.load_split(dataset, "train", labels, recipe.image_size, new_array)
    validation = data.load_split(dataset, "validation", labels, recipe.image_size, new_array)
    digest = data.dataset_digest(dataset)
    with Live(str(log), dvcyaml=None, save_dvc_exp=False) as live:
        best, steering = Best(live), optimization.callbacks(recipe)
        key = checkpoint.key(params, digest)
        team.agree(key)
        team.share(cache / key / checkpoint.FILE)
        state = Checkpoint(cache / key, best, steering, live)
        if pretrained.comes_trained(recipe) and not state.epochs:
            _begin_with_head(network, training, validation, recipe, best, live)
        callbacks = [
            StopAtNan(),
            *steering,
            best,
            DVCLiveCallback(live=live),
            EpochLine(recipe.epochs, len(training.files), state.epochs),
            state,
            EqualStart(team),
        ]
        batches = _batches(params, dataset, training, state.epochs, team)
        failed = _fit(network, batches, training, validation, recipe, state.epochs, callbacks, team)
        if best.weights and team.chief:
            _save(model, params, best, training, validation, digest, precision)
    state.remove()
    if failed:
        raise UserError(failed)


def _network(recipe: Train, precision: str, classes: int, team: Team) -> keras.Model:
    """The network, with pretrained weights if the recipe has some."""
    with hardware.arithmetic(precision):
        network = networks.build(recipe.network, recipe.image_size, classes)
        comes_trained = pretrained.comes_trained(recipe)
        if not (comes_trained or team.strategy):  # else its normalisations are not trained, or
            # are made of all members' parts of a batch
            network = hardware.for_training(network)
    if comes_trained:
        pretrained.load(network, recipe.weights, recipe.fine_tune_from)
    return network


def _fit(
    network: keras.Model,
    batches: Any,
    training: data.Images,
    validation: data.Images,
    recipe: Train,
    first_epoch: int,
    callbacks: list[keras.callbacks.Callback],
    team: Team,
) -> str | None:
    """Train to the end; or give back, in a sentence, why the training stopped before."""
    steps, held_out = None, plain_batches(validation)
    if team.strategy:
        steps = math.ceil(len(validation.files) / team.size / VALIDATION_BATCH)
        held_out = team.batches(partial(parted_batches, validation, steps))
    network = team.member(network)
    try:
        with team.scope():
            optimization.compile_network(network, recipe)
            network.fit(
                batches,
                steps_per_epoch=math.ceil(len(training.files) / recipe.batch_size),
                initial_epoch=first_epoch,
                epochs=recipe.epochs,
                shuffle=False,  # the input does it
                validation_data=held_out,
                validation_steps=steps,
                class_weight=optimization.class_weights(recipe, training),
                callbacks=callbacks,
                verbose=0,
            )
    except LossIsNanError as error:
        return f"{error}; lower train.learning_rate"
    return None


def _save(
    folder: Path,
    params: Params,
    best: Best,
    training: data.Images,
    validation: data.Images,
    digest: str,
    precision: str,
) -> None:
    """Write the best model, with what calibrates it and what tells foreign images."""
    from model.train.refusal import fit_refusal  # scikit-learn takes a second; training is over

    recipe = params.train
    # built anew: without the optimizer's state, and in full precision
    network = networks.build(recipe.network, recipe.image_size, len(validation.labels))
    network.set_weights(best.weights)
    vim, calibration, areas = fit_refusal(network, training, validation)
    about = {
        "parameters": params.model_dump(mode="json", include={"train", "augment"}),
        "dataset": digest,
        "precision": precision,
        "epoch": best.epoch,
        "validation_accuracy": best.accuracy,
        "separation": areas,
    }
    size = recipe.image_size
    artifact.save(folder, network, validation.labels, size, calibration, about, vim)
    kept = f"epoch {best.epoch}" if best.epoch else "the classifier as it was fitted at the start"
    print(f"kept {kept}, validation accuracy {best.accuracy:.3f}, in {folder}")


def _begin_with_head(
    network: keras.Model,
    training: data.Images,
    validation: data.Images,
    recipe: Train,
    best: Best,
    live: Live,
) -> None:
    """Fit the classifier of a pretrained network. It is the best until an epoch is better."""
    from model.train.head import fit_head  # scikit-learn takes a second that few trainings need

    logs = fit_head(network, training, validation, recipe.class_weights)
    print(f"fitted the classifier, validation accuracy {logs['val_accuracy']:.3f}")
    best.set_model(network)
    best.on_epoch_end(-1, logs)
    if not recipe.epochs:
        print(
            "train.epochs is 0: only the classifier is fitted. So the section `augment` and these "
            f"keys of `train` change nothing: {', '.join(_FOR_EPOCHS)}"
        )
        # it is all that the plots can show
        DVCLiveCallback(live=live).on_epoch_end(0, logs)


def _batches(
    params: Params, dataset: Path, training: data.Images, first_epoch: int, team: Team
) -> Any:
    recipe = params.train
    if not team.several_hosts and min(recipe.batch_size, len(training.files)) % team.size:
        raise UserError(  # Keras can't begin with a batch of unequal parts there
            f"train.batch_size: {recipe.batch_size} can't be divided evenly among {team.size} "
            f"GPUs; take a multiple of {team.size}"
        )
    if recipe.input == "fused":
        return team.batches(
            partial(
                training_batches,
                training,
                params.augment,
                recipe.batch_size,
                recipe.seed,
                first_epoch,
            )
        )
    if team.strategy:
        raise UserError(
            f"train.input: {recipe.input} reads its batches on one device; set train.input: fused "
            "to train on several hosts or GPUs"
        )
    return generator_batches(
        dataset, params.augment, recipe.image_size, recipe.batch_size, recipe.seed, first_epoch
    )
