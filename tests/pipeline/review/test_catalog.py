"""What is shown, and what stands together."""

import pytest

from pipeline import paths
from pipeline.cli import UserError
from pipeline.review.catalog import SUSPECTS, read_catalog


def look(work):
    work.clean()
    return read_catalog(work.params)


def found_sets(catalog, kind: str) -> list[list[str]]:
    page = catalog.to_page()
    sha256 = page["columns"]["sha256"]
    return [[sha256[n] for n in one["rows"]] for one in page["sets"] if one["kind"] == kind]


def test_rows_tell_where_an_image_comes_from(work, make) -> None:
    sha256 = work.add(make.encoded(make.next()), title="<b>Mug</b>", page_url="http://a.example/1")
    columns = look(work).to_page()["columns"]
    assert columns["sha256"] == [sha256]
    assert columns["title"] == ["<b>Mug</b>"]
    assert columns["page_url"] == ["http://a.example/1"]
    assert columns["license"] == ["CC0-1.0"]
    assert len({len(column) for column in columns.values()}) == 1


def test_copies_stand_together_the_one_that_stays_first(work, make) -> None:
    image = make.next((400, 300))
    original = work.add(make.encoded(image))
    copies = {work.add(make.recompressed(image)), work.add(make.resized(image))}
    work.add(make.encoded(make.next()))
    catalog = look(work)
    (one,) = found_sets(catalog, "duplicates")
    assert one[0] == original
    assert set(one[1:]) == copies
    (shown,) = [s for s in catalog.to_page()["sets"] if s["kind"] == "duplicates"]
    assert shown["bits"][0] is None
    assert all(0 <= bits <= 60 for bits in shown["bits"][1:])
    assert found_sets(catalog, "conflicts") == []


def test_conflicts_are_in_one_set_with_the_same_bytes_or_others(work, make) -> None:
    image, twice = make.next((400, 300)), make.encoded(make.next())
    a, b = work.add(make.encoded(image), "mug"), work.add(make.resized(image), "cap")
    c = work.add(twice, "mug", product_id="1")
    assert c == work.add(twice, "cap", product_id="1")
    catalog = look(work)
    assert sorted(map(sorted, found_sets(catalog, "conflicts"))) == sorted([sorted([a, b]), [c, c]])
    assert found_sets(catalog, "duplicates") == []


def test_only_what_can_be_shown_has_a_file(work, make) -> None:
    good = work.add(make.encoded(make.next()))
    for content in (make.text(), make.truncated(), make.bomb()):
        work.add(content)
    gone = work.add(make.encoded(make.next()))
    (paths.RAW / "own" / "mug" / f"{gone}.jpg").unlink()
    assert look(work).files.keys() == {good}


def test_suspects_are_shown_once_there_is_an_audit(work, make) -> None:
    sha256 = work.add(make.encoded(make.next()))
    assert look(work).to_page()["columns"]["suspect"] == [None]
    SUSPECTS.parent.mkdir(parents=True)
    SUSPECTS.write_text(f"sha256,label,suggested,score\n{sha256},mug,cap,0.1\n")
    columns = look(work).to_page()["columns"]
    assert (columns["suspect"], columns["suggested"], columns["score"]) == ([0], ["cap"], ["0.1"])
    SUSPECTS.write_text("image\nx\n")
    with pytest.raises(UserError, match=r"suspects.csv is no table of sha256"):
        look(work)


def test_without_verdicts_it_says_how_to_make_them(work) -> None:
    with pytest.raises(UserError, match="make it with: dvc repro clean"):
        read_catalog(work.params)
