import pytest

from scraper.reading.image_sizes import largest_of_each, name_of_image, width_of_image

CDN = "https://cdn.example"


@pytest.mark.parametrize(
    "addresses",  # the last one is the largest
    [
        ["/mug_300x300.jpg?v=1", "/mug_1080x.jpg?v=2", "/mug.jpg"],
        ["/mug_small.jpg", "/mug_grande.jpg", "/mug_1024x1024@2x.jpg"],
        ["/mug_300x300_crop_center.jpg", "/mug_600x600_crop_center.jpg"],
        ["/mug-150x150.jpg", "/mug-600x600.jpg", "/mug.jpg"],
        ["/12-home_default/mug.jpg", "/12-large_default/mug.jpg", "/12/mug.jpg"],
        ["/images/stencil/80x80/mug.jpg", "/images/stencil/1280x1280/mug.jpg"],
        ["/i/w_300,h_300,c_fill/mug.jpg", "/i/c_fill,w_900,h_900/mug.jpg", "/i/mug.jpg"],
        ["/cdn-cgi/image/width=80,quality=75/mug.jpg", "/cdn-cgi/image/width=900/mug.jpg"],
        ["/mug.jpg?width=80&height=80&hash=A", "/mug.jpg?width=450&height=450&hash=B"],
        ["/mug?$small$&wid=300", "/mug?wid=1200&hei=1200&fmt=jpeg"],
        ["/mug.jpg?sw=300&sh=300&sm=fit", "/mug.jpg?sw=1200&sh=1200"],
        ["/mug.jpg?format=500w", "/mug.jpg?format=1500w"],
        ["/_next/image?url=%2Fmug.jpg&w=640&q=75", "/_next/image?url=%2Fmug.jpg&w=3840&q=75"],
        [
            "/out/pictures/generated/product/1/540_340_75/mug.jpg",
            "/out/pictures/master/product/1/mug.jpg",
        ],
        ["/thumbnail/ab/mug_400x400.jpg", "/thumbnail/ab/mug_800x800.jpg", "/media/ab/mug.jpg"],
        ["/sys/300Wx300H/mug.jpg", "/sys/515Wx515H/mug.jpg"],
        ["/images/I/71._AC_SX300_.jpg", "/images/I/71._AC_SL1500_.jpg"],
        ["/cache/" + "a" * 32 + "/m/u/mug.jpg?width=80", "/cache/" + "b" * 32 + "/m/u/mug.jpg"],
    ],
)
def test_one_image_at_several_sizes_is_one_and_the_largest_is_taken(addresses):
    urls = [CDN + x for x in addresses]
    assert len({name_of_image(x) for x in urls}) == 1
    for given in (urls, urls[::-1]):
        assert list(largest_of_each(dict.fromkeys(given)).values()) == [urls[-1]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/mug-1.jpg", "/mug-2.jpg"),
        ("/mug.jpg?id=1", "/mug.jpg?id=2"),
        ("/a/mug.jpg", "/b/mug.jpg"),
        ("/image.php?file=a&w=80", "/image.php?file=b&w=80"),
        ("/_next/image?url=%2Fa.jpg&w=640", "/_next/image?url=%2Fb.jpg&w=640"),
        ("/12/34.jpg", "/12/35.jpg"),
        ("/mug.jpg", "/mug.png"),
    ],
)
def test_two_images_stay_two(one, other):
    assert len(largest_of_each({CDN + one: None, CDN + other: None})) == 2


def test_a_declared_width_counts_where_the_address_says_none():
    assert largest_of_each({f"{CDN}/a.jpg": 80, f"{CDN}/a_900x.jpg": None}) == {
        "/a.jpg?": f"{CDN}/a_900x.jpg"
    }
    assert width_of_image(f"{CDN}/mug.jpg?h=200") == 200
    assert width_of_image("http://[oops/") is None
