"""Evaluates the trained model again."""

from pathlib import Path

from model.evaluate import __main__ as evaluate
from pipeline.params import Evaluate


def again(trained: Path, dataset: Path, out: Path, **options: object) -> dict[str, float]:
    """The metrics of the trained model on another dataset."""
    chosen = Evaluate(**{"reject_quantile": 0.05, "foreign": None, **options})
    results = trained / "results"
    return evaluate.evaluate(chosen, dataset, results / "model", results / "train", out)
