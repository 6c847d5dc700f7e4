"""Which images of data/raw are asked for now."""

import html

import pytest

from pipeline import paths
from pipeline.cli import UserError
from pipeline.manifest import Row, Status
from pipeline.raw import read_raw

BY = {"license": "CC BY 4.0", "license_url": "https://creativecommons.org/licenses/by/4.0/"}


def crawled(licenses: list[str] | None) -> dict:
    return {"kind": "spider", "spider": "commons", "classes": {"mug": "m"}, "licenses": licenses}


def test_a_license_that_is_no_longer_taken_is_left_out(work, make) -> None:
    work.values["sources"] = {"wiki": crawled(None), "own": {"kind": "folder", "license": None}}
    free = work.add(make.encoded(make.next()), source="wiki", license="CC0")
    by = work.add(make.encoded(make.next()), source="wiki", **BY)
    bought = work.add(make.encoded(make.next()), source="wiki", license="CC BY-NC 4.0")
    unknown = work.add(make.encoded(make.next()), source="wiki", license=None)
    both = make.encoded(make.next())  # the same image, also where it is free
    twice = work.add(both, source="wiki", license="CC BY-NC 4.0")
    work.add(both, source="wiki", license="CC0")
    mine = work.add(make.encoded(make.next()), source="own", license=None)

    for licenses, wanted in [
        (None, {free, by, bought, unknown, twice}),
        (["cc0"], {free, twice}),
        (["cc0", "cc-by"], {free, by, twice}),
        (["cc0", "none"], {free, unknown, twice}),
    ]:
        work.values["sources"]["wiki"] = crawled(licenses)
        found = read_raw(work.params.sources, paths.RAW)
        assert {image.sha256 for image in found.images} == wanted | {mine}
        why = "sources.wiki.licenses does not take the license"
        files = found.left_out.get(("wiki", why), [])
        assert list(found.left_out) == [("wiki", why)] * bool(files)
        assert len(files) == 5 - len(wanted)
        taken = {image.sha256: image.license for image in found.images}
        assert taken[twice] == ("CC0" if licenses else "CC BY-NC 4.0")


def test_damaged_notes_of_collect_are_told_with_the_remedy(work, make) -> None:
    work.add(make.encoded(make.next()))
    (paths.RAW / "own" / paths.LEFT_OUT).write_bytes(b'{"a\xff')
    with pytest.raises(UserError, match=r"left_out.json is damaged .*scraper.collect own"):
        read_raw(work.params.sources, paths.RAW)


def test_clean_reports_what_a_stricter_license_leaves_out(work, make) -> None:
    work.values["sources"] = {"wiki": crawled(["cc0"])}
    work.add(make.encoded(make.next()), source="wiki", license="CC0")
    refused = work.add(make.encoded(make.next()), source="wiki", **BY)

    work.clean()

    assert work.metrics()["left_out"] == 1
    assert work.metrics()["images"] == 1
    assert f"mug/{refused}.jpg" not in work.written()
    assert (paths.RAW / f"wiki/mug/{refused}.jpg").exists()
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    left_out = page[page.index('id="left-out"') :]
    assert "sources.wiki.licenses does not take the license <b>1</b>" in left_out
    assert f"in wiki: mug/{refused}.jpg" in left_out


def test_mug_and_Mug_are_one_class_across_sources(work, make) -> None:  # noqa: N802
    work.source("shop", ["mug"])
    mugs = {work.add(make.encoded(make.next()), label, "shop") for label in ("mug", "Mug")}
    mugs |= {work.add(make.encoded(make.next()), "MUG", "own")}
    cups = {work.add(make.encoded(make.next()), label, "own") for label in ("Cup", "cup")}
    odd = {work.add(make.encoded(make.next()), label, "own") for label in ("STRASSE", "Straße")}
    relabelled = work.add(make.encoded(make.next()), "cup", "own")
    work.decide(relabelled, "relabel", "muG")
    work.clean()
    by_label = {
        label: {row["sha256"] for row in work.rows(label=label, verdict="keep")}
        for label in {row["label"] for row in work.rows()}
    }
    assert by_label == {"mug": mugs | {relabelled}, "cup": cups, "Straße": odd}
    assert {name.split("/")[0] for name in work.written() if "/" in name} == set(by_label)


def test_each_file_that_is_left_out_has_a_reason(work, make) -> None:
    work.values["sources"] = {"wiki": crawled(["cc0"])}
    work.add(make.encoded(make.next()), source="wiki", license="CC0")
    by = work.add(make.encoded(make.next()), source="wiki", **BY)
    cup = work.add(make.encoded(make.next()), "cup", source="wiki", license="CC0")
    former = work.add(make.encoded(make.next()), source="former", unasked=True)
    folder = paths.RAW / "wiki"
    for name in ("new.jpg", ".DS_Store", "x.jpg.part", "text.jpg"):
        (folder / "mug" / name).write_bytes(b"x")
    rejected = Row(
        status=Status.REJECTED_NOT_IMAGE,
        label="mug",
        image_url="mug/text.jpg",
        license="CC0",
        error="a <text>",
    )
    with (folder / paths.MANIFEST).open("a") as file:
        file.write(rejected.to_json() + "\n")
    left_out = {
        ("former", "params.yaml does not name the source"): [f"mug/{former}.jpg"],
        ("wiki", "litter of the system, or of a run that was killed"): [
            "mug/.DS_Store",
            "mug/x.jpg.part",
        ],
        ("wiki", "not yet collected; run: python -m scraper.collect wiki"): ["mug/new.jpg"],
        ("wiki", "rejected not image"): ["mug/text.jpg (a <text>)"],
        ("wiki", "sources.wiki.classes does not ask for the class"): [f"cup/{cup}.jpg"],
        ("wiki", "sources.wiki.licenses does not take the license"): [f"mug/{by}.jpg"],
    }
    findings = work.clean()
    assert findings.raw.left_out == left_out
    assert list(findings.raw.left_out) == sorted(left_out)
    assert work.metrics()["left_out"] == 7
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    for (source, why), files in left_out.items():
        names = html.escape(", ".join(files))
        assert f'{why} <b>{len(files)}</b> <span class="faint">in {source}: {names}' in page


@pytest.mark.parametrize("kind", ["beside", "in folders", "in an archive", "by hand in a crawl"])
def test_images_that_a_person_copied_are_kept_once(work, make, kind: str) -> None:
    """Six images, each five times, to have more of a rare class."""
    if kind == "in an archive":
        work.values["sources"]["own"] = {
            "kind": "archive", "url": "http://x/a.zip", "pattern": "(?P<label>x)"
        }  # fmt: skip
    elif kind == "by hand in a crawl":
        work.values["sources"]["own"] = crawled(None)
    for n in range(6):
        content = make.encoded(make.next())
        for copy in range(5):
            name = f"mug/{copy}/{n}.jpg" if kind == "in folders" else f"mug/{n} ({copy}).jpg"
            product = f"mug/{copy}" if kind == "in folders" else None
            address = f"http://x/a.zip#{name}" if kind == "in an archive" else name
            work.add(content, image_url=address, product_id=product)
    work.clean()
    assert work.metrics()["kept"] == work.metrics()["images"] == 6
    assert work.metrics()["dropped"] == {}


def test_a_size_chart_in_many_product_folders_is_a_placeholder(work, make) -> None:
    chart = make.encoded(make.next())
    for n in range(6):
        for content in (chart, make.encoded(make.next())):
            work.add(content, image_url=f"mug/{n}/{len(content)}.jpg", product_id=f"mug/{n}")
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 1}
