"""One network trained by several: two processes on the loopback address stand for two hosts."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
from loopback import free_addresses
from ruamel.yaml import YAML

from model.train.team import ALONE, Team
from pipeline.cli import UserError

ROOT = Path(__file__).parents[3]
# what `python -m model.train` does; then the host writes down the weights that it has
HOST = textwrap.dedent("""
    import os
    import signal
    import sys

    import numpy as np

    from model.quiet import import_keras
    from pipeline.cli import run

    def main():
        import_keras()
        from model.train import __main__ as stage
        from model.train import callbacks

        class Watched(callbacks.EpochLine):
            def on_epoch_end(self, epoch, logs):
                super().on_epoch_end(epoch, logs)
                if epoch + 1 == int(sys.argv[1]):
                    os.kill(os.getpid(), signal.SIGKILL)

            def on_train_end(self, logs=None):
                super().on_train_end(logs)
                np.savez("weights.npz", *[weight.numpy() for weight in self.model.weights])

        callbacks.EpochLine = Watched
        stage.main([])

    run(main)
""")
# the same by a strategy for two devices of one machine, which are two halves of its processor
TWO_DEVICES = textwrap.dedent("""
    from pathlib import Path

    from model.quiet import import_keras

    import_keras()
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from model.train.recipe import train
    from model.train.team import Team
    from pipeline.params import load_params

    team = Team(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    folders = [Path("results/model"), Path("results/train"), Path(".cache")]
    train(load_params(), Path("data/dataset"), *folders, team)
""")


def prepare(root: Path, dataset: Path, **train: object) -> Path:
    """A host's folder to train in."""
    (root / "data").mkdir(parents=True)
    (root / "data/dataset").symlink_to(dataset)
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    recipe = {"image_size": 32, "batch_size": 7, "epochs": 2, "learning_rate": 0.002, **train}
    params["train"].update(recipe)
    yaml.dump(params, root / "params.yaml")
    return root


def start(root: Path, script: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def train_together(
    roots: list[Path], dies: int | None = None, after: int = 0
) -> tuple[list[int], list[str]]:
    """How each host ended, and what it said. Host `dies` is killed after so many epochs."""
    cluster = {"worker": free_addresses(len(roots))}
    hosts = []
    for index, root in enumerate(roots):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": cluster, "task": task})
        hosts.append(start(root, HOST, str(after if index == dies else 0), TF_CONFIG=config))
    texts = [host.communicate(timeout=240)[0] for host in hosts]
    return [host.returncode for host in hosts], texts


def weights(root: Path) -> list[np.ndarray]:
    with np.load(root / "weights.npz") as file:
        return [file[name] for name in file.files]


def equal(first: Path, second: Path) -> bool:
    """Whether two hosts ended with the same bits."""
    pairs = zip(weights(first), weights(second), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def test_two_hosts_end_with_equal_weights_and_the_first_one_writes(
    dataset: Path, tmp_path: Path
) -> None:
    roots = [prepare(tmp_path / name, dataset, network="residual_cnn") for name in "ab"]
    codes, texts = train_together(roots)  # 36 images in batches of 7: the last one has one image
    assert codes == [0, 0], texts
    assert equal(*roots)
    assert not (roots[1] / "results").exists()
    about = json.loads((roots[0] / "results/model/classifier.json").read_text(encoding="utf-8"))
    assert about["validation_accuracy"] == 1.0  # as one host has, by test_it_learns
    saved = keras.models.load_model(roots[0] / "results/model/classifier.keras")
    assert any(isinstance(each, keras.layers.BatchNormalization) for each in saved.layers)


def test_who_loses_the_other_host_says_so_and_a_rerun_ends_as_undisturbed(
    dataset: Path, tmp_path: Path
) -> None:
    undisturbed = [prepare(tmp_path / name, dataset, epochs=4) for name in "ab"]
    assert train_together(undisturbed)[0] == [0, 0]
    roots = [prepare(tmp_path / name, dataset, epochs=4) for name in "cd"]
    for victim, after in ((1, 1), (0, 3)):
        codes, texts = train_together(roots, victim, after)
        survivor = 1 - victim
        assert codes[victim] == -signal.SIGKILL
        assert codes[survivor] == 1
        assert "another host of this training is gone" in texts[survivor]
        assert "Traceback" not in texts[survivor]
    codes, texts = train_together(roots)
    assert codes == [0, 0], texts
    assert all("goes on after epoch" in text for text in texts)
    assert equal(*roots)
    assert equal(undisturbed[0], roots[0])
    assert (roots[0] / "results/train/metrics.json").read_text(encoding="utf-8") == (
        undisturbed[0] / "results/train/metrics.json"
    ).read_text(encoding="utf-8")


def test_hosts_that_would_train_different_things_all_say_so(dataset: Path, tmp_path: Path) -> None:
    roots = [prepare(tmp_path / name, dataset, seed=seed) for seed, name in enumerate("ab")]
    codes, texts = train_together(roots)
    assert codes == [1, 1]
    assert all("the hosts don't train the same" in text for text in texts)
    assert ["this one differs" in text for text in texts] == [False, True]


def test_two_devices_of_one_machine_train_one_network(dataset: Path, tmp_path: Path) -> None:
    root = prepare(tmp_path / "a", dataset, epochs=4, batch_size=8)
    training = start(root, TWO_DEVICES)
    said, _ = training.communicate(timeout=240)
    assert training.returncode == 0, said
    assert "kept epoch" in said
    assert "validation accuracy 1.000" in said


def test_what_several_devices_cannot_do_is_told(
    dataset: Path, tmp_path: Path, quick_params
) -> None:
    import tensorflow as tf

    from model.train.recipe import train

    team = Team(tf.distribute.MirroredStrategy(["CPU:0"]))
    folders = [tmp_path / name for name in ("model", "train", "cache")]
    with pytest.raises(UserError, match=r"set train\.input: fused"):
        train(quick_params(input="image_data_generator"), dataset, *folders, team)
    team.size = 4
    with pytest.raises(UserError, match="take a multiple of 4"):
        train(quick_params(batch_size=6), dataset, *folders, team)


@pytest.mark.parametrize("config", ["", "  ", "{}", '{"cluster": {"worker": ["a:1"]}}'])
def test_one_host_trains_as_ever(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    team = Team.from_environment()
    assert (team.strategy, team.chief) == (None, True)
    network = keras.Sequential()
    assert team.member(network) is network
    assert ALONE.batches(lambda parts, of: (list(parts), of)) == ([0], 1)
