"""The collect stage: brings the images of one source into data/raw/<source>/."""

import argparse
import difflib
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path

from pipeline.classes import warn_of_empty
from pipeline.cli import UserError, run
from pipeline.files import alone, json_text, write_atomic
from pipeline.listing import aside_lines
from pipeline.manifest import Manifest, Row, Status
from pipeline.params import load_params
from pipeline.paths import MANIFEST, RAW, RAW_CACHE, RESULTS
from pipeline.raw import left_out_of
from pipeline.sources import (
    ArchiveSource,
    CrawlSource,
    DatasetSource,
    FolderSource,
    HuggingFaceSource,
    Source,
)
from scraper.counts import metrics, print_ledger, table
from scraper.crawling.incoming import recover, store
from scraper.credits import credit_list
from scraper.edits import follow_edits
from scraper.folders.ending import without_image
from scraper.folders.links import folder_as_archive, tell_dvc
from scraper.folders.sync import Report, sync
from scraper.ledger import LIST, Ledger
from scraper.raw_folder import PERMANENT_HTTP, is_by_hand, missing, reconcile


def main(argv: Sequence[str] | None = None) -> int:
    options = _options(argv)
    sources = load_params().sources
    if options.all:
        from scraper.together import collect_all

        flags = {name: _flags(options, source) for name, source in sources.items()}
        return 0 if collect_all(sources, options.jobs, flags) else 1
    if options.source not in sources:
        near = difflib.get_close_matches(options.source, sources, n=1) or sorted(sources)
        raise UserError(
            f"params.yaml names no source {options.source!r}; did you mean {' or '.join(near)}?"
        )
    collect(
        options.source,
        sources[options.source],
        if_needed=options.if_needed,
        retry_permanent=options.retry_permanent,
    )
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scraper.collect",
        description="Crawl or download one source of params.yaml into data/raw/<source>/: what is "
        "missing is fetched, what failed for a time is tried again, what is there stays. Images "
        "that were put there by hand are taken in. At the end a table says what became of all.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("source", nargs="?", help="its name in params.yaml")
    which.add_argument("--all", action="store_true", help="all sources of params.yaml")
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="with --all: so many sources at once, but never two that name one host (1)",
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--if-needed",
        action="store_true",
        help="fetch only if the source's parameters changed, its last run was unfinished, or files "
        "are missing; otherwise verify what is there, without the network",
    )
    when.add_argument(
        "--retry-permanent",
        action="store_true",
        help="also ask again for images that failed for good: gone (404, 410), or no image",
    )
    options = parser.parse_args(argv)
    if options.jobs is not None and not options.all:
        parser.error("--jobs is for --all")
    options.jobs = 1 if options.jobs is None else options.jobs
    if options.jobs < 1:
        parser.error(f"--jobs is {options.jobs}; at least 1 source is collected at once")
    return options


def _flags(options: argparse.Namespace, source: Source) -> list[str]:
    """The options of the command line that are for this source too."""
    given = {
        "--if-needed": options.if_needed,
        "--retry-permanent": options.retry_permanent and isinstance(source, CrawlSource),
    }
    return [name for name, is_given in given.items() if is_given]


def collect(
    name: str, source: Source, *, if_needed: bool = False, retry_permanent: bool = False
) -> None:
    """Collect one source, write its counts, and print the results for all candidates.

    Raises UserError if something was not read, or a class has no image: then the run is unfinished.
    Raises it too if another process collects the source now.
    """
    if retry_permanent and not isinstance(source, CrawlSource):
        raise UserError(
            f"{name} is no crawl (kind: spider or addresses), so there is nothing to ask for again"
        )
    with alone(RAW / name):
        _collect(name, source, if_needed, retry_permanent)


def _collect(name: str, source: Source, if_needed: bool, retry_permanent: bool) -> None:
    started, folder = time.monotonic(), RAW / name
    folder.mkdir(parents=True, exist_ok=True)
    is_fetched, report = not isinstance(source, FolderSource), Report()
    if isinstance(source, CrawlSource):
        recover(name)
    run_state = _RunState(folder, source.model_dump(mode="json", exclude_defaults=True))
    if is_fetched:
        with Manifest(folder / MANIFEST) as manifest:
            report.sentences += _follow_edits(name, folder, manifest)
        is_here = folder_as_archive(source) is not None  # its files may have changed
        resume = if_needed and not is_here and _is_whole(folder, source, manifest)
        if not (resume and run_state.is_finished()):
            earlier = _earlier(folder, manifest, run_state, resume=resume)
            run_state.write(finished=False)
            if is_here:
                tell_dvc(name)
            _fetch(name, source, folder, Ledger() if retry_permanent else earlier, retry_permanent)
    ledger = Ledger.read(folder) if isinstance(source, CrawlSource) else None
    with Manifest(folder / MANIFEST) as manifest:
        if isinstance(source, FolderSource):
            report = sync(name, source, folder, manifest)
            tell_dvc(name)
        else:
            reconcile(folder, manifest, getattr(source, "license", None))
            report.left_out = left_out_of(folder)
        rows = manifest.rows.values()
    labels = sorted(source.classes if source.classes is not None else _found_labels(rows))
    _write_credits(name, folder, rows)
    _print_tables(source, rows, labels, ledger)
    print(f"took {timedelta(seconds=round(time.monotonic() - started))}")
    _print_left_out(name, _found_labels(rows) - set(labels), report)
    left = report.left_out if report.left_out or not is_fetched else None
    counts = json_text(metrics(rows, labels, left, ledger))
    write_atomic(RESULTS / "collect" / f"{name}.json", counts)
    if ledger and (open_ := ledger.unfinished()):
        raise UserError(_UNFINISHED.format(name=name, open=open_))
    if is_fetched:
        _require_images(name, source, rows, labels)
        run_state.write(finished=True)
    _end(name, source, rows, report)


