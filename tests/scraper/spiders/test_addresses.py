"""`kind: addresses`: tables of image addresses, of each kind, from the disk and from the web."""

import gzip
import hashlib
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.sources import AddressesSource
from scraper.feeds.rows import rows
from scraper.spiders.addresses import columns_of


@pytest.fixture
def table(web, workshop):
    """Collects the table at `url`, and gives what the command says."""

    def collect(url: object, code: int = 0, **source: object) -> str:
        entry = {"kind": "addresses", "url": url, "allow_private": [web.host], "classes": None}
        workshop.sources(table=entry | source)
        return workshop.collect("table", code=code)

    return collect


def test_all_columns_and_what_a_row_can_lack(web, workshop, table):
    names = list("abcdef")
    web.routes |= {f"/{name}.jpg": web.image(name) for name in names}
    digest = hashlib.sha256(web.image("a")).hexdigest()
    lines = [
        "URL;Class;page;license;author;product;split;sha256",
        f"{web.url}/a.jpg;Mug;https://p.example/a;CC BY 4.0;Ada;P1;train;{digest.upper()}",
        f"{web.url}/b.jpg;mug;;;;P1;val;{'0' * 64}",
        f"{web.url}/c.jpg;Plate;;;;;;",
        ";Plate;;;;;;",
        f"{web.url}/d.jpg;;;;;;;",
        f"{web.url}/e.jpg;Plate;;;;;holdout;",
        f"{web.url}/f.jpg;Plate;;;;;;abc",
        "nonsense;Plate;;;;;;",
    ]
    (workshop.root / "list.csv").write_bytes("\r\n".join(lines).encode("utf-16"))
    out = table("list.csv")
    found = workshop.rows("table")
    assert {key: row["status"] for key, row in found.items()} == {
        ("Mug", "a.jpg"): "saved",
        ("Mug", "b.jpg"): "rejected_sha256",
        ("Plate", "c.jpg"): "saved",
        ("Plate", "nonsense"): "rejected_address",
    }
    expected = {
        "page_url": "https://p.example/a", "license": "CC BY 4.0", "author": "Ada",
        "product_id": "P1", "split": "train", "sha256": digest,
    }  # fmt: skip
    assert found["Mug", "a.jpg"].items() >= expected.items()
    assert "should be 000" in found["Mug", "b.jpg"]["error"]
    for said in (
        "Plate: no image: 1 rows: the row has no address; the first: list.csv#line 5",
        "(list): no class: 1 rows: the row has no label; the first: list.csv#line 6",
        "Plate: failed for good: 1 rows: the split 'holdout' is none of",
        "Plate: failed for good: 1 rows: the column 'sha256' has no SHA-256",
    ):
        assert said in out
    table("list.csv")
    assert web.asked["/a.jpg"] == web.asked["/b.jpg"] == 1


def parquet(path, rows) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def tsv(path, rows) -> None:
    lines = ["\t".join(rows[0]), *("\t".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines))


def json_lines(path, rows) -> None:
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))


@pytest.mark.parametrize("write", [parquet, tsv, json_lines])
def test_each_kind_of_table_from_the_web(web, workshop, table, tmp_path, write):
    names = ["x", "y", "z"]
    web.routes |= {f"/{name}.jpg": web.image(name) for name in names}
    listed = [{"img": f"{web.url}/{n}.jpg", "caption": f"a {n}", "n": 1} for n in names]
    write(tmp_path / "made", listed)
    web.routes["/list"] = (tmp_path / "made").read_bytes()
    classes = {"one": ["a x", "A Z"], "two": "a y"}
    table(f"{web.url}/list", image_column="img", classes=classes)
    assert set(workshop.rows("table")) == {("one", "x.jpg"), ("one", "z.jpg"), ("two", "y.jpg")}
    assert not [*(workshop.root / ".cache/downloads").rglob("list")]


@pytest.mark.parametrize("first", ['{"url": "cut', "no JSON at all", "[1, 2]", "\ufeff\n\nnull"])
def test_json_lines_are_known_behind_a_bad_line(tmp_path, first):
    path = tmp_path / "list"
    path.write_text(first + '\n{"a": 1}\n{"b": 2}')
    assert [row for _, row in rows(path)] == [{}, {"a": 1, "b": None}, {"a": None, "b": 2}]


def test_lines_of_json_that_are_bad_or_have_other_columns(web, workshop, table):
    web.routes |= {f"/{name}.jpg": web.image(name) for name in "abc"}
    listed = [
        {"label": "mug", "category": "A/B", "src": f"{web.url}/other.jpg"},
        {"author": "Ada", "url": f"{web.url}/a.jpg", "label": "mug"},
        {"category": "A/B", "url": f"{web.url}/b.jpg"},  # no label, which is another column
        {"url": f"{web.url}/c.jpg", "label": "mug", "license": "CC0", "author": None},
    ]
    dumped = [*map(json.dumps, listed)]
    lines = ["no JSON", *dumped[:2], "{", *dumped[2:], "7"]
    (workshop.root / "list.jsonl").write_text("\n".join(lines))
    out = table("list.jsonl")
    found = workshop.rows("table")
    assert set(found) == {("mug", "a.jpg"), ("mug", "c.jpg")}
    assert found["mug", "a.jpg"]["author"] == "Ada"
    assert found["mug", "c.jpg"]["license"] == "CC0"
    bad = "3 rows: the line is no JSON object; the first: list.jsonl#line 1"
    assert f"(list): failed for good: {bad}" in out
    assert "mug: no image: 1 rows: the row has no address" in out
    assert "(list): no class: 1 rows: the row has no label" in out


