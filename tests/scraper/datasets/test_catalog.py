"""The catalog, and each of its datasets from a served sample with the documented layout."""

import gzip
import hashlib
import io
import json
import re
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import ValidationError

from pipeline.addresses import check_url
from pipeline.cli import UserError
from pipeline.manifest import safe_label
from scraper.datasets.catalog import Entry, FilesLayout, catalog, find_dataset
from scraper.datasets.labels import Labels

ROOT = Path(__file__).parents[3]
ENTRIES = catalog().items()


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=[name for name, _ in ENTRIES])
def test_an_entry_is_sound(name: str, entry: Entry) -> None:
    """Types are checked as it is read; here what types can't say."""
    assert safe_label(name) == name
    for url in [entry.page, *(url for file in entry.files for url in file.urls)]:
        check_url(url)
    assert (entry.license is None) == (entry.license_url is None)
    if isinstance(entry.classes, list):
        labels = Labels(None)
        assert len({labels.ours(theirs) for theirs in entry.classes}) == entry.class_count
    if isinstance(entry.layout, FilesLayout) and entry.layout.pattern:
        assert "label" in re.compile(entry.layout.pattern).groupindex
    names = [file.base_name for file in entry.files]
    assert len(set(names)) == len(names)
    assert all(file.name or file.digest for file in entry.files), "no mirror would be asked"


def test_numbers_of_classes() -> None:
    numbers = {name: entry.class_count for name, entry in ENTRIES}
    assert numbers["clothing-dataset-small"] == numbers["fashion-mnist"] == 10
    assert (numbers["grocery-store"], numbers["grocery-store-coarse"]) == (81, 42)
    assert numbers["stanford-online-products"] == 12


def test_a_wrong_entry_is_refused() -> None:
    good = catalog()["fashion-mnist"].model_dump()
    Entry.model_validate(good)
    for wrong in (
        {"images": "70000"},
        {"licence": "MIT"},
        {"files": []},
        {"layout": {"kind": "x"}},
    ):
        with pytest.raises(ValidationError):
            Entry.model_validate(good | wrong)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="perhaps clothing-dataset-small"):
        find_dataset("clothing-dataset")


