"""The folders and files that the stages read and write, relative to the root of the repository."""

from pathlib import Path

PARAMS = Path("params.yaml")
OWN = Path("data/own")  # people's own images, unless a source names another folder
FOLDERS = Path("data/folders")  # links to such folders, by source; DVC looks at them
INCOMING = Path("data/incoming")  # images of crawls, until DVC has stored them
RAW = Path("data/raw")
SHARDS = Path("data/shards")  # data/raw in few large files, for those who share it so
REVIEW = Path("data/review.csv")
CLEAN = Path("data/clean")
CLEAN_CACHE = Path(".cache/clean")  # measurements and encoded images; missing ones are made anew
VERDICTS = CLEAN / "verdicts.parquet"
DATASET = Path("data/dataset")
TRAIN_CACHE = Path(".cache/train")  # how far trainings are, and images beyond train.cache_gb
RAW_CACHE = Path(".cache/raw")  # stamps of files in data/raw whose digests were compared
SHARDS_CACHE = Path(".cache/shards.json")  # stamps of the files that are in each shard
LOCKS = Path(".cache/locks")  # a file for each folder that only one command may write at a time
FOLDER_CACHE = Path(".cache/folders")  # what was seen in people's own folders
WEIGHTS_CACHE = Path(".cache/weights")  # of pretrained networks, as Keras takes them
SIMILAR_CACHE = Path(".cache/similar")  # features of the dataset, by a model
SWEEP_KEPT = Path(".cache/sweep")  # params.yaml as it was, while a sweep runs
DOWNLOADS = Path(".cache/downloads")  # archives as fetched; nothing is lost with them
RESULTS = Path("results")
MODEL = RESULTS / "model"
TRAIN = RESULTS / "train"
EVALUATE = RESULTS / "evaluate"
AUDIT = RESULTS / "audit"
EXPORT = RESULTS / "export"

MANIFEST = "manifest.jsonl"
LEFT_OUT = "left_out.json"  # in data/raw/<source>: names of files that are no images, by kind
SPLITS = ("train", "validation", "test")
"""The splits, the weakest first. If an image is filed under several, the last of them counts."""
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""The names of splits in datasets and people's folders, in lower case, and our names for them."""
