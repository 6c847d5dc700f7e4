"""Networks that come trained: their weights, what is trained further, and what they are told."""

import hashlib
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from model import artifact
from model.data import load_split
from model.networks import pretrained
from model.networks import registry as networks
from model.train.head import _deviation, fit_head
from model.train.recipe import train
from pipeline.cli import UserError

LABELS = ["apple", "leaf", "sky"]


@pytest.fixture(scope="session")
def squeezenet_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file as Keras 2 wrote them: drawn weights, layers under Caffe's names."""
    path = tmp_path_factory.mktemp("weights") / "squeezenet_notop.h5"
    backbone = pretrained.backbone_of("squeezenet", 48)[0]
    with h5py.File(path, "w") as file:
        saved = [layer for layer in backbone.layers if layer.weights]
        names = [layer.name.replace("_", "/", 1) for layer in saved]
        file.attrs["layer_names"] = np.array(names, "S")
        for layer, name in zip(saved, names, strict=True):
            group = file.create_group(name)
            group.attrs["weight_names"] = np.array(["kernel:0", "bias:0"], "S")
            for key, values in zip(("kernel:0", "bias:0"), layer.get_weights(), strict=True):
                group[key] = values
    return str(path)


def images(count: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "squeezenet", "ResNet50", "MobileNetV2"])
def test_what_the_weights_expect_is_inside(name: str) -> None:
    """Channels in another order, means, scales: as the network's own function does it."""
    network = networks.build(name, 32, 3)
    preprocess = pretrained.backbone_of(name, 32)[1]
    inside = keras.Model(network.input, network.get_layer("preprocessing").output)
    expected = preprocess(images(2).astype(np.float32))
    np.testing.assert_allclose(inside.predict_on_batch(images(2)), expected, atol=1e-4)


def test_squeezenet_has_the_weights_of_the_file(squeezenet_weights: str) -> None:
    network = networks.build("squeezenet", 48, 3)
    pretrained.load(network, squeezenet_weights, None)
    backbone = network.get_layer("backbone")
    with h5py.File(squeezenet_weights) as file:
        for layer in [layer for layer in backbone.layers if layer.weights]:
            saved = file[layer.name.replace("_", "/", 1)]
            for mine, name in zip(layer.get_weights(), saved.attrs["weight_names"], strict=True):
                np.testing.assert_array_equal(mine, saved[name])


