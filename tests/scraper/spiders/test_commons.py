"""The commons spider against a small MediaWiki, as its API is documented."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

ON_WIKIMEDIA = "https://creativecommons.org/licenses/by-sa/4.0"

EXTMETADATA = {"license": "LicenseShortName", "license_url": "LicenseUrl", "artist": "Artist"}


class Wiki:
    """Answers list=categorymembers, list=search and prop=imageinfo, two results at a time."""

    def __init__(self, web) -> None:
        self.web = web
        self.files: dict[str, dict] = {}
        self.members: dict[str, list[str]] = {}
        self.found: dict[str, list[str]] = {}
        self.ids: dict[str, int] = {}
        self.asked: list[dict[str, str]] = []
        self.agents: set[str] = set()
        self.busy_until = 0.0
        web.routes["/w/api.php?"] = self.api

    def file(self, name: str, path: str | None = None, **info: object) -> str:
        """A file and its image; info is that of imageinfo, `license` and `artist` extmetadata."""
        title = f"File:{name}"
        metadata = {
            key: {"value": info.pop(short), "source": "commons-desc-page"}
            for short, key in EXTMETADATA.items()
            if short in info
        }
        place = path or f"/images/{name.replace(' ', '_')}"
        self.web.routes.setdefault(place, self.web.image(name))
        self.files[title] = {
            "size": 1000, "width": 640, "height": 480,
            "url": f"{self.web.url}{place}",
            "descriptionurl": f"{self.web.url}/wiki/{title.replace(' ', '_')}",
            "mime": "image/jpeg", "mediatype": "BITMAP", "extmetadata": metadata,
        } | info  # fmt: skip
        return title

    def id(self, title: str) -> int:
        return self.ids.setdefault(title, 9000 - len(self.ids))  # not in the order of anything

    def api(self, request) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.path).query).items()}
        self.asked.append(query)
        self.agents.add(request.headers["User-Agent"])
        assert "gzip" in request.headers["Accept-Encoding"]
        now = time.monotonic()
        self.busy_until = self.busy_until or now + 0.9
        if now < self.busy_until:
            error = {"code": "maxlag", "info": "Waiting for db: 7 seconds lagged", "lag": 7}
            busy = {"Retry_After": "1", "MediaWiki_API_Error": "maxlag"}
            request.answer(json.dumps({"error": error}), Content_Type="application/json", **busy)
            return
        ask = {"categorymembers": self.category, "search": self.search}.get(query.get("list"))
        answer = (ask or self.imageinfo)(query)
        request.answer(json.dumps(answer), Content_Type="application/json; charset=utf-8")

    def category(self, query: dict) -> dict:
        kinds = query["cmtype"].split("|")
        members = [
            {"pageid": self.id(t), "title": t, "type": "file" if t in self.files else "subcat"}
            for t in self.members.get(query["cmtitle"], ())
        ]
        members = [m for m in members if m["type"] in kinds]
        return paged("categorymembers", members, query, "cmcontinue")

    def search(self, query: dict) -> dict:
        assert query["srnamespace"] == "6"
        found = [{"ns": 6, "title": t, "pageid": self.id(t)} for t in self.found[query["srsearch"]]]
        return paged("search", found, query, "sroffset")

    def imageinfo(self, query: dict) -> dict:
        """Details of one file per answer, ordered by page id."""
        wanted = sorted(int(x) for x in query["pageids"].split("|"))
        at = int(query.get("iicontinue", 0))
        titles = {self.id(title): title for title in self.ids}
        pages = [{"pageid": n, "ns": 6, "title": titles[n]} for n in wanted]
        info = dict(self.files[titles[wanted[at]]])
        if width := int(query.get("iiurlwidth", 0)):
            info["thumburl"] = info["url"].replace("/images/", f"/thumb/{width}px-")
            self.web.routes[urlsplit(info["thumburl"]).path] = self.web.image(info["thumburl"])
            thumb = {"thumbwidth": width, "thumbheight": width * 3 // 4, "thumbmime": "image/png"}
            info |= {**thumb, "thumbmime": "image/jpeg"} if "image/" in info["mime"] else thumb
        pages[at]["imageinfo"] = [info]
        more = {"iicontinue": str(at + 1), "continue": "||"}
        rest = {"continue": more} if at + 1 < len(wanted) else {"batchcomplete": True}
        return {"query": {"pages": pages}, **rest}


def paged(name: str, results: list, query: dict, key: str) -> dict:
    at = int(query.get(key, 0))
    rest = {"continue": {key: str(at + 2), "continue": "-||"}} if at + 2 < len(results) else {}
    return {"query": {name: results[at : at + 2]}, **rest}


@pytest.fixture
def wiki(web) -> Wiki:
    return Wiki(web)


def source(web, **more: object) -> dict:
    api = f"{web.url}/w/api.php"
    return {"kind": "spider", "spider": "commons", "api": api, "allow_private": [web.host]} | more


def fill(web, wiki) -> None:
    """Hats in three categories, one of them in a circle, and a search."""
    web.routes["/robots.txt"] = "User-agent: *\nDisallow: /w/\n"  # for pages: the API is asked
    by_sa = {"license": "CC BY-SA 4.0", "license_url": f"//{ON_WIKIMEDIA.partition('//')[2]}"}
    artist = '<a href="/wiki/User:Ada" title="User:Ada">Ada &amp; <b>Bo</b></a>'
    unknown = '<div>Unknown author<span style="display: none;">Unknown author</span></div>'
    wiki.members = {
        "Category:Hats": [
            wiki.file("Red hat.jpg", artist=artist, **by_sa),
            wiki.file("Old hat.jpg", license="Public domain", artist=unknown),
            "Category:Straw hats",
            wiki.file("Sold.jpg", license="CC BY-NC 2.0"),
            wiki.file("Unclear.jpg"),
            wiki.file("Drawing.svg", license="CC0", mime="image/svg+xml", mediatype="DRAWING"),
            wiki.file("Scan.pdf", license="CC0", mime="application/pdf", mediatype="OFFICE"),
            wiki.file("Tiny.jpg", license="CC0", height=11),
            wiki.file("Hidden.jpg", path="/w/Hidden.jpg", license="CC0"),
        ],
        "Category:Straw hats": ["Category:Hats", "Category:Deep", wiki.file("Straw.jpg", **by_sa)],
        "Category:Deep": [wiki.file("Deep.jpg", license="CC0")],
    }
    wiki.found = {"flat cap": ["File:Old hat.jpg", wiki.file("Cap.jpg", license="CC0")]}


STATUSES = {
    ("hat", "Red_hat.jpg"): "saved",
    ("hat", "Old_hat.jpg"): "saved",
    ("hat", "Sold.jpg"): "rejected_license",
    ("hat", "Unclear.jpg"): "rejected_license",
    ("hat", "Drawing.svg"): "rejected_format",
    ("hat", "Scan.pdf"): "rejected_format",
    ("hat", "Tiny.jpg"): "rejected_too_small",
    ("hat", "Hidden.jpg"): "rejected_robots",
    ("hat", "Straw.jpg"): "saved",
    ("cap", "Old_hat.jpg"): "saved",
    ("cap", "Cap.jpg"): "saved",
}


def test_categories_with_depth_and_searches(web, wiki, workshop):
    """Files of a category come in its order, those of its subcategories after them."""
    fill(web, wiki)
    workshop.sources(
        wiki=source(
            web,
            classes={"hat": "Category:Hats|1", "cap": "flat cap"},
            licenses=["cc0", "pdm", "cc-by", "cc-by-sa"],
            min_side=12,
            formats=["jpeg", "png"],
            contact="ada@example.org",
        )
    )

    out = workshop.collect("wiki")

    statuses = {key: row["status"] for key, row in workshop.rows("wiki").items()}
    assert statuses == STATUSES
    row = workshop.rows("wiki")["hat", "Red_hat.jpg"]
    expected = {
        "image_url": f"{web.url}/images/Red_hat.jpg",
        "page_url": f"{web.url}/wiki/File:Red_hat.jpg",
        "product_id": "File:Red hat.jpg",
        "title": "Red hat.jpg",
        "license": "CC BY-SA 4.0",
        "license_url": ON_WIKIMEDIA,
        "author": "Ada & Bo",
    }
    assert row.items() >= expected.items()
    assert workshop.rows("wiki")["hat", "Old_hat.jpg"]["author"] == "Unknown author"
    refusals = {name: row["error"] for (_, name), row in workshop.rows("wiki").items()}
    assert refusals["Sold.jpg"] == "CC BY-NC 2.0 is not among the source's licenses"
    assert refusals["Unclear.jpg"] == "no license is not among the source's licenses"
    assert refusals["Tiny.jpg"] == "11 pixels is less than 12"
    assert refusals["Drawing.svg"] == "svg is not among the formats taken"
    assert not {"/images/Sold.jpg", "/images/Tiny.jpg", "/w/Hidden.jpg"} & set(web.asked)
    assert "rejected license" in out
    assert wiki.agents == {"product-classification (ada@example.org)"}
    assert {query["maxlag"] for query in wiki.asked} == {"5"}
    assert (workshop.root / "data/raw/wiki/CREDITS.md").read_text() == (
        "# Credits\n\nImages of `wiki` whose licenses ask for their authors to be named.\n\n"
        f"- [Red hat.jpg](<{web.url}/wiki/File:Red_hat.jpg>) by Ada & Bo, "
        f"[CC BY-SA 4.0](<{ON_WIKIMEDIA}>)\n"
        f"- [Straw.jpg](<{web.url}/wiki/File:Straw.jpg>) by unknown author, "
        f"[CC BY-SA 4.0](<{ON_WIKIMEDIA}>)\n"
    )


def test_thumbnails_of_a_wiki_without_license_metadata(web, wiki, workshop):
    """What a license filter would refuse is taken where it lists `none`; rules are asked anew."""
    names = ["Red hat.jpg", "Blue hat.jpg", "Drawing.svg", "Green hat.jpg"]
    for name in names:
        wiki.file(name, mediatype="DRAWING" if "svg" in name else "BITMAP")
        del wiki.files[f"File:{name}"]["extmetadata"]
    wiki.files["File:Drawing.svg"]["mime"] = "image/svg+xml"
    wiki.members = {"Category:Hats": [f"File:{name}" for name in names]}
    asked = {"classes": {"hat": "Category:Hats"}, "thumbnail_width": 320, "limit_per_class": 2}
    workshop.sources(wiki=source(web, licenses=["cc0"], **asked))
    workshop.collect("wiki", code=1)
    assert set(workshop.statuses("wiki").values()) == {"rejected_license"}
    workshop.sources(wiki=source(web, licenses=["cc0", "none"], **asked))
    workshop.collect("wiki")
    assert workshop.statuses("wiki") == {
        "320px-Red_hat.jpg": "saved",
        "320px-Blue_hat.jpg": "saved",
        "320px-Drawing.svg": "rejected_license",  # of the first run: the limit came before it
        "320px-Green_hat.jpg": "rejected_license",
    }
    row = workshop.rows("wiki")["hat", "320px-Red_hat.jpg"]
    assert (row["license"], row["license_url"], row["author"]) == (None, None, None)
    assert not (workshop.root / "data/raw/wiki/CREDITS.md").exists()


def test_a_crawl_by_hand_names_a_category(web, wiki, workshop):
    wiki.busy_until = 1.0
    wiki.members = {"Category:Hats": [wiki.file("Red hat.jpg", license="CC0")]}
    web.routes["/w/?"] = "<p>A wiki</p>"
    workshop.sources(own={"kind": "folder", "license": None})
    typed = ["source=own", "label=hat", "url=Category:Hats"]
    command = ["-m", "scrapy", "crawl", "commons", *(x for a in typed for x in ("-a", a))]
    workshop.run(*command, "-a", f"api={web.url}/w/api.php")
    row = workshop.rows("own")["hat", "Red_hat.jpg"]
    assert (row["status"], row["license"]) == ("saved", "CC0")
    out = workshop.run(*command, "-a", f"api={web.url}/w/", code=1)
    assert "no JSON object; is that an API's address?" in out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://wiki.example/"}, "the spider commons takes no url; set it to null"),
        ({"spider": "shop"}, "the spider shop takes no api; set it to null"),
        ({"spider": "shop", "api": None}, "the spider shop needs a url to start from"),
        ({"api": "wiki.example"}, "'wiki.example' is no address"),
        ({"classes": {"hat": "Category:Hats|deep"}}, "write a number of levels after the |"),
    ],
)
def test_a_wrong_source_is_refused(web, workshop, change, said):
    workshop.sources(wiki=source(web, classes={"hat": "Category:Hats"}) | change)
    assert said in workshop.collect("wiki", code=1)
    assert not web.asked


def test_what_the_wiki_refuses_is_said(web, workshop):
    error = {"code": "cminvalidcategory", "info": "The category name you entered is not valid."}
    web.routes["/w/api.php?"] = json.dumps({"error": error, "servedby": "mw1"})
    workshop.sources(wiki=source(web, classes={"hat": "Category:<>"}))
    out = workshop.collect("wiki", code=1)
    assert "hat: listing unreadable: " in out
    assert "The category name you entered is not valid." in out
