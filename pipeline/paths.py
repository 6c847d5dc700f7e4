"""Where each stage reads and writes, relative to the root of the repository."""

from pathlib import Path

PARAMS = Path("params.yaml")
RAW = Path("data/raw")
REVIEW = Path("data/review.csv")
CLEAN = Path("data/clean")
CLEAN_CACHE = Path(".cache/clean")  # measurements and encoded pictures; made anew where missing
VERDICTS = CLEAN / "verdicts.parquet"
DATASET = Path("data/dataset")
TRAIN_CACHE = Path(".cache/train")  # how far trainings are, and pictures beyond train.cache_gb
DOWNLOADS = Path(".cache/downloads")  # archives as fetched; nothing is lost with them
RESULTS = Path("results")
MODEL = RESULTS / "model"
TRAIN = RESULTS / "train"
EVALUATE = RESULTS / "evaluate"
AUDIT = RESULTS / "audit"
EXPORT = RESULTS / "export"

MANIFEST = "manifest.jsonl"
SPLITS = ("train", "validation", "test")
"""What is filed under several counts for the last of them."""
