import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.reading.image_values import image_references


def references(value: object) -> list[str]:
    return [x for x, _ in image_references(value, lambda x: x)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/a.jpg", ["/a.jpg"]),
        ("a b.jpg", ["a b.jpg"]),
        ([["/a.jpg"], [["/b.jpg"]]], ["/a.jpg", "/b.jpg"]),
        ({"0": "/a.jpg", "10": "/c.jpg", "2": "/b.jpg"}, ["/a.jpg", "/b.jpg", "/c.jpg"]),
        ({"@list": ["/a.jpg", "/b.jpg"]}, ["/a.jpg", "/b.jpg"]),
        ({"@set": [{"url": "/a.jpg"}]}, ["/a.jpg"]),
        ({"@value": "/a.jpg"}, ["/a.jpg"]),
        ({"@type": "ImageObject", "contentUrl": "/a.jpg", "thumbnailUrl": "/t.jpg"}, ["/a.jpg"]),
        ({"@type": "ImageObject", "thumbnailUrl": "/t.jpg"}, ["/t.jpg"]),
        ({"url": {"@id": "/a.jpg"}}, ["/a.jpg"]),
        ({"url": {"url": ["/a.jpg", None]}}, ["/a.jpg"]),
        ({"contentUrl": None, "url": "/a.jpg"}, ["/a.jpg"]),
        ({"image": {"src": "/a.jpg"}}, ["/a.jpg"]),
        ({"large": "/a.jpg", "alt": "Mug"}, ["/a.jpg"]),
        (json.dumps(["/a.jpg", "/b.jpg"]), ["/a.jpg", "/b.jpg"]),
        (json.dumps({"url": "/a.jpg"}), ["/a.jpg"]),
        (json.dumps(json.dumps(["/a.jpg"])), ["/a.jpg"]),
        ("['/a.jpg', '/b.jpg']", ["/a.jpg", "/b.jpg"]),
        ("/a.jpg,/b.jpg", ["/a.jpg", "/b.jpg"]),
        (
            "https://x.example/a.jpg https://x.example/b.jpg",
            ["https://x.example/a.jpg", "https://x.example/b.jpg"],
        ),
        ("//x.example/a.jpg | //x.example/b.jpg", ["//x.example/a.jpg", "//x.example/b.jpg"]),
        ("https://x.example/w_9,h_9/a,b.jpg", ["https://x.example/w_9,h_9/a,b.jpg"]),
        ("/s.jpg 200w, /a.jpg 800w", ["/a.jpg"]),
        ('<img class="x" src="/a.jpg">', ["/a.jpg"]),
        ("url('/a.jpg')", ["/a.jpg"]),
        ("https:\\/\\/x.example\\/a.jpg", ["https://x.example/a.jpg"]),
        ("https:\\\\/\\\\/x.example\\\\/a.jpg", ["https://x.example/a.jpg"]),
        ("\\\\img\\\\a.jpg", ["/img/a.jpg"]),
        ("/a.jpg?w=8&amp;h=6", ["/a.jpg?w=8&h=6"]),
        ("/a.jpg?w=8&amp;amp;h=6", ["/a.jpg?w=8&h=6"]),
        ('\\"/a.jpg\\"', ["/a.jpg"]),
        ("&quot;/a.jpg&quot;", ["/a.jpg"]),
        ([None, "", " ", "null", "undefined", "N/A", "false", 0, True, {}, []], []),
        (["no_selection", "[object Object]", "#image", "{{ image }}", "/{width}x.jpg"], []),
    ],
)
def test_every_shape_of_a_value(value, expected):
    assert references(value) == expected


def test_an_object_that_refers_to_itself_ends():
    one = {"@id": "#a", "url": {"@id": "#a"}}
    found = image_references(one, lambda x: one if x == {"@id": "#a"} else x)
    assert list(found) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.text(alphabet='/a.jpg,{}[]"\\&<> '),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "@id", "0", "image", "@list", "x"]), inner)
    ),
    max_leaves=15,
)


@given(anything)
def test_no_value_raises(value):
    assert all(isinstance(x, str) and x.strip() for x in references(value))


@given(st.lists(st.from_regex(r"/[a-z0-9/]{1,20}\.jpg", fullmatch=True), max_size=5))
def test_no_plain_address_is_lost(addresses):
    for shape in (addresses, [addresses], json.dumps(addresses), {"@list": addresses}):
        assert references(shape) == addresses
    assert references(",".join(addresses)) == addresses


def test_a_value_that_is_nested_deep_is_read():
    value: object = "/a.jpg"
    for _ in range(5000):
        value = [{"url": value}]
    assert references(value) == ["/a.jpg"]
