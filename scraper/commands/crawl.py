"""`scrapy crawl SPIDER -a source=NAME -a label=CLASS -a url=URL`: extends a class of a source.

`url` may be a text file with the address of a product in each line.

For a spider that asks an API, `url` is the API's name for the class, as in
`-a url=Category:Hats`, and `-a api=URL` is another address of the API.
"""

import argparse
from collections.abc import Collection, Mapping
from pathlib import Path

from scrapy.commands.crawl import Command as ScrapyCrawl
from scrapy.exceptions import UsageError

from pipeline import cli
from pipeline.addresses import check_url, host_port
from pipeline.cli import UserError
from pipeline.manifest import Manifest, safe_label
from pipeline.names import class_key
from pipeline.params import Params, load_params
from pipeline.paths import MANIFEST, RAW
from pipeline.sources import FolderSource, SpiderSource
from scraper.counts import print_ledger, table
from scraper.crawling.incoming import recover, require_current, store
from scraper.crawling.run import own_network, run_spider, spider_class
from scraper.folders.sync import own_folder, sync
from scraper.reading.sitemaps import is_file, read_addresses
from scraper.spiders import SEVERAL, SPIDER_KEYS

_ARGUMENTS = ("source", "label", "url")


class Command(ScrapyCrawl):
    """Scrapy's own command, with the arguments of the project's spiders and another exit code."""

    def syntax(self) -> str:
        return "<spider> -a source=NAME -a label=CLASS -a url=URL_OR_QUERY [-a api=URL]"

    def short_desc(self) -> str:
        return "Crawl an address for images of one class, into a source of params.yaml"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1 or set(opts.spargs) - {"api"} != set(_ARGUMENTS):
            raise UsageError(f"scrapy crawl takes: {self.syntax()}", print_help=False)
        cli.run(lambda: self._crawl(args[0], opts.spargs))

    def _crawl(self, spider: str, typed: Mapping[str, str]) -> None:
        name, label, url = (typed[key] for key in _ARGUMENTS)
        params = load_params()
        takes = spider_class(self.crawler_process, name, spider).takes
        config = typed_source(params, spider, name, label, url, typed.get("api"), takes)
        source = params.sources[name]
        (label,) = config.classes
        if isinstance(source, FolderSource):
            folder = own_folder(name, source)
            ledger = run_spider(self.crawler_process, name, config, folder=folder)
            with Manifest(RAW / name / MANIFEST) as manifest:
                sync(name, source.model_copy(update={"classes": None}), RAW / name, manifest)
        else:
            folder = RAW / name
            require_current(name)
            recover(name)
            try:
                ledger = run_spider(self.crawler_process, name, config)
            finally:
                store(name)
        rows = Manifest(folder / MANIFEST).rows.values()
        print(table(rows, [label], config.limit_per_class))
        print_ledger(ledger, [label])
        named = params.sources[name].classes
        if named is not None and label not in named:
            print(f"add {label} to sources.{name}.classes in params.yaml: clean takes only those")
        if open_ := ledger.unfinished():
            raise UserError(f"{name}: {open_}. Run this again when the reasons are gone")
        if not any(row.label == label and row.status.has_file for row in rows):
            raise UserError(f"{url} has no images of products that could be saved")


def typed_source(
    params: Params,
    spider: str,
    name: str,
    label: str,
    url: str,
    api: str | None = None,
    takes: Collection[str] = ("url",),
) -> SpiderSource:
    """The source that a person types: one class, at an address that the person vouches for.

    If the spider takes no url, `url` is the class's value in a `classes` mapping.

    Raises UserError, with the entry to paste, if params.yaml has no such source for a crawl. Raises
    it also if the label or the address is not valid.
    """
    source = params.sources.get(name)
    if not isinstance(source, SpiderSource | FolderSource):
        raise UserError(_refusal(name, source.kind if source else None))
    if safe_label(label) != label:
        raise UserError(f"label={label} can't be a class folder; {safe_label(label)!r} could")
    label = next((one for one in source.classes or () if class_key(one) == class_key(label)), label)
    addresses = [api] if api else []
    if "url" in takes and is_file(url):
        # a feed's own addresses are judged when it is read
        addresses += [] if SEVERAL in takes else _addresses(Path(url))
    elif "url" in takes:
        check_url(url)
        addresses.append(url)
    if isinstance(source, SpiderSource):
        crawled = source
    else:
        crawled = SpiderSource(kind="spider", spider=spider, classes={}, license=source.license)
    keys = {
        key: getattr(crawled, key) if key in takes else SpiderSource.model_fields[key].default
        for key in SPIDER_KEYS
    }
    if "url" in takes:
        keys["url"] = url
    if api:
        keys["api"] = api
    hosts = {host_port(address): address for address in addresses}
    own = [host for address in hosts.values() for host in own_network(address)]
    update = {
        **keys,
        "spider": spider,
        "classes": {label: url},
        "allow_private": [*crawled.allow_private, *own],
    }
    return crawled.model_copy(update=update)


def _addresses(file: Path) -> list[str]:
    try:
        return read_addresses(file.read_bytes())
    except ValueError as error:
        raise UserError(f"{file} {error}") from error


def _refusal(name: str, kind: str | None) -> str:
    what = f"has {name!r} as kind {kind}" if kind else f"names no source {name!r}"
    new = f"{name}_crawled" if kind else name
    return (
        f"params.yaml {what}; a crawl adds to kind folder or spider. Paste this below `sources:` "
        f"and run it again with -a source={new}:\n\n"
        f"  {new}:\n"
        f"    kind: folder\n"
        f"    path: data/{new} # where the images go; any folder\n"
        f"    classes: null # every class folder there is\n"
        f"    license: null # under which the images may be used\n"
    )
