"""ImageDataGenerator's batches by their number, so that a training can begin with any of them."""

from typing import Any

import keras
import numpy as np


class EndlessBatches(keras.utils.PyDataset):
    """The batches of `flow_from_directory`, epoch after epoch.

    Left alone, a flow's order and draws follow from all that was asked of it before. Here they
    follow from its seed and the number of the epoch and of the batch.
    """

    def __init__(self, flow: Any, first_epoch: int = 0) -> None:
        super().__init__()
        self.flow = flow
        self._first = first_epoch * len(flow)

    @property
    def num_batches(self) -> None:
        """Endless."""

    def __getitem__(self, index: int) -> Any:
        number = self._first + index
        epoch, position = divmod(number, len(self.flow))
        self.flow.index_array = np.random.default_rng((self.flow.seed, epoch)).permutation(
            self.flow.n
        )
        self.flow.total_batches_seen = number  # it seeds the batch's draws
        return self.flow[position]
