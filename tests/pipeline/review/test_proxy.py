"""The page below a prefix."""

from playwright.sync_api import Page, expect
from proxy import proxied

from pipeline.decisions import read_decisions
from pipeline.paths import REVIEW


def assert_dropped(page: Page) -> None:
    expect(page.locator(".chip:not(.pending)").first).to_have_text("✕ drop")


def test_behind_a_proxy_with_a_prefix(work, make, serve, open_page) -> None:
    work.add(make.encoded(make.next((96, 72))), "mug")
    with proxied(serve("--root-path", "/shop"), "/shop") as address:
        page = open_page(address)
        expect(page.locator(".card img")).to_have_js_property("naturalWidth", 96)
        page.keyboard.press("d")
        assert_dropped(page)
        page.reload()
        assert_dropped(page)
        page.close()
    assert len(read_decisions(REVIEW)) == 1
