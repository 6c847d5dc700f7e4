import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from model.calibration import (
    Calibration,
    Measure,
    Outputs,
    calibration_error,
    fit_temperature,
    tempered,
)


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


@pytest.mark.parametrize("count", [500, 5000])
@pytest.mark.parametrize("quantile", [0, 0.05, 0.3])
def test_the_threshold_refuses_no_more_than_it_may(quantile: float, count: int) -> None:
    probabilities, classes = sampled(2, count)
    fitted = Calibration.fit(Outputs(probabilities, None), classes)
    assert (fitted.images, len(fitted.confidences)) == (count, min(count, 1001))
    confidence = tempered(probabilities, fitted.temperature).max(axis=1)
    refused = float((confidence < fitted.threshold(quantile)).mean())
    assert quantile - 0.01 <= refused <= quantile


@pytest.mark.parametrize("count", [2, 3, 8, 100])
@pytest.mark.parametrize("measure", ["features", "probability"])
def test_another_engine_refuses_no_more_of_them(count: int, measure: Measure) -> None:
    """Its arithmetic is a little other, and a threshold is the measure of one of the images."""
    probabilities, classes = sampled(2, count)
    random = np.random.default_rng(count)
    scores = random.normal(-20, 40, count)
    fitted = Calibration.fit(Outputs(probabilities, scores), classes).refusing_by(measure)
    outputs = fitted.calibrated(Outputs(probabilities, scores))
    for sign in (-1, 1):
        noise = 1 + sign * 3e-4
        elsewhere = Outputs(outputs.probabilities * noise, scores * noise)
        refused = fitted.measure(elsewhere) < fitted.threshold(0.05)
        assert refused.sum() <= 0.05 * count


def always(confidence: float, count: int, right: bool) -> tuple[np.ndarray, np.ndarray]:
    """A model of four classes that is always as sure, and always right or always wrong."""
    said = np.arange(count) % 4
    probabilities = np.full((count, 4), (1 - confidence) / 3)
    probabilities[np.arange(count), said] = confidence
    return probabilities, said if right else (said + 1) % 4


@pytest.mark.parametrize("right", [True, False])
def test_the_fewer_images_the_nearer_to_1_the_temperature_is(right: bool) -> None:
    """Whatever they say: none moves it, and hundreds count as they are."""
    moved = [
        abs(np.log(fit_temperature(*always(0.55, count, right)))) for count in (0, 1, 8, 24, 400)
    ]
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert moved[1] < np.log(1.3)


@pytest.mark.parametrize("count", [1, 8, 24, 400])
def test_some_right_answers_are_no_certainty(count: int) -> None:
    """`count` right ones of `count` leave room for a wrong one (Laplace's rule of succession)."""
    probabilities, classes = always(0.55, count, right=True)
    confidence = tempered(probabilities, fit_temperature(probabilities, classes)).max()
    assert 0.55 < confidence <= (count + 1) / (count + 2)


def test_random_answers_are_tempered() -> None:
    random = np.random.default_rng(3)
    probabilities = softmax(random.normal(0, 3, (400, 4)), axis=1)
    classes = random.integers(0, 4, 400)
    fitted = tempered(probabilities, fit_temperature(probabilities, classes))
    assert fitted.max(axis=1).mean() < 0.4  # a quarter are right


def test_without_images_nothing_changes_and_nothing_is_refused() -> None:
    fitted = Calibration.fit(Outputs(np.empty((0, 4)), None), np.empty(0, int))
    assert fitted == Calibration(temperature=1, images=0, confidences=[])
    assert fitted.threshold(0.05) == 0
