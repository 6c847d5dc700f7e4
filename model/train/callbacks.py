"""Callbacks for the end of each epoch, beside Keras' and DVCLive's own."""

import time
from typing import Any

import keras
import numpy as np
from dvclive.live import Live
from tqdm import tqdm


class LossIsNanError(Exception):
    """Training has failed: from here on every weight is NaN."""

    def __init__(self, epoch: int, learning_rate: float) -> None:
        super().__init__(
            f"the loss is NaN in epoch {epoch} at a learning rate of {learning_rate:g}"
        )


class StopAtNan(keras.callbacks.Callback):
    """Raises LossIsNanError. It comes before the callback that keeps the best weights."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        if not np.isfinite(logs["loss"]):
            raise LossIsNanError(epoch + 1, float(self.model.optimizer.learning_rate))


class Best(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best validation accuracy; logs which and what."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self.live = live
        self.accuracy = -1.0
        self.epoch = 0
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        if logs["val_accuracy"] > self.accuracy:
            self.accuracy, self.epoch = float(logs["val_accuracy"]), epoch + 1
            self.weights = self.model.get_weights()
        self.live.log_metric("best/epoch", self.epoch, plot=False)
        self.live.log_metric("best/accuracy", self.accuracy, plot=False)


class EpochLine(keras.callbacks.Callback):
    """One line for each epoch, at most 110 characters, and on a terminal a bar with the time left.

    `images` are trained on in an epoch. Their rate leaves the time of the validation out.
    """

    def __init__(self, epochs: int, images: int, first_epoch: int = 0) -> None:
        super().__init__()
        self.images = images
        self.bar = tqdm(total=epochs, initial=first_epoch, unit="epoch", disable=None)
        self.started = self.trained = time.perf_counter()

    def on_test_begin(self, _logs: dict[str, Any] | None = None) -> None:
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        now = time.perf_counter()
        self.bar.write(
            f"epoch {epoch + 1:3}/{self.params['epochs']}"
            f"  loss {logs['loss']:.3f} accuracy {logs['accuracy']:.3f}"
            f"  validation {logs['val_loss']:.3f} {logs['val_accuracy']:.3f}"
            f"  rate {logs['learning_rate']:.1e}  {now - self.started:.1f} s"
            f"  {self.images / (self.trained - self.started):.0f} images/s"
        )
        self.bar.update()
        self.started = now

    def on_train_end(self, _logs: dict[str, Any] | None = None) -> None:
        self.bar.close()