def test_weights_by_address_are_downloaded_once(
    squeezenet_weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    network = networks.build("squeezenet", 32, 3)
    pretrained.load(network, Path(squeezenet_weights).as_uri(), None)
    (kept,) = (tmp_path / "models").iterdir()
    assert kept.read_bytes() == Path(squeezenet_weights).read_bytes()


def test_layers_before_the_named_one_are_left_alone(squeezenet_weights: str) -> None:
    network = networks.build("squeezenet", 32, 3)

    def trained() -> set[str]:
        return {v.path.split("/")[-2].split("_")[0] for v in network.trainable_variables}

    pretrained.load(network, squeezenet_weights, "fire8")
    assert trained() == {"fire8", "fire9", "head"}
    pretrained.load(network, squeezenet_weights, None)
    assert trained() == {"head"}


@pytest.mark.parametrize("labels", [2, 3])
def test_the_head_is_fitted_to_features_of_both_mirror_images(labels: int, dataset: Path) -> None:
    training, validation = (
        (load_split(dataset, split, LABELS[:labels], 32) for split in ("train", "validation"))
        if labels == 3
        else two_classes(dataset)
    )
    network = networks.build("efficientnet_lite0", 32, labels)
    pretrained.load(network, None, None)
    logs = fit_head(network, training, validation)
    probabilities = network.predict(validation.images, verbose=0)
    accuracy = (probabilities.argmax(axis=1) == validation.classes).mean()
    loss = -np.log(probabilities[np.arange(len(probabilities)), validation.classes]).mean()
    assert logs["val_accuracy"] == pytest.approx(accuracy)
    assert logs["val_loss"] == pytest.approx(loss, rel=1e-3)
    assert accuracy > 0.8


def test_a_nearly_silent_channel_does_not_outweigh_all_others() -> None:
    """With few images a channel may be heard in one of them only, and there faintly."""
    features = np.random.default_rng(0).normal(3, 1, (12, 40)).astype(np.float32)
    features[:, 7], features[:, 8] = 0, 0
    features[5, 7] = 1e-4
    deviation = _deviation(features)
    assert (np.abs(3 / deviation) < 50).all()  # 3 is what the other channels have in a new image
    loud = np.delete(np.arange(40), [7, 8])
    np.testing.assert_allclose(deviation[loud], features.std(axis=0)[loud])
    assert (_deviation(np.zeros((12, 40), np.float32)) == 1).all()


def two_classes(dataset: Path) -> list:
    for split in ("train", "validation"):
        for file in (dataset / split / "sky").iterdir():
            file.unlink()
        (dataset / split / "sky").rmdir()
    return [load_split(dataset, split, LABELS[:2], 32) for split in ("train", "validation")]


@pytest.mark.parametrize("changes", [{"epochs": 0}, {"epochs": 2, "fine_tune_from": "block7"}])
def test_in_one_step_or_two(changes: dict, dataset: Path, tmp_path: Path, quick_params) -> None:
    params = quick_params(network="efficientnet_lite0", weights=None, **changes)
    train(params, dataset, tmp_path / "model", tmp_path / "train", tmp_path / "cache")
    about = artifact.load(tmp_path / "model").about
    assert 0 <= about["epoch"] <= changes["epochs"]
    assert about["validation_accuracy"] > 0.8
    for name in ("train/accuracy", "eval/accuracy", "train/loss", "eval/loss"):
        plot = (tmp_path / f"train/plots/metrics/{name}.tsv").read_text()
        assert len(plot.splitlines()) == 1 + max(1, changes["epochs"])


def test_a_network_of_keras_with_weights_of_a_file(
    dataset: Path, tmp_path: Path, quick_params
) -> None:
    weights = tmp_path / "own.weights.h5"
    pretrained.backbone_of("MobileNetV3Small", 32)[0].save_weights(weights)
    params = quick_params(
        network="MobileNetV3Small", weights=str(weights), fine_tune_from="expanded_conv_10"
    )
    train(params, dataset, tmp_path / "model", tmp_path / "train", tmp_path / "cache")
    assert artifact.load(tmp_path / "model").network.name == "MobileNetV3Small"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "squeezenet"}, "squeezenet needs a path or an address of its weights"),
        ({"network": "squeezenet", "weights": "no.h5"}, r"train\.weights: no\.h5 is not there"),
        ({"network": "MobileNetV2", "image_size": 31}, r"train\.image_size 31 doesn't suit"),
        ({"network": "mobilenetV3small"}, "nearest: MobileNetV3Small"),
        ({"weights": "some.h5"}, r"train\.weights is 'some\.h5', but sequential_cnn starts from s"),
        ({"fine_tune_from": "x"}, r"train\.fine_tune_from is 'x', but sequential_cnn starts from"),
        ({"epochs": 0}, r"train\.epochs is 0, which only suits"),
        (
            {"network": "squeezenet", "weights": "none", "epochs": 0},
            r"train\.epochs is 0, which only suits",
        ),
        (
            {"network": "squeezenet", "weights": "x.h5", "fine_tune_from": "fire99"},
            "squeezenet has no layer 'fire99'; it has conv1, fire2_squeeze1x1",
        ),
    ],
)
def test_what_does_not_go_together_is_said(
    changes: dict, message: str, dataset: Path, tmp_path: Path, quick_params
) -> None:
    with pytest.raises(UserError, match=message):
        train(quick_params(**changes), dataset, tmp_path / "m", tmp_path / "t", tmp_path / "c")
    assert not (tmp_path / "m").exists()


