"""MODEL_CARD.md: what the run knows of the model, for those who did not see it being made.

The headings follow Mitchell et al., Model Cards for Model Reporting, 2019.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model import data
from model.artifact import Artifact
from model.git import git_or_none
from model.networks import lite_weights
from pipeline.params import Train
from pipeline.paths import SPLITS
from pipeline.report import write_page

_TEMPLATE = Path(__file__).with_name("MODEL_CARD.md")
_WEAKEST = 3


def write(path: Path, dataset: Path, classifier: Artifact, facts: Mapping[str, Any]) -> None:
    """Write the card to `path`; `facts` are what the evaluation found (see `__main__.py`)."""
    rows = [row for split in SPLITS for row in data.metadata(dataset, split).values()]
    origins = Counter((row["source"], row.get("license", "")) for row in rows if "source" in row)
    recipe = classifier.about["parameters"]["train"]
    weakest = sorted(facts["by_class"].items(), key=lambda item: (item[1]["recall"], item[0]))
    write_page(
        path,
        _TEMPLATE,
        **facts,
        labels=classifier.labels,
        image_size=classifier.image_size,
        counts={split: data.class_counts(dataset, split) for split in SPLITS},
        weights=_start(Train.model_construct(**recipe)),
        origins=sorted(origins.items()),
        weakest=weakest[:_WEAKEST],
        weak_slices=[
            row for row in facts["by_slice"] if row["accuracy_high"] < facts["scores"]["accuracy"]
        ],
        commit=git_or_none("rev-parse", "HEAD"),
    )


def _start(recipe: Train) -> str:
    """The weights that the training started from, and their license."""
    from model.networks.pretrained import comes_trained  # TensorFlow is started by now

    if not comes_trained(recipe):
        return "random weights"
    unknown = "Their license is not known here: look it up before you pass the model on"
    if recipe.weights:
        return f"the weights in `{recipe.weights}`. {unknown}"
    known = lite_weights.origin(recipe.network)
    return known or f"the ImageNet weights that Keras downloads for {recipe.network}. {unknown}"
