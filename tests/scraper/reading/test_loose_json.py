import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.reading.loose_json import read_loose_json

MUG = '{"@type":"Product","name":"Mug","image":"/a.jpg"}'
PLAIN = json.loads(MUG)


@pytest.mark.parametrize(
    "text",
    [
        MUG,
        f"\ufeff {MUG};\n",
        MUG.replace('"', "&quot;"),
        MUG.replace('"', "&#34;"),
        json.dumps(MUG),
        f"// <![CDATA[\n{MUG}\n// ]]&gt;",
        f"/*<![CDATA[*/{MUG}/*]]>*/",
        f"<![CDATA[{MUG}]]>",
        f"//<![CDATA[{MUG}\n//]]>",
        f"<!-- {MUG} -->",
        f"/* {{ the mug */ {MUG}",
        f"<script>var mug = {MUG};</script>",
        f"<b>Notice</b>: it's undefined in /srv/shop on line 5\n{MUG}",
        MUG.replace(",", ",\u00a0\u2003"),
        MUG.replace(":", " : // the value\n"),
        MUG.replace('"', "'"),
        MUG.replace('"Mug"', "`Mug`"),
        MUG.replace('"name"', "name").replace('"image"', "image"),
        MUG.replace('"name"', "“name”"),
        MUG.replace(',"', '\n"'),
        MUG.replace(",", ",,"),
        MUG.replace("{", "{,").replace("}", ",}"),
        MUG[:-1],
        MUG[:-2],
        MUG + "}]",
        MUG.replace("Mug", "M\\ug"),
        MUG.replace('"name":', '"name" = '),
    ],
)
def test_one_object_is_read_however_it_is_written(text):
    assert read_loose_json(text) == [PLAIN]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ('Mug 9" wide', 'Mug 9" wide'),
        ('the "big", red mug', 'the "big", red mug'),
        ('<p class="x">Mug</p>', '<p class="x">Mug</p>'),
        ("two\nlines\x02", "two\nlines\x02"),
        ("it\\'s C:\\dir", "it's C:dir"),
        ("ends in \\", "ends in "),
        ("\\ud83d\\ude00", "😀"),
        ('"Mug"', '"Mug"'),
    ],
)
def test_quotes_and_control_characters_within_a_text_belong_to_it(change, name):
    found = read_loose_json(MUG.replace("Mug", change))
    assert [x["image"] for x in found] == ["/a.jpg"]
    assert found[0]["name"].replace("\\", "") == name


@pytest.mark.parametrize(
    "value",
    [
        *("", "undefined", "NaN", "window.location.href", "{{ product.sku }}", "{% sku %}"),
        *("<?php sku() ?>", "00123", "9,00", "True", '"a" + "b"', "new Date()", "-", "/* none */"),
        *("[1, 2", "[,]", "[1 2]", '{"x": 1'),
    ],
)
def test_a_value_that_is_none_takes_no_other_along(value):
    text = f'{{"@type": "Product", "offers": {{"sku": {value}}}, "image": "/a.jpg"}}'
    assert '"/a.jpg"' in json.dumps(read_loose_json(text))
    assert "Product" in json.dumps(read_loose_json(text))


@pytest.mark.parametrize("between", ["\n", ",", ";\n", " ", "]]", "}}"])
def test_several_objects_in_one_text_are_all_read(between):
    site = {"@type": "WebSite"}
    found = read_loose_json(json.dumps(site) + between + MUG + between)
    assert [site, PLAIN] == [x for x in found if x]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values, min_size=1), st.booleans())
def test_what_is_valid_is_read_as_it_is_also_beside_what_is_not(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert read_loose_json(text) == [value]
    assert value in read_loose_json(f"{text}\n{{'broken': }}")


@given(st.dictionaries(st.text("abc ", min_size=1), values, min_size=1))
def test_repair_loses_nothing_that_a_strict_reader_reads(value):
    text = json.dumps(value)
    assert read_loose_json(text[:-1] + ",}") == [value]


@given(st.text() | st.text(alphabet="{}[]\"'`:,;=\\/*<>!-&quot a1\n$%?ux"))
def test_no_text_is_too_broken(text):
    assert isinstance(read_loose_json(text), list)


@pytest.mark.parametrize(
    "piece",
    ['{"a" ', "[", "{", '"', "\\", '{"a":"b" c" ', '[" ', "/*", "{/*", "{x}", '{"a":[', "{{"],
)
def test_long_and_deep_texts_end(piece):
    assert isinstance(read_loose_json(piece * 20_000), list)
