"""Sets how the weights change: loss, optimizer, learning rate, moving average, and when to stop.

These are options of the section `train` of params.yaml; docs/training.md says when each one helps.
"""

import math

import keras
import numpy as np

from model.data import Images
from model.train import hardware
from pipeline.params import Train


def compile_network(network: keras.Model, recipe: Train) -> None:
    """Ready for `fit`, by the options of the recipe."""
    average = recipe.moving_average
    smoothed = {"use_ema": average is not None, "ema_momentum": average or 0.0}
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(
            recipe.learning_rate, weight_decay=recipe.weight_decay, **smoothed
        )
        # decay keeps kernels small; biases and the scales of normalisations have no need of it
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    else:
        optimizer = keras.optimizers.Adam(recipe.learning_rate, **smoothed)
    network.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile=hardware.jit_compile(),
    )


def callbacks(recipe: Train) -> list[keras.callbacks.Callback]:
    """The callbacks of the recipe. They come before the callbacks that keep an epoch's weights."""
    found: list[keras.callbacks.Callback] = []
    if recipe.schedule == "cosine":
        found.append(keras.callbacks.LearningRateScheduler(lambda epoch: cosine(recipe, epoch)))
    else:
        found.append(
            keras.callbacks.ReduceLROnPlateau(
                "val_accuracy",
                factor=recipe.plateau_factor,
                patience=recipe.plateau_patience,
                min_lr=recipe.learning_rate / 100,
            )
        )
    if recipe.moving_average is not None:
        found.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if recipe.early_stopping is not None:
        found.append(keras.callbacks.EarlyStopping("val_accuracy", patience=recipe.early_stopping))
    return found


def cosine(recipe: Train, epoch: int) -> float:
    """The rate in an epoch (from 0): it rises evenly in the warm-up, then falls as a half cosine.

    Source: Loshchilov and Hutter, SGDR, 2016.
    """
    middle, warm = epoch + 0.5, min(recipe.warmup_epochs, recipe.epochs)
    if middle < warm:
        return recipe.learning_rate * middle / warm
    progress = (middle - warm) / (recipe.epochs - warm)
    return recipe.learning_rate * (1 + math.cos(math.pi * progress)) / 2


def class_weights(recipe: Train, training: Images) -> dict[int, float] | None:
    """Rare classes count for more, so that all together count the same; None: as they are."""
    if not recipe.class_weights:
        return None
    counts = np.bincount(training.classes)
    return dict(enumerate((counts.sum() / (len(counts) * counts)).tolist()))
