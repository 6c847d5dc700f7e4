"""`part: 2/8`: the parts of a long list give together exactly what the whole gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.sources import AddressesSource, Source, SpiderSource
from scraper.division import Part, host_of
from scraper.together import hosts

PLACES = st.tuples(st.text(max_size=8), st.sampled_from("abcdefghij"), st.integers(0, 99))
LISTS = st.lists(PLACES, max_size=60)


def divided(lines: list, of: int, by: str = "") -> list[list]:
    """The lines (product, host, path) of each part."""
    parts = [Part.parsed(f"{number}/{of}{by}") for number in range(1, of + 1)]
    return [
        [one for one in lines if part.has(one[0], f"https://{one[1]}.example/{one[2]}.jpg")]
        for part in parts
    ]


@given(LISTS, LISTS, st.integers(1, 99), st.sampled_from(["", " by host"]))
def test_parts_are_the_whole_and_stay_when_the_list_grows(lines, more, of, by) -> None:
    parts = divided(lines, of, by)
    assert sorted(one for part in parts for one in part) == sorted(lines)
    units = [{one[1] if by else one[0] for one in part} for part in parts]
    assert sum(map(len, units)) == len(set().union(*units))  # none is in two parts
    grown = divided([*more, *lines], of, by)
    assert all(part == one[len(one) - len(part) :] for part, one in zip(parts, grown, strict=True))


@pytest.mark.parametrize("by", ["", " by host"])
def test_parts_are_of_about_one_size(by: str) -> None:
    lines = [(str(number), str(number), number) for number in range(4000)]
    assert all(400 < len(part) < 600 for part in divided(lines, 8, by))


@pytest.mark.parametrize("part", ["0/8", "9/8", "2", "2/", "2/100", "a/b", "2/8 by product", 2, ""])
def test_what_is_no_part_is_refused(part: object) -> None:
    entry = {"kind": "addresses", "url": "list.csv", "part": part}
    with pytest.raises(ValidationError, match="part"):
        TypeAdapter(Source).validate_python(entry)


def table(part: str | None) -> frozenset[str]:
    return hosts(AddressesSource(kind="addresses", url="list.csv", part=part))


@pytest.mark.parametrize(
    ("one", "other", "may_meet"),
    [
        ("1/2 by host", "2/2 by host", False),
        ("1/2 by host", "1/2 by host", True),
        ("1/4 by host", "2/2 by host", False),
        ("1/4 by host", "3/4 by host", False),
        ("1/2 by host", "3/4 by host", True),
        ("1/7 by host", "5/11 by host", True),
        ("1/2", "2/2", True),
        (None, "2/2 by host", True),
        (None, None, True),
    ],
)
def test_parts_run_side_by_side_if_they_share_no_host(one, other, may_meet: bool) -> None:
    assert bool(table(one) & table(other)) == may_meet


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_parts_that_share_a_host_never_run_side_by_side(first: int, second: int, data) -> None:
    one = f"{data.draw(st.integers(1, first))}/{first} by host"
    other = f"{data.draw(st.integers(1, second))}/{second} by host"
    for number in range(30):
        address = f"https://www.{number}.example:8443/x.jpg"
        if Part.parsed(one).has("x", address) and Part.parsed(other).has("x", address):
            assert table(one) & table(other)


def test_a_part_of_a_list_names_its_own_hosts(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {f"h{number}.example" for number in range(20)}
    lines = [f"https://www.{name}/{n}" for name in sorted(names) for n in range(3)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    entry = {"kind": "spider", "spider": "shop", "url": "list.txt", "classes": {"a": "A"}}
    found = [hosts(SpiderSource(**entry, part=f"{n}/3 by host")) for n in (1, 2, 3)]
    assert set().union(*found) == names
    assert sum(map(len, found)) == 20
    assert [host_of(address) for address in ("no address", "//[broken", "http://A./")] == [
        "", "", "a",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "https://käse.example/1",
        "HTTPS://WWW.KÄSE.EXAMPLE:8443/1",
        "http://ka\u0308se.example./1",
        "http://xn--kse-qla.example/1",
        "http://user:key@www.XN--KSE-QLA.example",
        "http://käse。example/",
    ],
)
def test_a_host_has_one_name(address: str) -> None:
    assert host_of(address) == "xn--kse-qla.example"


def collected(workshop, entry: dict, *parts: str | None) -> list[dict[str, dict]]:
    """The rows that count of each part, by the images' names. None is the whole."""
    workshop.sources(**{f"part_{n}": entry | {"part": part} for n, part in enumerate(parts)})
    workshop.collect("--all", "--jobs", "2")
    return [
        {name: row for (_, name), row in workshop.rows(f"part_{n}").items()}
        if "manifest.jsonl" in workshop.files(f"part_{n}")
        else {}
        for n in range(len(parts))
    ]


def assert_divided(parts: list[dict[str, dict]], names: set[str]) -> None:
    """The parts are disjoint and make the whole; all is saved."""
    assert set().union(*parts) == names
    assert sum(map(len, parts)) == len(names)
    assert all(row["status"] == "saved" for part in parts for row in part.values())


