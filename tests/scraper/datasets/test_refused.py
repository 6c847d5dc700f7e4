"""Sources that are refused: the message names what is wrong, and nothing is left behind."""

import shutil
from pathlib import Path

import pytest
from raw_src import PATTERN, RAW, digest, files

from pipeline.cli import UserError


def refused(take, match: str, **source: object) -> None:
    with pytest.raises(UserError, match=match):
        take(**{"pattern": PATTERN, **source})
    assert files() == set()
    assert not RAW.exists() or not any(p.is_dir() for p in RAW.iterdir())
    assert not (RAW / "manifest.jsonl").exists()


def test_bad_input_is_named_and_leaves_nothing(served, take, make_zip, make_tar, shop, web) -> None:
    server, source = served
    Path("x.tar.gz").write_bytes(make_tar(shop)[:-300])
    refused(take, r"x\.tar\.gz is damaged", url="x.tar.gz")
    Path("x.zip").write_bytes(make_zip(shop))
    refused(take, "damaged or another: its sha256 is", url="x.zip", sha256="0" * 64)
    refused(
        take,
        r"no path matches.*first ones are\n  set/hat/0\.jpg",
        url="x.zip",
        pattern="(?P<label>[a-z]+)/x",
    )
    refused(
        take, "there is no label 'cap'; there are hat, mug", url="x.zip", classes={"cap": "cap"}
    )
    refused(take, "no such file or folder", url="nowhere.zip")
    refused(take, "starts with http", url="ftp://shop.example/x.zip")
    refused(take, "no public address", url=source["url"])
    refused(take, "404", url=f"{web.url}/none.zip", allow_private=[web.host])
    Path("y.zip").write_bytes(make_zip({"mug/1.jpg": b"text", "mug/2.jpg": b"more"}))
    refused(take, r"not taken, such as y\.zip#mug/1\.jpg", url="y.zip")
    Path("none.zip").write_bytes(make_zip({}))
    refused(take, "there is no file in it", url="none.zip")
    Path("z.zip").write_bytes(make_zip({**shop, "set/../../../mug/x.jpg": b""}))
    refused(take, r"z\.zip is refused", url="z.zip")
    refused(take, "a folder has no sha256", url=".", sha256="0" * 64)
    assert server.ranges == []


def test_room_for_the_images_is_looked_at_first(take, make_zip, shop, monkeypatch) -> None:
    Path("x.zip").write_bytes(make_zip(shop))
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    refused(take, "src needs .* GB and its disk has", url="x.zip")


def test_a_sha256_proves_an_archive(served, take) -> None:
    server, source = served
    assert take(**source, sha256=digest(server.content))


def test_a_dataset_that_is_another_gives_way_to_the_next_place(
    web, entries, take, make_tar, shop, image, monkeypatch
) -> None:
    """The mirror's copy is whole, and not what the git tree says: it is found while unpacking."""
    root = {f"set-main/train/{path.removeprefix('set/')}": c for path, c in shop.items()}
    entry = entries["clothing-dataset-small"]
    file = entry.files[0].model_copy(
        update={"urls": [f"{web.url}/good.tar.gz"], "digest": "git-tree:" + "0" * 40}
    )
    entries["clothing-dataset-small"] = entry.model_copy(update={"files": [file], "classes": 2})
    web.routes[f"/{file.name}"] = make_tar({**root, "set-main/train/mug/0.jpg": image(77)})
    web.routes["/good.tar.gz"] = make_tar(root)
    monkeypatch.setenv("DATASETS_MIRROR", web.url)
    with pytest.raises(UserError) as error:
        take(dataset="clothing-dataset-small")
    bad, good = (
        line.partition("its git tree is ")[2][:40]
        for line in str(error.value).splitlines()[1:]
        if "tree" in line
    )
    assert bad != good
    assert files() == set()
    assert not list(Path(".cache").rglob("*.gz"))
    right = file.model_copy(update={"digest": f"git-tree:{good}"})
    entries["clothing-dataset-small"] = entry.model_copy(update={"files": [right], "classes": 2})
    rows = take(dataset="clothing-dataset-small")
    assert {row.image_url.partition("#")[0] for row in rows} == {f"{web.url}/good.tar.gz"}
    assert digest(image(77)) not in {row.sha256 for row in rows}


def test_a_class_that_the_dataset_lacks_is_refused_before_anything_is_fetched(take) -> None:
    with pytest.raises(UserError, match=r"classes\.tee: there is no label 'tshirt'.*t-shirt"):
        take(dataset="clothing-dataset-small", classes={"tee": "tshirt"})
