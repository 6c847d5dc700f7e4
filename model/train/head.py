"""The first step with a pretrained network: features computed once, a classifier fitted on them.

A logistic regression on standardised features of the images and their mirror images. It takes
seconds, and what it finds is written into the network's last two layers.
"""

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from model import batchwise
from model.data import Images
from model.networks.pretrained import FEATURES, HEAD, STANDARD

_PENALTIES = tuple(0.0005 * 2**n for n in range(9))
"""values of scikit-learn's C, the strictest first"""
_LEAST_DEVIATION = 0.1
"""of the median over all channels"""


def fit_head(
    network: keras.Model, training: Images, validation: Images, class_weights: bool = False
) -> dict[str, float]:
    """Set the weights of a `pretrained.build` network's last two layers.

    The penalty is the one with the best validation accuracy, the stricter of two equal ones. All
    are tried: behind a worse one a better one may come, and the laxer, the fewer steps it takes.
    With `class_weights` rare classes count for more. Returns accuracy and loss as Keras names them
    after an epoch.
    """
    extractor = keras.Model(network.input, network.get_layer(FEATURES).output)
    features = np.concatenate(
        [_features(extractor, training.images), _features(extractor, training.images, mirror=True)]
    )
    mean, deviation = features.mean(axis=0), _deviation(features)
    features = (features - mean) / deviation
    held_out = (_features(extractor, validation.images) - mean) / deviation
    classes = np.tile(training.classes, 2)

    regression = LogisticRegression(
        max_iter=500,
        tol=1e-3,
        warm_start=True,
        class_weight="balanced" if class_weights else None,
    )
    best: dict[str, float] = {}
    for penalty in _PENALTIES:
        regression.set_params(C=penalty).fit(features, classes)
        accuracy = regression.score(held_out, validation.classes)
        if not best or accuracy > best["val_accuracy"]:
            best = {
                "accuracy": regression.score(features, classes),
                "loss": log_loss(classes, regression.predict_proba(features)),
                "val_accuracy": accuracy,
                "val_loss": log_loss(validation.classes, regression.predict_proba(held_out)),
            }
            weights, bias = regression.coef_.copy(), regression.intercept_.copy()
    if len(training.labels) == 2:  # it has one row then, for the second class against the first
        weights, bias = np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    network.get_layer(STANDARD).set_weights([mean, deviation**2])
    network.get_layer(HEAD).set_weights([weights.T, bias])
    return best


def _deviation(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The standard deviation of each channel, or more where the channel hardly varies.

    With few images some channels are nearly silent. In a new image such a channel may be thousands
    of its deviations away, and would outweigh all others.
    """
    deviation = features.std(axis=0)
    deviation = np.maximum(deviation, _LEAST_DEVIATION * np.median(deviation))
    deviation[deviation == 0] = 1
    return np.asarray(deviation, np.float32)


def _features(
    extractor: keras.Model, images: NDArray[np.uint8], mirror: bool = False
) -> NDArray[np.float32]:
    """(n, features)"""
    seen = images[:, :, ::-1] if mirror else images
    return np.concatenate(batchwise.outputs(extractor, seen)).astype(np.float32)
