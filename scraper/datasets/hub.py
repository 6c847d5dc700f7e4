"""Asks the Hugging Face Hub which Parquet files a dataset has, and what its card says.

They are the dataset's own files, or the ones that the Hub makes of every dataset
(https://huggingface.co/docs/dataset-viewer).
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.addresses import host_port
from pipeline.cli import UserError
from pipeline.paths import SPLIT_WORDS
from pipeline.sources import HuggingFaceSource
from scraper.datasets.catalog import File

_log = logging.getLogger(__name__)

ENDPOINT = "HF_ENDPOINT"
"""Environment variable of huggingface_hub: the address of another Hub. It may be a private one."""

SPLIT_IN_PATH = rf"(?i)^(.*[-/._ ])?(?P<split>{'|'.join(SPLIT_WORDS)})[-/._ 0-9]|^"
"""Paths with a split are `data/train-00000-of-00002.parquet` or `default/test/0000.parquet`."""

_CONVERTED = "refs/convert/parquet"
_TIMEOUT = 30  # seconds
_NO_LICENSE = {"unknown", "other"}


@dataclass(frozen=True, slots=True)
class Repository:
    """A dataset on the Hub, at one commit."""

    name: str
    page: str
    author: str | None
    license: str | None
    files: list[File]
    labels: list[str]
    """the names of the labels in the order of their numbers, if the card has them"""
    allow_private: list[str]


def listing(source: HuggingFaceSource) -> Repository:
    """Ask the Hub for a dataset's Parquet files, with their digests.

    Raises UserError if there is no such public dataset, or if it isn't clear which files to take.
    """
    try:
        from huggingface_hub import HfApi, hf_hub_url
    except ModuleNotFoundError as error:
        raise UserError(
            'kind: huggingface needs an extra: pip install -e ".[huggingface]"'
        ) from error
    endpoint = os.environ.get(ENDPOINT)
    api = HfApi(endpoint=endpoint, token=False)
    info = about = _info(api, source, source.revision)
    if not _parquet(info) and source.revision is None:
        info = _info(api, source, _CONVERTED)
    siblings = _of_config(source, _parquet(info))
    if any("/partial-" in sibling.rfilename for sibling in siblings):
        _log.warning("%s is large: the Hub has only its first part as Parquet", about.id)
    files = [
        File(
            urls=[
                hf_hub_url(
                    info.id, s.rfilename, repo_type="dataset", revision=info.sha, endpoint=endpoint
                )
            ],
            name=f"{info.id}/{s.rfilename}",
            path=s.rfilename,
            size=s.size or None,
            digest=f"sha256:{s.lfs.sha256}" if s.lfs else None,
        )
        for s in siblings
    ]
    card = about.card_data or {}
    return Repository(
        name=about.id,
        page=f"{api.endpoint}/datasets/{about.id}",
        author=about.author,
        license=_license(card),
        files=files,
        labels=_labels(card, source),
        allow_private=[host_port(endpoint)] if endpoint else [],
    )


def _info(api: Any, source: HuggingFaceSource, revision: str | None) -> Any:
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = source.dataset
    # the base error of the Hub's HTTP library, whichever it is; it includes connection errors
    http_error: type[Exception] = HfHubHTTPError.__bases__[0]
    try:
        return api.dataset_info(name, revision=revision, files_metadata=True, timeout=_TIMEOUT)
    except GatedRepoError as error:
        raise UserError(
            f"{name} is given on request only; download it with your account, and take the folder "
            "as kind: archive"
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(f"{api.endpoint} has no public dataset {name!r}") from error
    except RevisionNotFoundError as error:
        why = f"no revision {revision!r}"
        if revision == _CONVERTED:
            why = "no Parquet files, neither its own nor any that the Hub has made of it"
        raise UserError(f"{name} has {why}") from error
    except (http_error, OSError, ValueError) as error:
        raise UserError(f"{name} can't be fetched from {api.endpoint}: {error}") from error


def _parquet(info: Any) -> list[Any]:
    found = [s for s in info.siblings or () if s.rfilename.endswith(".parquet")]
    return sorted(found, key=lambda sibling: str(sibling.rfilename))


def _of_config(source: HuggingFaceSource, siblings: Sequence[Any]) -> list[Any]:
    """The files in the configuration's folder, or all files if there is only one configuration."""
    folders = {s.rfilename: s.rfilename.rpartition("/")[0].partition("/")[0] for s in siblings}
    configs = sorted({f for f in folders.values() if f.lower() not in SPLIT_WORDS})
    there = ", ".join(filter(None, configs)) or "none"
    if source.config is None:
        if len(configs) > 1:
            raise UserError(
                f"{source.dataset} has several configurations; set config to one of {there}"
            )
        found = list(siblings)
    else:
        found = [s for s in siblings if folders[s.rfilename] == source.config]
    if not found:
        if source.config:
            why = f"of the configuration {source.config!r}; there are: {there}"
        else:
            why = f"at revision {source.revision}; those that the Hub makes are of revision: null"
        raise UserError(f"{source.dataset} has no Parquet files {why}")
    return found


def _license(card: Any) -> str | None:
    named = card.get("license")
    names = named if isinstance(named, list) else [named]
    if names == ["other"]:
        names = [card.get("license_name")]
    return " and ".join(str(n) for n in names if n and n not in _NO_LICENSE) or None


def _labels(card: Any, source: HuggingFaceSource) -> list[str]:
    """The names of the labels in the label column, as the card lists them for the configuration."""
    described = card.get("dataset_info") or []
    for entry in described if isinstance(described, list) else [described]:
        if source.config not in (None, entry.get("config_name", source.config)):
            continue
        for feature in entry.get("features") or ():
            kind = feature.get("dtype")
            if feature.get("name") == source.label_column and isinstance(kind, dict):
                names = kind.get("class_label", {}).get("names", {})
                if isinstance(names, dict):
                    return [str(names[key]) for key in sorted(names, key=int)]
                return [str(name) for name in names]
    return []
