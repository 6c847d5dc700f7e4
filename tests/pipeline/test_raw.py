"""Which pictures of data/raw are asked for now."""

from pipeline import paths
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
    both = make.encoded(make.next())  # the same picture, also where it is free
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
        assert {picture.sha256 for picture in found.pictures} == wanted | {mine}
        assert found.left_out.total() == found.left_out["wiki", "mug"] == 5 - len(wanted)
        taken = {picture.sha256: picture.license for picture in found.pictures}
        assert taken[twice] == ("CC0" if licenses else "CC BY-NC 4.0")


def test_clean_reports_what_a_stricter_license_leaves_out(work, make) -> None:
    work.values["sources"] = {"wiki": crawled(["cc0"])}
    work.add(make.encoded(make.next()), source="wiki", license="CC0")
    refused = work.add(make.encoded(make.next()), source="wiki", **BY)

    work.clean()

    assert work.metrics()["left_out"] == 1
    assert work.metrics()["pictures"] == 1
    assert f"mug/{refused}.jpg" not in work.written()
    assert (paths.RAW / f"wiki/mug/{refused}.jpg").exists()
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert "<td>wiki</td><td>mug</td><td>1</td>" in page
    assert "licenses" in page[page.index('id="left-out"') :]
