"""The ledger by itself: what it counts, prints and keeps."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from scraper import counts
from scraper.ledger import LIST, AskedPage, Ledger, ListingState, Outcome

TEXTS = st.text(max_size=8)


LABELS = st.sampled_from(["mug", "cup", "(list)", "total", LIST])


@given(
    st.lists(st.builds(AskedPage, LABELS, TEXTS, st.sampled_from(Outcome), TEXTS | st.none())),
    st.dictionaries(LABELS, TEXTS),
    st.dictionaries(LABELS, TEXTS),
)
def test_the_numbers_add_up_and_nothing_that_is_open_looks_finished(
    tmp_path_factory, pages, more, unreadable
):
    ledger = Ledger(may_have_more=more, unreadable=unreadable)
    for page in pages:
        ledger.note(page)
    numbers = ledger.numbers(["mug", "cup"])
    total = numbers["pages"]
    assert total["product_pages"] == len(ledger.pages) == sum(total[o] for o in Outcome)
    failing = total["failed_for_now"] + len(more) + len(unreadable)
    assert (ledger.unfinished() is None) == (failing == 0)
    groups = {(p.label, p.outcome) for p in ledger.pages.values() if p.outcome is not Outcome.READ}
    assert len(ledger.lost()) == len(groups) + len(more) + len(unreadable)
    assert len(ledger.table(["mug", "cup"]).splitlines()) >= 5
    folder = tmp_path_factory.mktemp("ledger")
    ledger.write(folder)
    again = Ledger.read(folder)
    assert dataclasses.replace(again, pages={}) == dataclasses.replace(ledger, pages={})
    assert again.pages == ledger.pages


def test_rows_of_a_feed_are_counted_beside_pages():
    ledger = Ledger()
    ledger.note(AskedPage("mug", "http://shop/1", Outcome.NO_IMAGE))
    ledger.note(AskedPage("mug", "http://shop/2", Outcome.NO_IMAGE))
    for row in ("line 2", "line 3", "line 4"):
        ledger.tally("mug", Outcome.NO_IMAGE, "no address", row)
    ledger.tally("mug", Outcome.READ, "", "line 5")
    assert ledger.numbers(["mug"])["pages"]["no_image"] == 5
    assert ledger.numbers(["mug"])["pages"]["read"] == 1
    assert ledger.lost() == [
        "mug: no image: 2 product pages, the first: http://shop/1",
        "mug: no image: 3 rows: no address; the first: line 2",
    ]
    (line,) = ledger.table(["mug"]).splitlines()[2:]  # one class needs no total
    assert line.split() == ["mug", "complete", "0", "6", "1", "5"]


def test_only_rows_of_other_parts_are_taken_over():
    earlier, ledger = Ledger(), Ledger()
    for label in (LIST, "mug"):
        for outcome in Outcome:
            earlier.tally(label, outcome, "why", "line 2")
    ledger.take_other_parts(earlier, LIST)
    assert list(ledger.tallies) == [(LIST, Outcome.OTHER_PART, "why")]


def test_a_class_that_looks_like_a_number_is_printed_as_it_is():
    for table in (Ledger().table(["007", "1e3"]), counts.table([], ["007", "1e3"])):
        assert [line.split()[0] for line in table.splitlines()[2:4]] == ["007", "1e3"]
    assert Ledger().table([]).startswith("class")
    assert counts.table([], []).startswith("class")


def test_a_class_that_is_full_is_not_called_complete():
    ledger = Ledger(full={"mug"})
    assert ledger.state("mug") is ListingState.FULL
    assert ledger.unfinished() is None


def test_an_image_that_failed_opens_its_page_again_and_no_other():
    ledger = Ledger()
    for name, sent_to in (("a", None), ("b", "http://shop/c"), ("d", None)):
        ledger.note(AskedPage("mug", f"http://shop/{name}", Outcome.READ, sent_to=sent_to))
    again = ledger.reopened({"http://shop/a", "http://shop/c", "http://shop/e"})
    assert [str(page.outcome) for page in again.pages.values()] == [
        "failed_for_now", "failed_for_now", "read",
    ]  # fmt: skip
    assert {page.outcome for page in ledger.pages.values()} == {Outcome.READ}


def test_only_what_failed_for_good_is_never_asked_again():
    ledger = Ledger(full={"mug"})
    for outcome in Outcome:
        ledger.note(AskedPage("mug", f"http://shop/{outcome}", outcome))
    (kept,) = ledger.failed_for_good().pages.values()
    assert kept.outcome is Outcome.FAILED_FOR_GOOD
    open_ = {page.outcome for page in ledger.pages.values() if not page.is_settled}
    assert open_ == {Outcome.FAILED_FOR_NOW, Outcome.FORBIDDEN}


def test_a_listing_is_asked_again_unless_it_was_read_to_its_end():
    read, more, broken, full, never = "mug", "cup", "hat", "cap", "bag"
    ledger = Ledger(full={full, more}, may_have_more={more: "why"}, unreadable={broken: "why"})
    ledger.listing_pages.update((read, more, broken, full))
    was_read = {x for x in (read, more, broken, full, never) if ledger.was_read(x)}
    assert was_read == {read, full}
    assert ledger.state(more) is ListingState.MAY_HAVE_MORE


def test_a_ledger_of_another_version_is_none(tmp_path):
    assert Ledger.read(tmp_path) == Ledger()
    for content in ("", "[]", "{}", '{"pages": [["a"]]}'):
        (tmp_path / "pages.json").write_text(content)
        assert Ledger.read(tmp_path) == Ledger()