def zipped(*names: str, content: bytes = b"url,label\nx,mug\n") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"sep=;\nurl;label\nx;mug\n",
        b'# Required | The address,"# Optional, or\tnone"\n#Second,#line\n\nurl,label\nx,mug\n',
        b"\xef\xbb\xbf# Made by hand\r\nurl\tlabel\r\nx\tmug\r\n",
        zipped("table.csv"),
        zipped("__MACOSX/._table.csv", "folder/", "folder/table.csv"),
        zipped("table.gz", content=gzip.compress(b"url,label\nx,mug\n")),
    ],
)
def test_what_stands_before_or_around_a_table_is_no_part_of_it(tmp_path, content):
    (tmp_path / "table").write_bytes(content)
    assert [row for _, row in rows(tmp_path / "table")] == [{"url": "x", "label": "mug"}]


def test_a_column_can_be_called_by_a_number_sign(tmp_path):
    (tmp_path / "table").write_text("#,url,label\n1,x,mug\n")
    assert [row for _, row in rows(tmp_path / "table")] == [{"#": "1", "url": "x", "label": "mug"}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("two.zip", zipped("a.csv", "b.csv"), "is no table but an archive"),
        ("table.xlsx", zipped("a.xml", "b.xml"), "is no table but an office document"),
        ("cut.zip", zipped("a.csv")[:-9], "is no table but an archive"),
        ("list.json", b' [\n {"url": "x"}\n]', "is one JSON list"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        next(rows(tmp_path / name))


@pytest.mark.parametrize(
    ("header", "image", "page"),
    [
        ("Image Link,class", "Image Link", None),
        (" image-url ,Label,URL", "image-url", "URL"),
        ("url,label,page_url", "url", "page_url"),
        ("url,g:image_link,label", "g:image_link", "url"),
        ("IMG URL,category,page,url", "IMG URL", "page"),
    ],
)
def test_columns_are_found_however_spelt(tmp_path, header, image, page):
    (tmp_path / "table").write_text(f"{header}\nx,y,z,w\n")
    (_, row), source = next(rows(tmp_path / "table")), AddressesSource(kind="addresses", url="x")
    source = source.model_copy(update={"classes": {"mug": "y"}})
    found = columns_of(source, row)
    assert (found["image"], found.get("page")) == (image, page)


def test_a_value_that_is_no_address_is_said(web, workshop, table, tmp_path):
    web.routes |= {f"/{name}.jpg": web.image(name) for name in "ab"}
    digest = hashlib.sha256(web.image("a")).hexdigest()
    lines = [
        {"url": f"{web.url}/a.jpg", "label": "mug", "sha256": f"sha256:{digest}"},
        {"url": [f"{web.url}/b.jpg"], "label": "mug"},
        {"url": {"href": f"{web.url}/b.jpg"}, "label": "mug"},
        {"url": "data:image/png;base64," + "A" * 999, "label": "mug"},
        {"url": f"{web.host}/b.jpg", "label": "mug"},
    ]
    web.routes["/list"] = "\n".join(map(json.dumps, lines))
    images = {"image": [{"bytes": web.image("a"), "path": "a.jpg"}], "label": ["mug"]}
    pq.write_table(pa.table(images), workshop.root / "images.parquet")
    out = table([f"{web.url}/list", "images.parquet"])
    found = workshop.rows("table")
    assert {key[1][:5]: row["status"] for key, row in found.items()} == {
        "a.jpg": "saved",
        "b.jpg": "saved",
        "png;b": "rejected_address",
    }
    refused = next(row for row in found.values() if row["status"] == "rejected_address")
    assert refused["error"].startswith("'data:image/png;base64,AAA")
    assert len(refused["error"]) < 300
    assert "mug: no image: 1 rows: the column 'url' holds a list; write one address" in out
    assert "mug: no image: 1 rows: the column 'url' holds an object; write one address" in out
    assert (
        "mug: no image: 1 rows: the column 'image' holds images, not addresses; kind: arch" in out
    )


def test_each_table_that_can_not_be_read_is_said_with_the_remedy(web, workshop, table):
    web.routes |= {"/a.jpg": web.image("a"), "/b.jpg": web.image("other")}
    (workshop.root / "good.csv").write_text(f"url,label\n{web.url}/a.jpg,mug\n")
    cut = gzip.compress(f"url,label\n{web.url}/b.jpg,mug\n{web.url}/c.jpg,m".encode(), 0)[:-9]
    (workshop.root / "cut.csv").write_bytes(cut)
    bad = {
        "url,caption\nx,y\n": "label or class or category; name yours as label_column",
        "a,label\nx,y\n": "name yours as image_column. It has a, label",
        "": "the table has no row",
        '{"url"\n{': "the table has no row that can be read",
        '[{"url": "x", "label": "y"}]': "is one JSON list; write one object a line",
        "<!doctype html><title>Sign in": "is no table but a web page; save the table as CSV",
    }
    for number, content in enumerate(bad):
        (workshop.root / f"{number}.csv").write_text(content)
    out = table([*(f"{number}.csv" for number in range(len(bad))), "cut.csv", "good.csv"], code=1)
    for said in (*bad.values(), "cut.csv: the gzip file is not whole"):
        assert said in out
    assert set(workshop.statuses("table")) == {"a.jpg", "b.jpg"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"label_column": "Art"}, "no column 'Art' (label_column)"),
        ({"classes": {"mug": "Mugs"}}, "there is no label 'Mugs'"),
        ({"url": "nowhere.csv"}, "there is no such file"),
    ],
)
def test_bad_input_names_the_key_and_the_remedy(workshop, table, more, said):
    (workshop.root / "list.csv").write_text("url,label\nx,mug\n")
    assert said in table(**{"url": "list.csv", "code": 1} | more)
