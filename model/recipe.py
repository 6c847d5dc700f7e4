"""Compile, fit, keep the best: the training itself, from a dataset folder to a saved model."""

import math
import tempfile
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from dvclive.keras import DVCLiveCallback
from dvclive.live import Live

from model import artifact, data, networks
from model.callbacks import Best, EpochLine, LossIsNanError, StopAtNan
from pipeline.cli import UserError
from pipeline.params import Params, Train


def train(params: Params, dataset: Path, model: Path, log: Path) -> None:
    """Train on `dataset`; write the best epoch's model to `model`, metrics and plots to `log`.

    The same parameters, pictures and machine give the same weights. UserError where the dataset
    can't be trained on, or the loss becomes NaN: then the best model until there is kept.
    """
    recipe = params.train
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    labels = data.class_labels(dataset)
    network = _compiled(networks.build(recipe.network, recipe.image_size, len(labels)), recipe)
    training = data.load_split(dataset, "train", labels, recipe.image_size)
    validation = data.load_split(dataset, "validation", labels, recipe.image_size)
    with (
        tempfile.TemporaryDirectory() as scratch,
        Live(str(log), dvcyaml=None, save_dvc_exp=False) as live,
    ):
        weights, best = Path(scratch) / "best.weights.h5", Best(live)
        failure = None
        try:
            network.fit(
                _batches(params, dataset, training),
                steps_per_epoch=math.ceil(len(training.files) / recipe.batch_size),
                epochs=recipe.epochs,
                shuffle=False,  # the input does it
                validation_data=(validation.images, validation.one_hot),
                validation_batch_size=64,
                callbacks=_callbacks(recipe, weights, best, live),
                verbose=0,
            )
        except LossIsNanError as error:
            failure = f"{error}; lower train.learning_rate"
        if best.epoch:
            # built anew: the optimizer's state would make the file three times as large
            trained = networks.build(recipe.network, recipe.image_size, len(labels))
            trained.load_weights(weights)
            artifact.save(model, trained, labels, recipe.image_size, _about(params, dataset, best))
            print(f"kept epoch {best.epoch}, validation accuracy {best.accuracy:.3f}, in {model}")
    if failure:
        raise UserError(failure)


def _compiled(network: keras.Model, recipe: Train) -> keras.Model:
    network.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA makes convolutions several times slower on processors
    )
    return network


def _batches(params: Params, dataset: Path, training: data.Pictures) -> Any:
    recipe = params.train
    if recipe.input == "fused":
        return data.training_batches(training, params.augment, recipe.batch_size, recipe.seed)
    return data.generator_batches(
        dataset, params.augment, recipe.image_size, recipe.batch_size, recipe.seed
    )


def _callbacks(
    recipe: Train, weights: Path, best: Best, live: Live
) -> list[keras.callbacks.Callback]:
    return [
        StopAtNan(),
        keras.callbacks.ModelCheckpoint(
            weights, "val_accuracy", save_best_only=True, save_weights_only=True
        ),
        keras.callbacks.ReduceLROnPlateau(
            "val_accuracy",
            factor=recipe.plateau_factor,
            patience=recipe.plateau_patience,
            min_lr=recipe.learning_rate / 100,
        ),
        best,
        DVCLiveCallback(live=live),
        EpochLine(recipe.epochs),
    ]


def _about(params: Params, dataset: Path, best: Best) -> dict[str, Any]:
    return {
        "parameters": params.model_dump(mode="json", include={"train", "augment"}),
        "dataset": data.dataset_digest(dataset),
        "epoch": best.epoch,
        "validation_accuracy": best.accuracy,
    }
