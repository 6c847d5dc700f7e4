"""kind: huggingface, against a stand-in for the Hub on the loopback address.

It answers as the Hub's own documentation says (https://huggingface.co/docs/hub/api): dataset info
with `siblings` (`blobs=true`: size, and the sha256 of what is in LFS), files at `resolve`, and
failures with the header X-Error-Code.
"""

import hashlib
import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cli import UserError

CONVERTED = "refs/convert/parquet"
NAMES = ["hat", "mug"]
FEATURES = {
    "image": {"_type": "Image"},
    "label": {"names": NAMES, "_type": "ClassLabel"},
}


def parquet(images, labels, *, features=FEATURES, columns=("image", "label")) -> bytes:
    """A table as `datasets` writes it: images with their bytes, and features in the schema."""
    image, label = columns
    table = pa.table(
        {image: [{"bytes": p, "path": None} for p in images], label: labels, "other": labels}
    )
    if features:
        note = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": note})
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


class Hub:
    """One dataset, shop/things, with the files of each revision."""

    def __init__(self, web, file_server) -> None:
        self.web, self.file_server = web, file_server
        self.card: dict = {"license": "cc-by-4.0"}

    def publish(self, files: dict[str, bytes], revision: str = "main") -> None:
        sha = hashlib.sha1(revision.encode()).hexdigest()
        answer = {
            "id": "shop/things",
            "author": "shop",
            "sha": sha,
            "cardData": self.card,
            "siblings": [
                {
                    "rfilename": path,
                    "blobId": hashlib.sha1(content).hexdigest(),
                    "size": len(content),
                    "lfs": {
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "size": len(content),
                        "pointerSize": 130,
                    },
                }
                for path, content in files.items()
            ],
        }
        api = "/api/datasets/shop/things"
        where = f"{api}/revision/{revision.replace('/', '%2F')}?"
        self.web.routes[f"{api}?" if revision == "main" else where] = lambda request: (
            request.answer(json.dumps(answer), Content_Type="application/json")
        )
        for path, content in files.items():
            served = self.file_server(content)
            self.web.routes[f"/datasets/shop/things/resolve/{sha}/{path}"] = served

    def fail(self, path: str, status: int, code: str) -> None:
        self.web.routes[path] = lambda request: request.answer(b"{}", status, X_Error_Code=code)


