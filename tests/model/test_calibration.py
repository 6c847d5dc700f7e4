import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from model.calibration import Calibration, calibration_error, fit_temperature, tempered


def sampled(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose logits were multiplied by `temperature`, and classes drawn by the true
    ones."""
    random = np.random.default_rng(1)
    logits = random.normal(0, 2, (count, 4))
    drawn = (random.random((count, 1)) > softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1)
    return softmax(logits * temperature, axis=1), drawn


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_found_again(temperature: float) -> None:
    probabilities, classes = sampled(temperature)
    found = fit_temperature(probabilities, classes)
    assert found == pytest.approx(temperature, rel=0.05)
    assert calibration_error(tempered(probabilities, found), classes) < 0.02


@given(st.floats(0.1, 10))
def test_tempering_is_softmax_of_divided_logits(temperature: float) -> None:
    logits = np.random.default_rng(2).normal(0, 3, (10, 5))
    np.testing.assert_allclose(
        tempered(softmax(logits, axis=1), temperature), softmax(logits / temperature, axis=1)
    )


def test_certainty_can_be_tempered() -> None:
    certain = np.array([[1.0, 0, 0]])
    assert np.isfinite(tempered(certain, 5)).all()
    assert np.isfinite(fit_temperature(certain, np.array([0])))


def test_calibration_error_by_hand() -> None:
    # two images at 0.9, one right: off by 0.4; two at 0.6, both right: off by 0.4; one at 0.5,
    # right: off by 0.5
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.5, 0.5]])
    classes = np.array([0, 1, 0, 0, 0])
    assert calibration_error(probabilities, classes) == pytest.approx(0.4 * 0.8 + 0.5 * 0.2)


def test_a_sure_and_right_model_is_calibrated() -> None:
    assert calibration_error(np.eye(3), np.arange(3)) == 0


@pytest.mark.parametrize("quantile", [0, 0.05, 0.3])
def test_the_threshold_refuses_no_more_than_it_may(quantile: float) -> None:
    probabilities, classes = sampled(2, count=500)
    fitted = Calibration.fit("a model", probabilities, classes, quantile)
    confidence = tempered(probabilities, fitted.temperature).max(axis=1)
    refused = float((confidence < fitted.threshold).mean())
    assert quantile - 0.01 <= refused <= quantile


def test_it_is_read_from_the_file_that_evaluation_writes(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(
        json.dumps({"temperature": 1.5, "threshold": 0.3, "model": "m", "calibration_error": {}})
    )
    assert Calibration.load(path) == Calibration(1.5, 0.3, "m")