def _found_labels(rows: Collection[Row]) -> set[str]:
    """The classes that the source has now: not those of which each image was taken out of it."""
    return {r.label for r in rows if not (r.status is Status.REJECTED_CLASS and r.file)}


def _end(name: str, source: Source, rows: Collection[Row], report: Report) -> None:
    if isinstance(source, CrawlSource):
        store(name)
    elif isinstance(source, FolderSource):  # of another source, an empty class is an error
        warn_of_empty(without_image(name, source, rows, report))


def _print_tables(
    source: Source, rows: Collection[Row], labels: Sequence[str], ledger: Ledger | None
) -> None:
    print(table(rows, labels, getattr(source, "limit_per_class", None)))
    if ledger:
        print_ledger(ledger, labels)


def _print_left_out(name: str, labels: Collection[str], report: Report) -> None:
    if labels:
        named = ", ".join(sorted(labels))
        print(f"left out, as sources.{name}.classes does not name them: {named}")
    for line in (*aside_lines(report.left_out), *report.sentences):
        print(line)


_UNFINISHED = """{name} is unfinished: {open}.
dvc repro asks again for just that. To go on with what there is:
  dvc commit --force collect@{name}"""


def _earlier(folder: Path, manifest: Manifest, run_state: "_RunState", *, resume: bool) -> Ledger:
    """The part of an earlier ledger that needs no new request, if the parameters are the same."""
    ledger = Ledger.read(folder) if run_state.is_of_these_parameters() else Ledger()
    if not resume:
        return ledger.failed_for_good()
    rows = manifest.rows.values()
    filled = {row.label for row in rows if row.status.has_file}
    for label in ledger.listing_pages.keys() - filled - {LIST}:
        del ledger.listing_pages[label]  # of an empty class, to be asked for again
    return ledger.reopened({str(row.page_url) for row in rows if _may_come(row)})


def _may_come(row: Row) -> bool:
    """An image that failed for now."""
    return row.status.startswith("failed") and row.http_status not in PERMANENT_HTTP


def _follow_edits(name: str, folder: Path, manifest: Manifest) -> list[str]:
    edited = follow_edits(folder, manifest, RAW_CACHE / f"{name}.json")
    said = f"{edited} images in {folder} were edited in place; they are by hand from now on"
    return [said] if edited else []


def _write_credits(name: str, folder: Path, rows: Collection[Row]) -> None:
    path = folder / "CREDITS.md"
    if text := credit_list(name, rows):
        write_atomic(path, text)
    else:
        path.unlink(missing_ok=True)


class _RunState:
    """`run.json` in the source's folder: the parameters of the last run, and if it was finished."""

    def __init__(self, folder: Path, parameters: dict[str, object]) -> None:
        self._path = folder / "run.json"
        self._parameters = parameters

    def _content(self, *, finished: bool) -> str:
        state = {"finished": finished, "parameters": self._parameters}
        return json_text(state)

    def is_finished(self) -> bool:
        return self._is(finished=True)

    def is_of_these_parameters(self) -> bool:
        return self._is(finished=True) or self._is(finished=False)

    def _is(self, *, finished: bool) -> bool:
        try:
            return self._path.read_text(encoding="utf-8") == self._content(finished=finished)
        except FileNotFoundError:
            return False

    def write(self, *, finished: bool) -> None:
        write_atomic(self._path, self._content(finished=finished))


def _is_whole(folder: Path, source: Source, manifest: Manifest) -> bool:
    """No file is missing that could be fetched again."""
    wanted = source.classes
    gone = missing(folder, manifest)
    return all(is_by_hand(row) or not (wanted is None or row.label in wanted) for row in gone)


def _fetch(name: str, source: Source, folder: Path, earlier: Ledger, retry_permanent: bool) -> None:
    # imported where they are needed: Scrapy alone takes a second
    if isinstance(source, CrawlSource):
        from scraper.crawling.run import crawl

        crawl(name, source, earlier, retry_permanent=retry_permanent).write(folder)
    if isinstance(source, DatasetSource | ArchiveSource | HuggingFaceSource):
        from scraper import datasets

        with Manifest(folder / MANIFEST) as manifest:
            datasets.collect(name, source, folder, manifest)


def _require_images(
    name: str, source: Source, rows: Collection[Row], labels: Sequence[str]
) -> None:
    filled = {row.label for row in rows if row.status.has_file}
    empty = [label for label in labels if label not in filled]
    if not empty and filled:
        return
    if part := getattr(source, "part", None):  # the other parts may have images of these
        print(f"part {part} has no image{' of ' + ', '.join(empty) if empty else ''}")
        return
    where = getattr(source, "url", None) or getattr(source, "dataset", name)
    raise UserError(
        f"{name}: no image{' of ' + ', '.join(empty) if empty else ''} was saved from {where}; "
        f"see what became of the candidates above, and check sources.{name} in params.yaml"
    )


if __name__ == "__main__":
    run(main)