@pytest.fixture
def hub(web, file_server, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    hub = Hub(web, file_server)
    hub.fail("/api/datasets/shop/nothing?", 401, "RepoNotFound")
    hub.fail("/api/datasets/shop/gated?", 403, "GatedRepo")
    for revision in ("refs%2Fconvert%2Fparquet", "v9"):
        path = f"/api/datasets/shop/things/revision/{revision}?"
        hub.fail(path, 404, "RevisionNotFound")
    return hub


@pytest.fixture
def collect(take):
    return lambda **keys: take(kind="huggingface", **{"dataset": "shop/things"} | keys)


@pytest.fixture
def files(image) -> dict[str, bytes]:
    return {
        "README.md": b"things",
        "data/train-00000-of-00002.parquet": parquet([image(1), image(2)], [0, 1]),
        "data/train-00001-of-00002.parquet": parquet([image(3)], [1]),
        "data/test-00000-of-00001.parquet": parquet([image(4), image(5)], [0, -1]),
    }


def test_images_by_the_names_of_their_labels_with_split_and_license(
    hub, web, files, collect, image
):
    hub.publish(files)
    rows = collect()
    assert [(row.label, row.split, row.sha256) for row in rows] == [
        ("hat", "test", hashlib.sha256(image(4)).hexdigest()),  # the last has no label: -1
        ("hat", "train", hashlib.sha256(image(1)).hexdigest()),
        ("mug", "train", hashlib.sha256(image(2)).hexdigest()),
        ("mug", "train", hashlib.sha256(image(3)).hexdigest()),
    ]
    path = "data/test-00000-of-00001.parquet"
    commit = hashlib.sha1(b"main").hexdigest()
    first = rows[0]
    assert first.image_url == f"{web.url}/datasets/shop/things/resolve/{commit}/{path}#{path}/0"
    assert first.page_url == f"{web.url}/datasets/shop/things"
    assert (first.license, first.author, first.title) == ("cc-by-4.0", "shop", "shop/things")
    assert Path("data/raw/src", first.file).read_bytes() == image(4)


def test_what_is_there_is_not_fetched_again(hub, web, files, collect):
    hub.publish(files)
    before = collect()
    asked = dict(web.asked)
    assert collect() == before
    new = {path for path, count in web.asked.items() if count != asked.get(path)}
    assert {path.partition("?")[0] for path in new} == {"/api/datasets/shop/things"}


def test_a_new_commit_takes_the_place_of_the_old_one(hub, collect, image):
    """A corrected label leaves no image under the wrong one."""
    for revision, labels in (("main", [0, 1]), ("v9", [1, 1])):
        hub.publish({"train.parquet": parquet([image(1), image(2)], labels)}, revision)
    collect()
    rows = collect(revision="v9")
    assert [row.label for row in rows if row.status.has_file] == ["mug", "mug"]
    assert [row.status.value for row in rows].count("rejected_class") == 2


def test_labels_that_are_lists_are_named(hub, collect, image):
    hub.publish({"train.parquet": parquet([image(1)], [[0, 1]], features=None)})
    with pytest.raises(UserError, match=r"train\.parquet: the column 'label' .* has list<"):
        collect()


def test_the_stage_collects_it_once(hub, web, workshop, files):
    hub.publish(files)
    workshop.sources(hub={"kind": "huggingface", "dataset": "shop/things", "classes": None})
    workshop.collect("hub", "--if-needed")
    assert workshop.counts("hub")["saved_by_class"] == {"hat": 2, "mug": 2}
    asked = web.asked.copy()
    workshop.collect("hub", "--if-needed")
    assert web.asked == asked


def test_other_columns_classes_and_license(hub, collect, image):
    features = {"kind": {"names": NAMES, "_type": "ClassLabel"}}
    table = parquet([image(1), image(2)], [0, 1], features=features, columns=("photo", "kind"))
    hub.publish({"things.parquet": table})
    (row,) = collect(
        image_column="photo", label_column="kind", classes={"cup": "mug"}, license="CC0-1.0"
    )
    assert (row.label, row.license, row.split) == ("cup", "CC0-1.0", None)
    with pytest.raises(UserError, match=r"no column 'image'.*photo, kind"):
        collect()
    with pytest.raises(UserError, match=r"classes\.cup: there is no label 'mog'"):
        collect(image_column="photo", label_column="kind", classes={"cup": "mog"})


def test_labels_that_are_words_and_labels_that_the_card_names(hub, collect, image):
    hub.card["dataset_info"] = {
        "features": [
            {"name": "image", "dtype": "image"},
            {"name": "label", "dtype": {"class_label": {"names": {"1": "mug", "0": "hat"}}}},
        ]
    }
    images = [image(1), image(2)]
    hub.publish(
        {
            "a.parquet": parquet(images, [0, 1], features=None),
            "b.parquet": parquet(images, ["scarf", "hat"], features=None),
            "c.parquet": parquet(images, [1, 2], features=None),
        }
    )
    with pytest.raises(UserError, match=r"c\.parquet has the label 2, and names for 2 only"):
        collect()
    hub.publish(
        {
            "a.parquet": parquet(images, [0, 1], features=None),
            "b.parquet": parquet(images, ["scarf", "hat"], features=None),
        }
    )
    assert [row.label for row in collect()] == ["hat", "mug", "scarf", "hat"]


def test_the_hubs_own_conversion_where_there_is_no_parquet(hub, collect, image):
    hub.publish({"README.md": b"", "train/hat/1.jpg": image(1)})
    hub.publish(
        {
            "default/train/0000.parquet": parquet([image(1)], [0]),
            "default/validation/0000.parquet": parquet([image(2)], [1]),
        },
        CONVERTED,
    )
    assert {(row.label, row.split) for row in collect()} == {
        ("hat", "train"),
        ("mug", "validation"),
    }


def test_one_of_several_configurations(hub, collect, image):
    hub.publish(
        {
            "large/train-0.parquet": parquet([image(1)], [0]),
            "small/train-0.parquet": parquet([image(2)], [1]),
        }
    )
    with pytest.raises(UserError, match="set config to one of large, small"):
        collect()
    with pytest.raises(UserError, match="configuration 'tiny'; there are: large, small"):
        collect(config="tiny")
    (row,) = collect(config="small")
    assert row.label == "mug"


def test_a_damaged_file_leaves_nothing(hub, web, files, collect):
    hub.publish(files)
    for path, route in web.routes.items():
        if path.endswith("train-00001-of-00002.parquet"):
            route.content = route.content[:-1] + b"x"
    with pytest.raises(UserError, match="its sha256 is"):
        collect()
    assert not list(Path("data/raw/src").glob("*/*"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"dataset": "shop/nothing"}, "has no public dataset 'shop/nothing'"),
        ({"dataset": "shop/gated"}, "on request only"),
        ({"revision": "v9"}, "has no revision 'v9'"),
        ({}, "no Parquet files, neither its own nor any"),
    ],
)
def test_what_is_not_to_be_had(hub, collect, keys, message):
    hub.publish({"README.md": b""})
    with pytest.raises(UserError, match=message):
        collect(**keys)


def test_an_unreachable_hub(collect, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="shop/things can't be fetched from http"):
        collect()


def test_the_extra_is_named_where_it_is_missing(collect, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r'pip install -e "\.\[huggingface\]"'):
        collect()
