"""One training on several hosts or GPUs, by TensorFlow's own strategies and Keras' own `fit`.

TF_CONFIG names the hosts. Ray Train, Kubernetes' training operator and Slurm's launchers set it.
The batch is the whole team's: each member takes its part of it, and gradients and the statistics
of batch normalisations are made of all parts. So neither rate nor batch size is changed. The chief
alone writes.
"""

import atexit
import gc
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.train.hosts import ends_in_time, hosts_of, taken, wait_for
from pipeline.cli import UserError

_LOST = "Collective ops is aborted by: "  # TensorFlow's words for it, in many kinds of errors


class Team:
    """The hosts that train together. Without a strategy this process trains alone, as usual."""

    def __init__(
        self, strategy: tf.distribute.Strategy | None = None, hosts: int = 1, host: int = 0
    ) -> None:
        self.strategy = strategy
        self.several_hosts = hosts > 1
        self.chief = host == 0
        self.size = strategy.num_replicas_in_sync if strategy else 1
        """how many devices"""
        self._on_a_host = self.size // hosts

    @classmethod
    def from_environment(cls) -> "Team":
        """The team of TF_CONFIG and the GPUs of this machine. It waits until all hosts are there.

        Call it before anything else of TensorFlow's. Raises UserError if TF_CONFIG can't be read,
        or if the hosts can't meet.
        """
        hosts, host = hosts_of(os.environ.get("TF_CONFIG", ""))
        if len(hosts) > 1:
            print(f"trains as host {host + 1} of {len(hosts)}; waits for {', '.join(hosts)}")
            sys.stdout.flush()
            wait_for(hosts, host)
            print("all are there and join; if it ends here, start it again on all", flush=True)
            atexit.register(_close_pools)
            try:
                with ends_in_time():
                    strategy = tf.distribute.MultiWorkerMirroredStrategy()
            except tf.errors.OpError as error:
                raise taken(hosts[host], error.message) from error
            return cls(strategy, len(hosts), host)
        if len(tf.config.list_physical_devices("GPU")) > 1:
            return cls(tf.distribute.MirroredStrategy())
        return cls()

    def scope(self) -> AbstractContextManager[Any]:
        """A block for all code that compiles or trains the network."""
        return self.strategy.scope() if self.strategy else nullcontext()

    def member(self, network: keras.Model) -> keras.Model:
        """The same network for the team to train. Use it only to train, as in `hardware`."""
        if not self.strategy:
            return network

        def shared(layer: keras.layers.Layer) -> keras.layers.Layer:
            settings = layer.get_config()
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
                settings["synchronized"] = True
            return type(layer).from_config(settings)

        with self.scope():
            copy = keras.models.clone_model(network, clone_function=shared, recursive=True)
        copy.set_weights(network.get_weights())
        # not in the scope: there, Keras would call it with a host's batch before the first step
        return TeamNetwork(copy.inputs, copy.outputs) if self.several_hosts else copy

    def batches(self, make: Callable[[range, int], tf.data.Dataset]) -> Any:
        """Batches of `make(parts, of)`. It cuts each batch in `of` parts and takes `parts` of them.

        With several hosts they are endless: else TensorFlow looks before each step for a next
        batch.
        """
        if not self.strategy:
            return make(range(1), 1)

        def mine(context: tf.distribute.InputContext) -> tf.data.Dataset:
            each = self.size // context.num_input_pipelines
            first = context.input_pipeline_id * each
            endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
            return make(range(first, first + each), self.size).repeat().apply(endless)

        return self.strategy.distribute_datasets_from_function(mine)

    def agree(self, key: str) -> None:
        """UserError, on every host, where not all train the same: by parameters, images, code."""
        if not self.several_hosts:
            return
        digest = hashlib.sha256(f"{key} {keras.__version__} {tf.__version__}".encode()).digest()
        mine = np.frombuffer(digest, np.uint8).astype(np.int32)
        differs = not np.array_equal(mine, self.from_chief([mine])[0])
        if self._sum([np.array([differs], np.int32)])[0].any():
            raise UserError(
                f"the hosts don't train the same{' (this one differs from the first)' * differs}: "
                "params.yaml, data/dataset, the code and the versions of Keras and TensorFlow must "
                "be equal on all; `git pull && dvc pull` on each host brings them there"
            )

    def share(self, file: Path) -> None:
        """Every host has the chief's file afterwards, or none where the chief has none."""
        if not self.several_hosts:
            return
        content = file.read_bytes() if self.chief and file.is_file() else b""
        size = int(self.from_chief([np.array([len(content)], np.int32)])[0][0])
        if not size:
            file.unlink(missing_ok=True)
            return
        values = np.frombuffer(content, np.uint8) if self.chief else np.zeros(size, np.uint8)
        (received,) = self.from_chief([values.astype(np.int32)])
        if not self.chief:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(received.astype(np.uint8).tobytes())

    @contextmanager
    def outputs(self, *folders: Path) -> Iterator[list[Path]]:
        """The same folders for the chief. Other hosts get new folders, which are deleted later."""
        if self.chief:
            yield list(folders)
            return
        with tempfile.TemporaryDirectory() as scratch:
            yield [Path(scratch) / str(number) for number in range(len(folders))]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Raise UserError if another host is lost in the block. TensorFlow prints many lines."""
        try:
            yield
        except tf.errors.OpError as error:
            _, lost, reason = error.message.partition(_LOST)
            if not lost:
                raise
            raise UserError(
                "another host of this training is gone, so it has ended here too. Start it again "
                "on all hosts: it goes on after the last epoch that the first host has kept. "
                f"TensorFlow says: {reason.splitlines()[0][:120]}"
            ) from error

    def from_chief(self, arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """The first host's values, on all; shapes and types are the same there."""
        return self._sum(arrays if self.chief else [np.zeros_like(array) for array in arrays])

    def _sum(self, arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """Over all hosts."""
        strategy: Any = self.strategy

        def on_replica() -> Any:
            replica = tf.distribute.get_replica_context()
            counts = replica.replica_id_in_sync_group % self._on_a_host == 0
            mine = [tf.where(counts, array, np.zeros_like(array)) for array in arrays]
            return [replica.all_reduce(tf.distribute.ReduceOp.SUM, array) for array in mine]

        totals = tf.function(lambda: strategy.run(on_replica))()
        return [strategy.experimental_local_results(total)[0].numpy() for total in totals]


ALONE = Team()


class EqualStart(keras.callbacks.Callback):
    """Gives every host the chief's variables, so that all begin with the same bits.

    The same seed may give other last digits on another processor. It stands after the checkpoint,
    which may change the variables.
    """

    def __init__(self, team: Team) -> None:
        super().__init__()
        self.team = team

    def on_train_begin(self, _logs: dict[str, Any] | None = None) -> None:
        if self.team.several_hosts:
            variables = [*self.model.variables, *self.model.optimizer.variables]
            values = self.team.from_chief([variable.numpy() for variable in variables])
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)


class TeamNetwork(keras.Model):
    """A network whose steps give logs of the shape (1,): under a strategy of several hosts Keras
    can't reduce scalars (keras#20585).
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        return {name: tf.reshape(log, (1,)) for name, log in super().train_step(data).items()}

    def test_step(self, data: Any) -> dict[str, Any]:
        return {name: tf.reshape(log, (1,)) for name, log in super().test_step(data).items()}


def _close_pools() -> None:
    """Close TensorFlow's pools of threads. It leaves them open, and Python complains at its end."""
    for found in gc.get_objects():
        if isinstance(found, ThreadPool):
            found.close()