def test_a_table_is_divided(web, workshop) -> None:
    names = [f"{number}.jpg" for number in range(24)]
    web.routes |= {f"/{name}": web.image(name) for name in names}
    lines = [f"{web.url}/{name},mug,P{number // 2}" for number, name in enumerate(names)]
    lines += [",mug,P1", f"{web.url}/x.jpg,,P2"]
    (workshop.root / "list.csv").write_text("\n".join(["url,label,product", *lines]))
    entry = {"kind": "addresses", "url": "list.csv", "allow_private": [web.host]}
    whole, *parts = collected(workshop, entry, None, "1/2", "2/2")
    assert_divided([whole], set(names))
    assert_divided(parts, set(names))
    counts = [workshop.counts(f"part_{n}")["pages"] for n in range(3)]
    assert counts[0]["no_class"] == counts[1]["no_class"] == counts[0]["no_image"] == 1
    assert counts[2]["no_class"] == counts[2]["no_image"] == 0  # the first part says it
    assert counts[1]["read"] + counts[1]["other_part"] == 24
    for part in parts:
        assert len(part) == 2 * len({row["product_id"] for row in part.values()})


def number_of(host: str, of: int) -> int:
    """The number of the part that has a host."""
    parts = (Part.parsed(f"{number}/{of} by host") for number in range(1, of + 1))
    return next(part.number for part in parts if part.has("", f"http://{host}/"))


def test_a_list_of_several_hosts_is_divided_by_host(web, workshop) -> None:
    of, *numbers = next(
        (of, *numbers)
        for of in range(2, 99)
        if len(numbers := {number_of("127.0.0.1", of), number_of("localhost", of)}) == 2
    )
    web.sell("mugs", *((name, f"/{name}.jpg") for name in "abcdef"))
    local = f"localhost:{web.server_port}"
    lines = [f"http://{(web.host, local)[n % 2]}/p/{name}" for n, name in enumerate("abcdef")]
    (workshop.root / "list.txt").write_text("\n".join(lines))
    entry = {
        "kind": "spider",
        "spider": "shop",
        "url": "list.txt",
        "classes": {"mug": "list.txt"},
        "allow_private": [web.host, local],
    }
    parts = collected(workshop, entry, *(f"{number}/{of} by host" for number in numbers))
    assert_divided(parts, {f"{name}.jpg" for name in "abcdef"})
    for part in parts:
        assert len({host_of(row["page_url"]) for row in part.values()}) == 1


def test_a_sitemap_is_divided_and_a_rerun_knows_it(web, workshop) -> None:
    web.sell("mugs", *((str(number), f"/{number}.jpg") for number in range(12)))
    pages = "".join(f"<url><loc>{web.url}/p/{number}</loc></url>" for number in range(12))
    web.routes["/sitemap.xml"] = f"<urlset>{pages}</urlset>"
    entry = {
        "kind": "spider",
        "spider": "shop",
        "url": f"{web.url}/sitemap.xml",
        "classes": {"mug": f"{web.url}/sitemap.xml"},
        "allow_private": [web.host],
    }
    assert_divided(collected(workshop, entry, "1/2", "2/2"), {f"{n}.jpg" for n in range(12)})
    asked = dict(web.asked)
    assert all(asked[f"/p/{number}"] == 1 for number in range(12))
    counts = workshop.counts("part_0")["pages"]
    assert counts["other_part"] + counts["read"] == 12
    workshop.collect("part_0", "--if-needed")
    assert dict(web.asked) == asked


def test_a_feed_is_divided_and_its_variants_stay_together(web, workshop) -> None:
    items = "".join(
        f"<item><g:id>{n}</g:id><g:item_group_id>G{n // 3}</g:item_group_id>"
        f"<g:image_link>{web.url}/{n}.jpg</g:image_link><g:product_type>Mugs</g:product_type></item>"
        for n in range(15)
    )
    web.routes |= {f"/{n}.jpg": web.image(f"{n}.jpg") for n in range(15)}
    space = 'xmlns:g="http://base.google.com/ns/1.0"'
    web.routes["/feed.xml"] = f"<rss {space}><channel>{items}</channel></rss>"
    entry = {
        "kind": "spider",
        "spider": "feed",
        "url": f"{web.url}/feed.xml",
        "classes": {"mug": "Mugs"},
        "allow_private": [web.host],
    }
    parts = collected(workshop, entry, "1/2", "2/2")
    assert_divided(parts, {f"{n}.jpg" for n in range(15)})
    for part in parts:
        assert len(part) == 3 * len({row["product_id"] for row in part.values()})


def test_a_spider_that_cannot_be_divided_says_so(workshop) -> None:
    entry = {"kind": "spider", "spider": "commons", "classes": {"hat": "hat"}, "part": "1/2"}
    workshop.sources(wiki=entry)
    out = workshop.collect("wiki", code=1)
    assert "wiki: the spider commons takes no part; set it to null" in out
