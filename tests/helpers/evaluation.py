"""Evaluates the trained model again."""

from pathlib import Path

from model.evaluate import __main__ as evaluate
from pipeline.params import Evaluate
from pipeline.paths import RAW


def again(
    trained: Path, dataset: Path, out: Path, raw: Path = RAW, **options: object
) -> dict[str, float]:
    """The metrics of the trained model on another dataset. `raw` has the manifests."""
    chosen = Evaluate(**{"reject_quantile": 0.05, "foreign": None, **options})
    results = trained / "results"
    return evaluate.evaluate(chosen, dataset, results / "model", results / "train", out, raw)