def test_weights_that_do_not_fit_name_the_layers(squeezenet_weights: str, tmp_path: Path) -> None:
    squeezenet, other = (networks.build(name, 32, 3) for name in ("squeezenet", "MobileNetV2"))
    with pytest.raises(UserError, match="Conv1 has 3x3x3x32, in the file conv1 has 3x3x3x64, 64"):
        pretrained.load(other, squeezenet_weights, None)
    other.get_layer("backbone").save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(UserError, match=r"without its classifier: conv1; fire2_squeeze1x1; .*more"):
        pretrained.load(squeezenet, str(tmp_path / "other.weights.h5"), None)
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(UserError, match="it is neither HDF5 nor a file of Keras; give the path"):
        pretrained.load(squeezenet, str(tmp_path / "text.h5"), None)


@pytest.mark.parametrize("name", ["w", "w.h5", "w.weights.h5", "w.hdf5", "w.keras", "w.download"])
@pytest.mark.parametrize("is_old", [True, False])
def test_what_a_file_holds_counts_not_its_suffix(
    squeezenet_weights: str, tmp_path: Path, name: str, is_old: bool
) -> None:
    network = networks.build("squeezenet", 32, 3)
    pretrained.load(network, squeezenet_weights, None)
    wanted = network.get_layer("backbone").get_weights()
    path = tmp_path / name
    if is_old:
        shutil.copy(squeezenet_weights, path)
    else:
        network.get_layer("backbone").save_weights(tmp_path / "new.weights.h5")
        (tmp_path / "new.weights.h5").rename(path)
    other = networks.build("squeezenet", 32, 3)
    pretrained.load(other, str(path), None)
    for mine, its in zip(other.get_layer("backbone").get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda whole: b"", "it is empty"),
        (lambda whole: whole[: len(whole) // 2], "its end is missing"),
        (lambda whole: b"<!doctype html><title>Sign in</title>", "it is a web page"),
        (lambda whole: b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (lambda whole: b"PK\3\4" + whole[:99], "its end is missing"),
    ],
)
def test_damaged_weights_are_told_and_a_download_of_them_is_not_kept(
    squeezenet_weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change, reason: str
) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    whole = Path(squeezenet_weights).read_bytes()
    path = tmp_path / "w.h5"
    path.write_bytes(change(whole))
    network = networks.build("squeezenet", 32, 3)
    with pytest.raises(UserError, match=f"w.h5 can't be read as weights: .*{reason}"):
        pretrained.load(network, str(path), None)
    with pytest.raises(UserError, match=f"w.h5 gives can't be used, and is not kept: .*{reason}"):
        pretrained.load(network, path.as_uri(), None)
    assert not list((tmp_path / "models").iterdir())
    path.write_bytes(whole)
    pretrained.load(network, path.as_uri(), None)


def test_a_download_has_the_sha256_that_is_asked_for(
    squeezenet_weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    network = networks.build("squeezenet", 32, 3)
    address = Path(squeezenet_weights).as_uri()
    right = hashlib.sha256(Path(squeezenet_weights).read_bytes()).hexdigest()
    with pytest.raises(UserError, match=f"is not kept: it has the SHA-256 {right}"):
        pretrained.load(network, f"{address}#sha256={'0' * 64}", None)
    with pytest.raises(UserError, match="'abc' is no SHA-256"):
        pretrained.load(network, f"{address}#sha256=abc", None)
    assert not list((tmp_path / "models").iterdir())
    pretrained.load(network, f"{address}#sha256={right.upper()}", None)
    pretrained.load(network, address, None)
    (kept,) = (tmp_path / "models").iterdir()
    kept.write_bytes(b"<html>")  # a cache from before anything was checked
    pretrained.load(network, address, None)
    assert kept.read_bytes() == Path(squeezenet_weights).read_bytes()


def test_an_address_may_have_a_query_and_no_suffix(
    squeezenet_weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    content = Path(squeezenet_weights).read_bytes()

    class Weights(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    network = networks.build("squeezenet", 32, 3)
    with ThreadingHTTPServer(("127.0.0.1", 0), Weights) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}"
        for end in ("a/w.h5?download=true", "download?id=7", "", "resolve/main/w.weights.h5?a=b/c"):
            pretrained.load(network, f"{root}/{end}", None)
        server.shutdown()
    assert len(list((tmp_path / "models").iterdir())) == 4
