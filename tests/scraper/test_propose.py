"""Entries for a list of categories, from APIs that answer as they document it, and that fail."""

import json
import socket
import textwrap
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from ruamel.yaml import YAML

from pipeline.cli import UserError
from pipeline.params import load_params
from scraper.propose import main

ROOT = Path(__file__).parents[2]
CATEGORIES = {
    "Rain boots": (12, 3),
    "Yellow rain boots": (7, 0),
    "Mugs": (214, 9),
    "Mug shots": (900, 0),
    "Coffee mugs": (80, 0),
    'Cups: "large" #1': (60, 0),
}


class Apis:
    """The three APIs on one server. `openverse` and `foods` are what they know: name, count."""

    def __init__(self, web) -> None:
        self.web = web
        self.openverse = {"mug": 240, "rain boot": 31}
        self.foods = {"en:chocolates": 4100}
        web.routes |= {
            "/wiki?": self._wiki,
            "/images/?": self._images,
            "/food?": self._food,
        }

    @property
    def options(self) -> list[str]:
        places = {"commons": "/wiki", "openverse": "/images/", "open_food_facts": "/food"}
        return [f"--api={name}={self.web.url}{path}" for name, path in places.items()]

    def _wiki(self, handler) -> None:
        asked = {k: v[0] for k, v in parse_qs(urlsplit(handler.path).query).items()}
        if asked.get("prop") == "imageinfo":
            found = {"pages": [_file("CC BY-SA 4.0"), _file("CC BY-SA 3.0"), _file("CC0")]}
        elif "titles" in asked:
            found = {"pages": [_category(title) for title in asked["titles"].split("|")]}
        elif asked.get("generator") == "search":
            words = asked["gsrsearch"].lower().rstrip("s").split()
            hits = [x for x in CATEGORIES if all(word in x.lower() for word in words)]
            found = {"pages": [{**_category(f"Category:{x}"), "index": n}
                               for n, x in enumerate(hits, start=1)]}  # fmt: skip
        else:
            hits = 5 if asked["srsearch"] == "gnome" else 0
            found = {"searchinfo": {"totalhits": hits}, "search": [{"title": "File:1"}] * hits}
        _answer(handler, {"batchcomplete": True, "query": found})

    def _images(self, handler) -> None:
        query = parse_qs(urlsplit(handler.path).query)["q"][0]
        count = self.openverse.get(query, 0)
        results = [{"license": ("by", "cc0")[n % 2]} for n in range(min(count, 20))]
        _answer(handler, {"result_count": count, "page_count": 12, "results": results})

    def _food(self, handler) -> None:
        tag = parse_qs(urlsplit(handler.path).query)["categories_tags"][0]
        count = self.foods.get(tag, 0)
        _answer(handler, {"count": str(count), "products": [{"code": "1"}] if count else []})


def _category(title: str) -> dict:
    name = title.partition(":")[2]
    name = name[:1].upper() + name[1:]
    page = {"title": f"Category:{name}", "ns": 14}
    if name not in CATEGORIES:
        return page | {"missing": True}
    files, below = CATEGORIES[name]
    return page | {"categoryinfo": {"size": files + below, "files": files, "subcats": below}}


def _file(license_name: str) -> dict:
    return {"imageinfo": [{"extmetadata": {"LicenseShortName": {"value": license_name}}}]}


def _answer(handler, content: object, status: int = 200) -> None:
    handler.answer(json.dumps(content), status, Content_Type="application/json")


@pytest.fixture
def apis(web) -> Apis:
    return Apis(web)


