"""The reader of Google Merchant feeds: what any program writes comes back as it was."""

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraper.feeds.items import FeedImage, category, plain
from scraper.feeds.kinds import Kind, kind_of
from scraper.feeds.opening import head_of
from scraper.feeds.read import items

GOOGLE = "http://base.google.com/ns/1.0"
NAMES = ("id", "title", "product_type", "description", "image_link")

letters = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
marks = st.sampled_from([*"\n\t\"'&<>;,|", "&amp;", "]]>", "null", "g:id", '"\t'])
# a text with a line end and the tabs of a whole row is taken for a quotation that is never closed
words = st.lists(letters | marks, max_size=20).map("".join).filter(lambda x: x.count("\t") < 4)
products = st.lists(st.tuples(words, words, words, words), min_size=1, max_size=4)


def as_rss(path: Path, rows: list[tuple[str, ...]]) -> None:
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    for row in rows:
        node = ET.SubElement(channel, "item")
        for name, value in zip(NAMES, row, strict=True):
            ET.SubElement(node, f"{{{GOOGLE}}}{name}").text = value
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def as_table(delimiter: str):
    def write(path: Path, rows: list[tuple[str, ...]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows([NAMES, *rows])

    return write


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(products)
def test_any_text_survives_each_kind_of_feed(tmp_path, found):
    rows = [(*row, f"https://i.example/{n}.jpg") for n, row in enumerate(found)]
    kinds = {as_rss: Kind.XML, as_table("\t"): Kind.TABLE, as_table(","): Kind.TABLE}
    for write, kind in kinds.items():
        path = tmp_path / "feed"
        write(path, rows)
        assert kind_of(head_of(path)) is kind
        read = [*items(path, kind, "https://shop.example/feed")]
        assert len(read) == len(rows)
        for item, (number, title, filed, _, image) in zip(read, rows, strict=True):
            assert item.product == (plain(number) or item.place)
            assert item.title == (plain(title) or None)
            assert item.images == (FeedImage(image),)
            if '"' not in filed:
                known = category(filed.strip())
                assert item.categories == ((known,) if known.path or known.keys else ())
