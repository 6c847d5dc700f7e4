"""Pages whose products appear by JavaScript only, in the Chromium that is installed."""

import json
import shutil
import socket

import pytest

pytest.importorskip("scrapy_playwright")
pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    reason="no Chromium is installed",
)

SCRIPTED = """<html><body><main id="here"></main><script>
fetch("%s").then(r => r.json()).then(data => {
  const script = document.createElement("script");
  script.type = "application/ld+json";
  script.textContent = JSON.stringify(data);
  document.getElementById("here").append(script);
});
</script></body></html>"""


def listing(*links: str) -> dict:
    entries = [{"@type": "ListItem", "position": n, "url": x} for n, x in enumerate(links)]
    return {"@context": "https://schema.org", "@type": "ItemList", "itemListElement": entries}


def product(name: str, *photos: str) -> dict:
    return {"@context": "https://schema.org", "@type": "Product", "name": name, "image": photos}


@pytest.fixture
def other_web(web):
    """A server that no source allows."""
    with type(web)() as other:
        yield other


@pytest.fixture
def scripted(web):
    """Serves a page without products, whose script fetches `data` and writes it into the page."""

    def serve(path: str, data: dict) -> None:
        web.routes[path] = SCRIPTED % f"/data{path}"
        web.routes[f"/data{path}"] = lambda request: request.answer(
            json.dumps(data), Content_Type="application/json"
        )

    return serve


def test_scripts_are_run_for_a_source_that_says_so(web, workshop, scripted):
    scripted("/mugs/", listing("/p/1", "/p/2"))
    scripted("/p/1", product("One", "/1.jpg"))
    scripted("/p/2", product("Two", "/2.jpg"))
    web.routes |= {f"/{n}.jpg": web.image(f"mug {n}") for n in (1, 2)}
    agents, page = set(), web.routes["/mugs/"]

    def note(request):
        agents.add(request.headers["User-Agent"])
        request.answer(page)

    web.routes["/mugs/"] = note
    workshop.shop(web, "mugs")
    out = workshop.collect("shop", code=1)
    assert "a page without content; if a browser shows some, set browser: true" in out
    workshop.shop(web, "mugs", browser=True)
    workshop.collect("shop")
    assert {k: r["title"] for k, r in workshop.rows().items()} == {
        ("mugs", "1.jpg"): "One",
        ("mugs", "2.jpg"): "Two",
    }
    assert all(agent.startswith("product-classification") for agent in agents)


def test_the_address_guard_and_robots_hold_for_what_the_browser_fetches(
    web, other_web, workshop, scripted
):
    web.routes["/robots.txt"] = "User-agent: *\nDisallow: /secret"
    web.routes["/mugs/"] = web.listing_page(["/p/1", "/p/2", "/p/3", "/p/4"])
    web.routes["/p/1"] = SCRIPTED % f"{other_web.url}/data" + (
        f'<img src="{other_web.url}/x.jpg"><script src="{other_web.url}/x.js"></script>'
        f'<iframe src="{other_web.url}/frame"></iframe>'
    )
    for path, target in (("/p/2", f"{other_web.url}/p"), ("/p/3", "/secret/p")):
        web.routes[path] = lambda request, to=target: request.answer(b"", 302, Location=to)
    scripted("/p/4", product("Four", "/4.jpg"))
    web.routes |= {
        "/4.jpg": web.image("4"),
        "/secret/p": web.product_page("secret", ["/secret.jpg"]),
    }
    workshop.shop(web, "mugs", browser=True)
    out = workshop.collect("shop")
    assert workshop.statuses() == {"4.jpg": "saved"}
    assert not other_web.asked
    assert "is at 127.0.0.1, which is no public address" in out


def test_pages_that_fail_stop_no_other(web, workshop, scripted):
    web.routes["/mugs/"] = web.listing_page(["/p/1", "/p/2", "/p/3"])
    web.routes["/p/1"] = lambda request: request.answer(b"", 500)
    web.routes["/p/2"] = lambda request: request.connection.shutdown(socket.SHUT_RDWR)
    scripted("/p/3", product("Three", "/3.jpg"))
    web.routes["/3.jpg"] = web.image("3")
    workshop.shop(web, "mugs", browser=True)
    assert "mugs: failed for now: 2 product pages" in workshop.collect("shop", code=1)
    assert workshop.statuses() == {"3.jpg": "saved"}


def test_what_is_missing_is_named(web, workshop, monkeypatch):
    monkeypatch.setenv("PATH", str(workshop.root))
    workshop.shop(web, "mugs", browser=True)
    assert "browser: true needs one of chromium" in workshop.collect("shop", code=1)
    workshop.sources(
        wiki={"kind": "spider", "spider": "commons", "classes": {"hat": "x"}, "browser": True}
    )
    assert "takes no browser; set it to false" in workshop.collect("wiki", code=1)