@pytest.fixture
def proposed(apis, capsys, tmp_path, monkeypatch):
    """Runs the command; gives the exit code, the entries, and what was not found."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())

    def proposed(*arguments: str) -> tuple[int, dict, str]:
        code = main([*apis.options, *arguments])
        said = capsys.readouterr()
        proposed.text = said.out
        return code, YAML(typ="safe").load(textwrap.dedent(said.out)) or {}, said.err

    return proposed


def test_two_categories_and_their_spelling(proposed, web):
    code, entries, lost = proposed("mug", "Rain boot")
    assert code == 0
    assert entries["commons"]["classes"] == {
        "mug": "Category:Mugs",
        "Rain boot": "Category:Rain boots|1",  # few files: its subcategories are taken too
    }
    assert entries["openverse"]["classes"] == {"mug": "mug", "Rain boot": "rain boot"}
    assert entries["commons"]["api"] == f"{web.url}/wiki"
    assert entries["commons"]["allow_private"] == [web.host]
    assert entries["stanford-online-products"]["classes"] == {"mug": "mug"}
    assert "open_food_facts" not in entries
    assert "not found: mug in open_food_facts: no product" in lost
    assert "not found: Rain boot in the known datasets" in lost
    assert (
        "mug: Category:Mugs # 214 files, 9 subcategories; of the first 3: 2 cc-by-sa, 1 cc0; "
        "near: Category:Coffee mugs (80)" in proposed.text
    )
    assert "# 240 images; of the first 20: 10 cc-by, 10 cc0" in proposed.text


@pytest.mark.parametrize("spelt", ["rain boots", "rain-boot", "rain_boots", "RAIN BOOT"])
def test_the_same_category_in_other_spellings(proposed, spelt):
    _, entries, _ = proposed(spelt, "--skip=openverse", "--skip=open_food_facts")
    assert entries["commons"]["classes"] == {spelt: "Category:Rain boots|1"}


def test_two_categories_that_a_place_calls_the_same(proposed):
    _, entries, lost = proposed("mug", "mugs")
    assert entries["commons"]["classes"] == {"mug": "Category:Mugs"}
    assert "not found: mugs in commons: Category:Mugs is what 'mug' has already" in lost


def test_a_food(proposed):
    _, entries, _ = proposed("chocolate")
    assert entries["open_food_facts"]["classes"] == {"chocolate": "en:chocolates"}
    assert "4,100 products; all photos are cc-by-sa-3.0" in proposed.text


def test_a_category_that_only_a_search_finds(proposed):
    _, entries, _ = proposed("gnome")
    assert entries["commons"]["classes"] == {"gnome": "gnome"}
    assert "no category is called so; a search finds 5 files" in proposed.text


def test_a_category_that_is_nowhere(proposed):
    code, entries, lost = proposed("qwertz")
    assert (code, entries) == (1, {})
    for place in ("commons", "openverse", "open_food_facts", "the known datasets"):
        assert f"not found: qwertz in {place}: " in lost
    code, entries, lost = proposed("qwertz", "mug")
    assert code == 0
    assert set(entries["commons"]["classes"]) == {"mug"}
    assert "not found: qwertz in commons" in lost


@pytest.mark.parametrize("name", ["007", "true", "null", "mug: red", "# 1", "mugs, 'cups'", "*x"])
def test_names_that_yaml_would_misread(proposed, apis, name, tmp_path):
    apis.openverse[" ".join(name.split())] = 9
    _, entries, _ = proposed(name, "--write")
    (label,) = entries["openverse"]["classes"]
    assert isinstance(label, str)
    assert load_params(tmp_path / "params.yaml").sources["openverse"].classes == {label: name}


@pytest.mark.parametrize("name", ["", "...", "con", "a${b}", "MUG"])
def test_a_name_that_can_be_no_class_stops_no_other(proposed, name):
    code, entries, lost = proposed("mug", name)
    assert code == 0
    assert set(entries["commons"]["classes"]) == {"mug"}
    assert f"not found: {name!r} in any place: " in lost


def test_a_name_that_is_no_folder_gets_another(proposed, apis):
    apis.openverse["mugs / cups"] = 3
    _, entries, _ = proposed("mugs / cups")
    assert entries["openverse"]["classes"] == {"mugs - cups": "mugs / cups"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda handler: handler.answer("slow down", 429), "answers 429"),
        (lambda handler: handler.answer("oh", 503), "answers 503"),
        (lambda handler: handler.answer("<html>"), "no JSON object"),
        (lambda handler: handler.answer("[]"), "no JSON object"),
        (lambda handler: handler.answer('{"error": {"info": "go away"}}'), "go away"),
        (lambda handler: handler.connection.shutdown(socket.SHUT_RDWR), "can't be fetched"),
    ],
)
@pytest.mark.parametrize("path", ["/wiki?", "/images/?", "/food?"])
def test_a_place_that_fails_stops_no_other(proposed, web, path, fault, said):
    web.routes[path] = fault
    place = {"/wiki?": "commons", "/images/?": "openverse", "/food?": "open_food_facts"}[path]
    code, entries, lost = proposed("mug", "chocolate", "rain boot")
    assert code == 0
    assert place not in entries
    assert len({"commons", "openverse", "open_food_facts"} & set(entries)) == 2
    (reason,) = [x for x in lost.splitlines() if x.startswith(f"not found: mug in {place}: ")]
    assert said in reason
    assert f"rain boot in {place}: not asked, since it failed 2 times before" in lost


@pytest.mark.parametrize(
    "odd",
    [
        '{"query": []}',
        '{"query": {"pages": [null, 3]}}',
        "{}",
        '{"results": [null], "count": "many", "products": [{}]}',
    ],
)
def test_odd_json_is_no_crash(proposed, web, odd):
    web.routes |= dict.fromkeys(("/wiki?", "/images/?", "/food?"), odd)
    _, entries, lost = proposed("qwertz")
    assert "qwertz in commons: no category is called so" in lost
    assert "commons" not in entries


def test_every_place_fails(proposed, web):
    web.routes.clear()
    code, entries, lost = proposed("qwertz")
    assert (code, entries) == (1, {})
    assert lost.count("answers 404") == 3
    assert lost.endswith("nothing was found anywhere\n")


def test_a_shop_that_shows_no_categories(proposed, web):
    assert ": no list of its categories was found" in proposed("mug", f"--shop={web.url}")[2]


def test_write_keeps_everything_else(proposed, tmp_path):
    path = tmp_path / "params.yaml"
    before = path.read_text()
    proposed("mug", "--limit=7")
    assert "paste" in proposed.text
    proposed("mug", "--write", "--limit=7")
    assert "paste" not in proposed.text
    after = path.read_text()
    added = after.splitlines()
    for line in before.splitlines():
        added.remove(line)
    assert [x for x in after.splitlines() if x in before.splitlines()][:9] == before.splitlines()[
        :9
    ]
    start = after.index("  commons:\n")
    end = after.index("\n\nclean:")
    assert after[:start] + after[end + 1 :] == before
    params = load_params(path)
    assert list(params.sources)[:3] == ["demo_shop", "own", "commons"]
    assert params.sources["commons"].limit_per_class == 7


def test_write_overwrites_no_source(proposed, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(path.read_text().replace("  own: #", "  Commons: #"))
    before = path.read_text()
    with pytest.raises(UserError, match=r"has the source Commons already.*--prefix"):
        proposed("mug", "--write")
    assert path.read_text() == before
    proposed("mug", "--write", "--prefix=new_")
    assert {"Commons", "new_commons", "new_openverse"} <= set(load_params(path).sources)


def test_write_into_other_layouts(proposed, tmp_path):
    path = tmp_path / "params.yaml"
    text = path.read_text()
    rest = text[text.index("\nclean:") :]
    own = "    own:\n        kind: folder\n"
    path.write_text(f"{rest}\n\nsources:\n{own}")  # the last section, indented by four
    proposed("mug", "--write", "--skip=datasets")
    assert list(load_params(path).sources) == ["own", "commons", "openverse"]
    path.write_text(f"sources: {{own: {{kind: folder}}}}\n{rest}")
    with pytest.raises(UserError, match="in one line"):
        proposed("mug", "--write")


def test_what_is_typed_wrongly(proposed):
    with pytest.raises(UserError, match="name a category"):
        proposed()
    with pytest.raises(UserError, match="PLACE=URL"):
        proposed("mug", "--api=flickr=http://x.example")
    with pytest.raises(UserError, match="http"):
        proposed("mug", "--api=commons=ftp://x.example")
    with pytest.raises(UserError, match="--prefix"):
        proposed("mug", "--prefix=h&m")