def test_the_command_lists_them() -> None:
    command = [sys.executable, "-m", "scraper.datasets"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name, entry in ENTRIES:
        (line,) = [line for line in done.stdout.splitlines() if line.split()[0] == name]
        for fact in (entry.title, f"{entry.images:,}", str(entry.class_count)):
            assert fact in line
        assert (entry.license or "none stated") in line


@pytest.fixture
def serve_sample(web, entries, monkeypatch):
    """Serve files of a dataset from a mirror, and expect their digests instead of the real ones."""

    def serve(name: str, files: dict[str, bytes]) -> None:
        monkeypatch.setenv("DATASETS_MIRROR", web.url)
        changed = []
        for file in entries[name].files:
            content = files.pop(file.base_name)
            web.routes[f"/{file.name or file.base_name}"] = content
            kind, _, _ = (file.digest or "").partition(":")
            digest = {
                "": lambda _: None,
                "md5": lambda c: f"md5:{hashlib.md5(c).hexdigest()}",
                "git-tree": git_tree,
            }[kind](content)
            urls = [f"http://origin.invalid/{file.base_name}"]
            changed.append(file.model_copy(update={"digest": digest, "urls": urls}))
        assert not files
        entries[name] = entries[name].model_copy(update={"files": changed, "images": 1})

    return serve


def git_tree(archive: bytes) -> str:
    from scraper.datasets.git_tree import GitTree
    from scraper.datasets.unpack import members

    Path("sample").write_bytes(archive)
    tree = GitTree()
    for member in members(Path("sample"), "sample.tar.gz"):
        tree.add(member)
    return f"git-tree:{tree.id()}"


def counts(rows) -> Counter:
    return Counter((row.label, row.split, row.status.value) for row in rows)


def grocery(make_tar, image) -> bytes:
    folders = [
        "train/Fruit/Apple/Golden-Delicious/Golden-Delicious_001.jpg",
        "train/Fruit/Apple/Granny-Smith/Granny-Smith_001.jpg",
        "val/Fruit/Banana/Banana_001.jpg",
        "test/Packages/Juice/Bravo-Apple-Juice/Bravo-Apple-Juice_001.jpg",
    ]
    root = "GroceryStoreDataset-fc80ba90f803d79d0383df52c5a4ac5de99ff6fc"
    files = {f"{root}/dataset/{path}": image(n) for n, path in enumerate(folders)}
    iconic = "dataset/iconic-images-and-descriptions/Fruit/Banana/Banana_Iconic.jpg"
    return make_tar(
        {
            f"{root}/README.md": b"# Grocery Store Dataset",
            f"{root}/dataset/classes.csv": b"Class Name (str),Class ID (int)\n",
            f"{root}/dataset/train.txt": b"train/Fruit/Apple/Golden-Delicious_001.jpg, 0, 0\n",
            f"{root}/{iconic}": image(99),
            f"{root}/sample_images/natural/Lemon.jpg": image(98),
            **files,
        }
    )


def test_grocery_store(serve_sample, take, make_tar, image) -> None:
    archive = "fc80ba90f803d79d0383df52c5a4ac5de99ff6fc.tar.gz"
    serve_sample("grocery-store", {archive: grocery(make_tar, image)})
    rows = take(dataset="grocery-store")
    assert counts(rows) == {
        ("Golden-Delicious", "train", "saved"): 1,
        ("Granny-Smith", "train", "saved"): 1,
        ("Banana", "validation", "saved"): 1,
        ("Bravo-Apple-Juice", "test", "saved"): 1,
    }
    assert {row.license for row in rows} == {"MIT"}


def test_grocery_store_by_coarse_classes(serve_sample, take, make_tar, image) -> None:
    archive = "fc80ba90f803d79d0383df52c5a4ac5de99ff6fc.tar.gz"
    serve_sample("grocery-store-coarse", {archive: grocery(make_tar, image)})
    assert counts(take(dataset="grocery-store-coarse")) == {
        ("Apple", "train", "saved"): 2,
        ("Banana", "validation", "saved"): 1,
        ("Juice", "test", "saved"): 1,
    }


def idx_files(split: str, labels: list[int], shade: int) -> dict[str, bytes]:
    pixels = b"".join(bytes([shade + n] * 28 * 28) for n in range(len(labels)))
    images = struct.pack(">4I", 0x803, len(labels), 28, 28) + pixels
    return {
        f"{split}-images-idx3-ubyte.gz": gzip.compress(images),
        f"{split}-labels-idx1-ubyte.gz": gzip.compress(
            struct.pack(">2I", 0x801, len(labels)) + bytes(labels)
        ),
    }


def test_fashion_mnist(serve_sample, take) -> None:
    serve_sample("fashion-mnist", idx_files("train", [0, 9, 0], 0) | idx_files("t10k", [8], 100))
    rows = take(dataset="fashion-mnist")
    assert counts(rows) == {
        ("T-shirt-top", "train", "saved"): 2,
        ("Ankle boot", "train", "saved"): 1,
        ("Bag", "test", "saved"): 1,
    }
    (bag,) = [row for row in rows if row.label == "Bag"]
    with Image.open(Path("data/raw/src", bag.file)) as image:
        assert (image.format, image.size, image.getpixel((3, 4))) == ("PNG", (28, 28), 100)
    assert bag.image_url == (
        "http://origin.invalid/t10k-images-idx3-ubyte.gz#t10k-images-idx3-ubyte.gz/0"
    )


def test_fashion_mnist_with_labels_that_do_not_go_with_it(serve_sample, take) -> None:
    files = idx_files("train", [0, 9, 0], 0) | idx_files("t10k", [8], 100)
    few = idx_files("train", [0, 9], 0)["train-labels-idx1-ubyte.gz"]
    serve_sample("fashion-mnist", files | {"train-labels-idx1-ubyte.gz": few})
    with pytest.raises(UserError, match=r"train-labels-idx1-ubyte\.gz doesn't go with"):
        take(dataset="fashion-mnist")


def test_stanford_online_products(serve_sample, take, make_zip, image) -> None:
    root = "Stanford_Online_Products"
    header = "image_id class_id super_class_id path\n"
    files = {
        f"{root}/Ebay_train.txt": f"{header}1 1 1 bicycle_final/111085122871_0.JPG\n"
        "2 1 1 bicycle_final/111085122871_1.JPG\n",
        f"{root}/Ebay_test.txt": f"{header}59552 11319 4 coffee_maker_final/131085122_0.JPG\n",
        f"{root}/Ebay_info.txt": f"{header}1 1 1 bicycle_final/111085122871_0.JPG\n",
        f"{root}/README": "Stanford Online Products",
    }
    photos = [
        f"{root}/bicycle_final/111085122871_0.JPG",
        f"{root}/bicycle_final/111085122871_1.JPG",
        f"{root}/coffee_maker_final/131085122_0.JPG",
        f"__MACOSX/{root}/bicycle_final/._111085122871_0.JPG",
    ]
    content = {**files, **{path: image(n) for n, path in enumerate(photos)}}
    serve_sample("stanford-online-products", {f"{root}.zip": make_zip(content)})
    rows = take(dataset="stanford-online-products")
    assert {(row.label, row.split, row.product_id) for row in rows} == {
        ("bicycle", "train", "1"),
        ("coffee_maker", "test", "11319"),
    }
    assert len(rows) == 3


def listing(item: str, kind: str, main: str | None, *other: str) -> bytes:
    names = [
        {"language_tag": "de_DE", "value": f"Ding {item}"},
        {"language_tag": "en_US", "value": item},
    ]
    value = {"item_id": item, "product_type": [{"value": kind}], "item_name": names}
    if main:
        value["main_image_id"] = main
    return json.dumps({**value, "other_image_id": list(other)}).encode() + b"\n"


def test_amazon_berkeley_objects(serve_sample, take, make_tar, image) -> None:
    """An image that two listings show is of the one whose main image it is."""
    listings = {
        "listings/README.md": b"about",
        "listings/metadata/listings_0.json.gz": gzip.compress(
            listing("B1", "CHAIR", "aaa", "bbb", "shared") + listing("B2", "LAMP", "ccc")
        ),
        "listings/metadata/listings_f.json.gz": gzip.compress(
            listing("B3", "SOFA", "shared") + listing("B4", "SOFA", None)
        ),
    }
    paths = {
        "aaa": "14/14fe.jpg",
        "bbb": "14/15aa.jpg",
        "ccc": "1c/1c2b.jpg",
        "shared": "00/00ff.jpg",
    }
    table = "image_id,height,width,path\n" + "".join(f"{i},9,7,{p}\n" for i, p in paths.items())
    images = {f"images/small/{p}": image(n) for n, p in enumerate(paths.values())}
    images["images/small/99/lonely.jpg"] = image(99)
    images["images/metadata/images.csv.gz"] = gzip.compress(table.encode())
    serve_sample(
        "amazon-berkeley-objects",
        {
            "abo-listings.tar": make_tar(listings, "w"),
            "images.csv.gz": gzip.compress(table.encode()),
            "abo-images-small.tar": make_tar(images, "w"),
        },
    )
    rows = take(dataset="amazon-berkeley-objects", classes={"chair": "CHAIR", "sofa": "SOFA"})
    assert {(r.image_url.rpartition("/")[2], r.label, r.product_id, r.title) for r in rows} == {
        ("14fe.jpg", "chair", "B1", "B1"),
        ("15aa.jpg", "chair", "B1", "B1"),
        ("00ff.jpg", "sofa", "B3", "B3"),
    }
    assert {(r.license, r.author) for r in rows} == {("CC-BY-4.0", "Amazon.com")}


def test_fashion_product_images(serve_sample, entries, take, image) -> None:
    def part(first: int, kinds: list[str]) -> bytes:
        out = io.BytesIO()
        numbers = range(first, first + len(kinds))
        columns = {
            "id": list(numbers),
            "masterCategory": ["Apparel"] * len(kinds),
            "articleType": kinds,
            "productDisplayName": [f"Product {n}" for n in numbers],
            "image": [{"bytes": image(n), "path": None} for n in numbers],
        }
        pq.write_table(pa.table(columns), out)
        return out.getvalue()

    parts = (part(15970, ["Shirts", "Jeans"]), part(39386, ["Shirts"]))
    names = [file.base_name for file in entries["fashion-product-images-small"].files]
    serve_sample("fashion-product-images-small", dict(zip(names, parts, strict=True)))
    rows = take(dataset="fashion-product-images-small")
    assert {(r.label, r.product_id, r.title, r.split) for r in rows} == {
        ("Shirts", "15970", "Product 15970", None),
        ("Jeans", "15971", "Product 15971", None),
        ("Shirts", "39386", "Product 39386", None),
    }
