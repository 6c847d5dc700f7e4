"""Product pages as today's shop programs make them, each cut down to what misleads a reader."""

import pytest

from scraper.reading.markup import read_product

SITE = "https://shop.example"
MENU = """<header><a href="/"><img src="/media/logo.png"
alt="Clay shop" width="900" height="300"></a>
<nav><a href="/mugs/"><img src="/menu/clay-mugs.jpg" width="600" height="600" alt="Clay mugs"></a>
</nav></header>"""
RELATED = """<section class="related-products"><h2>You may also like</h2><ul>
<li><a href="/clay-bowl"><img src="/media/clay-bowl.jpg" width="800" height="800" alt="Clay mug
bowl"></a><button class="add-to-cart">Add</button></li></ul></section>"""
FOOTER = (
    """<footer><img src="/media/payment-visa.png" width="400" height="90" alt="Visa"></footer>"""
)

GUESSED = {
    "oscar": """<title>Clay mug | Oscar</title><div class="row"><div class="col-sm-6">
        <div id="product_gallery" class="carousel slide"><div class="thumbnail"><div
        class="carousel-inner"><div class="item active text-center"><img
        src="/a.jpg" alt="Clay mug"></div></div></div></div></div>
        <div class="product_main"><h1>Clay mug</h1><form id="add_to_basket_form"
        action="/basket/add/1/"><button>Add to basket</button></form></div></div>
        <div class="sub-header"><h2>Recently viewed</h2></div><ul><li><article class="product_pod">
        <div class="image_container"><a href="/catalogue/bowl_2/"><img class="thumbnail"
        src="/media/cache/bowl.jpg" alt="Clay bowl"></a></div></article></li></ul>""",
    "woocommerce without markup": """<title>Clay mug – Shop</title><div class="product
        product_cat-related"><div class="woocommerce-product-gallery"><figure><div
        data-thumb="/a-100x100.jpg" class="woocommerce-product-gallery__image"><a
        href="/a.jpg"><img width="600" height="600" src="/a-600x600.jpg" alt=""
        data-src="/a.jpg" data-large_image="/a.jpg" data-large_image_width="1200"
        srcset="/a-600x600.jpg 600w, /a-300x300.jpg 300w"></a></div></figure></div><h1
        class="product_title">Clay mug</h1><form class="cart"><button name="add-to-cart"
        value="12">Acheter</button></form></div>""",
    "magento gallery": """<title>Clay mug</title><h1 class="page-title"><span
        data-ui-id="page-title-wrapper">Clay mug</span></h1><div class="product media"><div
        class="gallery-placeholder" data-gallery-role="gallery-placeholder"><img alt="main product
        photo" class="gallery-placeholder__image" src="/a.jpg"></div></div>
        <form data-role="tocart-form"><button id="product-addtocart-button">Add</button></form>""",
    "prestashop viewer": """<title>Clay mug</title><section id="main"><div
        class="images-container"><div class="product-cover"><img class="js-qv-product-cover"
        src="/12-medium_default/clay-mug.jpg" data-image-large-src="/a.jpg" alt="Clay mug"></div>
        </div><h1>Clay mug</h1><div class="product-add-to-cart"><button
        data-button-action="add-to-cart">Koupit</button></div></section>""",
    "oxid zoom": """<title>Clay mug</title><div id="productinfo"><div class="picture"><a
        href="/a.jpg" id="zoom1" class="cloud-zoom"><img
        src="/out/pictures/generated/product/1/540_340_75/a.jpg" alt=""></a></div><h1
        id="productTitle">Clay mug</h1><form class="js-oxProductForm"><button id="toBasket">In den
        Warenkorb</button></form></div>""",
    "amazon-like": """<title>Clay mug</title><h1 id="title">Clay mug</h1><div
        id="imgTagWrapperId"><img id="landingImage" data-old-hires=""
        data-a-dynamic-image='{"/b._SX300_.jpg":[300,300],"/a.jpg":[1500,1500]}'
        src="data:image/gif;base64,R0" alt="Clay mug, hand made"></div><input
        id="add-to-cart-button" type="submit">""",
    "next.js state": """<title>Clay mug | Shop</title><div id="__next"><h1>Clay mug</h1><button>Add
        to cart</button></div><script id="__NEXT_DATA__" type="application/json">{"props":
        {"pageProps":{"related":[{"name":"Clay bowl","images":[{"url":"/bowl.jpg"}]}],"product":
        {"id":7,"name":"Clay mug","brand":{"logo":"/brand.jpg"},"images":[{"url":"/a.jpg"}]}}}}
        </script>""",
    "state of scripts": """<title>Clay mug</title><h1>Clay mug</h1><div id="app"></div><script>
        window.__INITIAL_STATE__ = {"pdp":{"title":"Clay mug","media":{"gallery":["/a.jpg"]},}};
        (function(){})()</script>""",
    "state of pictures": """<title>Clay mug</title><h1>Clay mug</h1><div id="app"></div><script>
        window.__STATE__ = {"item":{"name":"Clay mug","pictures":{"main":"/a.jpg"}}}</script>""",
    "pictures": """<title>Clay mug</title><h1>Clay mug</h1><div class="pictures"><div
        style="background-image: url('/a.jpg')" class="picture" title="Clay mug"></div></div>
        <a class="btn" href="/cart/add?id=1">Buy</a>""",
    "background": """<title>Clay mug</title><h1>Clay mug</h1><div class="product-gallery"><div
        class="product-image" style="background-image: url('/a.jpg')" title="Clay mug"></div></div>
        <a class="btn" href="/cart/add?id=1">Buy</a>""",
    "spree": """<title>Clay mug - Spree</title><div id="product-images"><div class="carousel"><img
        class="d-block w-100 lazyload" alt="" data-src="/a.jpg"
        src="/assets/noimage/plp.png"></div></div><h1 class="product-details-title">Clay mug</h1>
        <button id="add-to-cart-button">Add To Cart</button>""",
    "utility classes": """<title>Clay mug</title><div class="relative grid"><div class="grid__item
        relative group"><img class="object-cover" src="/a.jpg" alt="Clay mug"></div><div
        class="grid__item"><h1>Clay mug</h1><button class="btn">Add to cart</button></div></div>""",
    "a larger view behind a link": """<title>Clay mug</title><h1>Clay mug</h1><a
        href="/popup_image.php?pID=7"><img src="/a.jpg" alt="Clay mug"></a><form
        name="cart_quantity" action="/p?action=add_product"><input alt="Add to cart" title="Add to
        cart" type="image" src="/buttons/in_cart.gif"></form>""",
    "the logo is called like the shop": """<title>Clay mug | shop</title><div class="top"><img
        src="/head.jpg" alt="Shop" width="700"></div><div class="pic"><img src="/a.jpg"></div><h1>
        Clay mug</h1><img src="/wide.jpg" width="1200" alt="Free parcels"><button>Comprar</button>
        <div class="product-image-main"><img src="/a.jpg"></div>""",
    "headings twice": """<title>Clay mug</title><h1><img src="/media/logo.png" alt="Shop"></h1><h1>
        Clay mug</h1><img src="/a.jpg" alt="clay MUG (front)"><button
        class="btn buy-now">Buy</button><button class="btn
        buy-now">Buy</button><button class="add-to-cart">Add</button>""",
}


@pytest.mark.parametrize("name", GUESSED)
def test_a_page_without_markup_gives_the_image_that_it_shows_as_the_product(name):
    html = f"<body>{MENU}<main>{GUESSED[name]}{RELATED}</main>{FOOTER}"
    for is_said in (False, True):
        product = read_product(html, f"{SITE}/p/clay-mug", is_product_page=is_said)
        if product is None:
            assert not is_said
            continue
        assert [x.url for x in product.images] == [f"{SITE}/a.jpg"]
        assert product.is_guess
        assert product.title is not None
        assert "Clay mug" in product.title


MARKED = {
    "shopify": """<title>Clay mug – Shop</title><h1>Clay mug</h1><script
        type="application/ld+json; charset=utf-8">{"@context":"http://schema.org/","@type":"Product",
        "name":"Clay mug","url":"https://shop.example/products/clay-mug","image":
        ["https:\\/\\/shop.example\\/a.jpg?v=1"],"description":"A "real" mug","offers":[{"@type":
        "Offer","url":"https://shop.example/products/clay-mug?variant=1",}]}</script>""",
    "woocommerce with yoast": """<title>Clay mug - Shop</title><h1>Clay mug</h1><script
        type="application/ld+json">{"@graph":[{"@type":"WebPage","@id":"https://shop.example/p/clay-mug/",
        "primaryImageOfPage":{"@id":"https://shop.example/p/clay-mug/#primaryimage"}},{"@type":
        "ImageObject","@id":"https://shop.example/p/clay-mug/#primaryimage","url":"/a.jpg?v=1"},
        {"@type":"Organization","logo":{"@type":"ImageObject","url":"/logo.png"}},{"@type":"Product",
        "@id":"https://shop.example/p/clay-mug/#product","name":"Clay mug","image":{"@id":
        "https://shop.example/p/clay-mug/#primaryimage"}}]}</script>""",
    "magento microdata": """<title>Clay mug</title><div itemtype="http://schema.org/Product"
        itemscope="itemscope"><h1><span itemprop="name">Clay mug</span></h1><div itemprop="brand"
        itemscope itemtype="http://schema.org/Brand"><img itemprop="logo" src="/brand.jpg"></div>
        <div class="product media"><img itemprop="image" alt="main product photo"
        src="/a.jpg?v=1"></div><div class="related"><div itemprop="isRelatedTo" itemscope
        itemtype="http://schema.org/Product"><img itemprop="image" src="/bowl.jpg"></div></div>""",
    "shopware microdata": """<h1>Clay mug</h1><div itemscope itemtype="https://schema.org/Product">
        <meta itemprop="name" content="Clay mug"><div class="gallery-slider-item"><img
        itemprop="image primaryImageOfPage" src="/a_400x400.jpg" data-full-image="/a.jpg?v=1"
        srcset="/a_800x800.jpg 800w, /a_400x400.jpg 400w"></div></div>""",
    "prestashop microdata": """<section itemscope itemtype="https://schema.org/Product"><h1
        itemprop="name">Clay mug</h1><meta itemprop="image" content="/a.jpg?v=1"></section>""",
    "link around": """<div itemscope itemtype="http://schema.org/Product"><h1 itemprop="name">Clay
        mug</h1><a itemprop="image" href="/a.jpg?v=1"><img src="/a_100x100.jpg"></a></div>""",
    "image object": """<div itemscope itemtype="http://schema.org/product"><h1 itemprop="name">Clay
        mug</h1><figure itemprop="image" itemscope itemtype="http://schema.org/ImageObject"><a
        href="/a.jpg?v=1"><img src="/a_100x100.jpg"></a></figure></div>""",
    "link element": """<div itemscope itemtype="http://schema.org/Product" itemref="media"><h1
        itemprop="name">Clay mug</h1></div><div id="media"><link itemprop="image"
        href="/a.jpg?v=1"></div>""",
    "wrapper": """<div itemscope itemtype="http://schema.org/Product"><h1 itemprop="name">Clay
        mug</h1><div itemprop="image"><span><img data-src="/a.jpg?v=1"></span></div></div>""",
    "rdfa": """<div vocab="http://schema.org/" typeof="Product"><h1 property="name">Clay mug</h1>
        <span property="image" resource="/a.jpg?v=1"></span></div>""",
    "open graph of a group": """<meta property="og:type" content="og:product"><meta
        property="og:title" content="Clay mug"><meta property="og:image:secure_url"
        content="/a.jpg?v=1">""",
    "open graph in upper case": """<meta name="OG:TYPE" content="Product"><meta name="OG:TITLE"
        content="Clay mug"><meta name="OG:IMAGE" content="/a.jpg?v=1">""",
    "open graph in the body": """<div></div><h1>Clay mug</h1><p><meta property="og:type"
        content="product.item"><meta property="og:title" content="Clay mug"><meta
        property="og:image" content=""><meta property="og:image" content="/a.jpg?v=1">""",
    "open graph with a price": """<meta property="og:type" content="website"><meta
        property="og:title" content="Clay mug"><meta property="product:price:amount" content="9">
        <meta property="og:image" content="/assets/logo.png"><meta property="og:image"
        content="/a.jpg?v=1">""",
    "markup without an image": """<script type="application/ld+json">{"@type":"Product","name":
        "Clay mug"}</script><meta property="og:image" content="/a.jpg?v=1">""",
}


@pytest.mark.parametrize("name", MARKED)
def test_the_markup_of_shops_is_read_where_they_put_it(name):
    html = f"<body>{MENU}<main>{MARKED[name]}{RELATED}</main>{FOOTER}"
    product = read_product(html, f"{SITE}/p/clay-mug")
    assert product is not None
    assert [x.url for x in product.images] == [f"{SITE}/a.jpg?v=1"]
    assert product.title == "Clay mug"
    assert not product.is_guess


def test_the_image_for_sharing_is_the_products_where_the_shop_says_that_the_page_is():
    shared = (
        '<meta property="og:type" content="website"><meta property="og:image" content="/a.jpg">'
    )
    article = f"<title>Clay mug</title>{shared}<h1>Clay mug</h1>"
    assert read_product(article, f"{SITE}/about") is None
    product = read_product(article, f"{SITE}/p/clay-mug", is_product_page=True)
    assert product is not None
    assert [x.url for x in product.images] == [f"{SITE}/a.jpg"]
    assert not product.is_guess


@pytest.mark.parametrize(
    "shared",
    [
        "/logo.png",
        "/media/share-image.jpg",
        "/img/og-default.jpg",
        "/no_image.jpg",
        "/x.svg",
        "/no-picture.png",
    ],
)
def test_the_shops_logo_is_no_image_of_a_product(shared):
    page = f'<meta property="og:image" content="{shared}"><h1>Clay mug</h1>'
    product = read_product(page, f"{SITE}/p/clay-mug", is_product_page=True)
    assert product is not None
    assert product.images == ()
    shown = read_product(
        page + '<img src="/a.jpg" alt="Clay mug">', f"{SITE}/p/1", is_product_page=True
    )
    assert shown is not None
    assert [x.url for x in shown.images] == [f"{SITE}/a.jpg"]
    named = '<meta property="og:image" content="/logo-mug.jpg"><h1>Logo mug</h1>'
    product = read_product(named, f"{SITE}/p/logo-mug", is_product_page=True)
    assert product is not None
    assert [x.url for x in product.images] == [f"{SITE}/logo-mug.jpg"]


def test_the_gallery_around_the_image_comes_along_and_nothing_else():
    gallery = "".join(
        f'<li><a href="/{n}.jpg" data-fancybox><img src="/{n}_100x100.jpg" alt="Clay mug"></a></li>'
        for n in "abc"
    )
    html = f"""{MENU}<main><h1>Clay mug</h1><ul class="product-gallery">{gallery}</ul>
        <div class="description"><img src="/mood.jpg" width="1200" alt="Our workshop"></div>
        {RELATED}</main>{FOOTER}"""
    product = read_product(html, f"{SITE}/p/clay-mug", is_product_page=True)
    assert product is not None
    assert [x.url for x in product.images] == [f"{SITE}/{n}.jpg" for n in "abc"]


@pytest.mark.parametrize(
    "shown",
    [
        f"{MENU}{RELATED}{FOOTER}",
        '<a href="/p/bowl"><img src="/bowl.jpg" width="900" alt="Clay mug"></a>',
        '<div class="product-card"><a href="/p/bowl"></a><img src="/bowl.jpg" alt="Bowl"></div>',
        '<img src="/wide.jpg" width="1200" alt="Free parcels for all">',
        '<img src="/head.jpg" width="700" alt="Shop">',
        '<div class="header"><img src="/head.jpg" width="700" height="90"></div>',
        '<aside><img src="/ad.jpg" width="900" height="900"></aside>',
        '<img src="/icons/stars.png" width="900" alt="Rating"><img src="/flag.svg" width="300">',
        '<div class="recently-viewed"><img src="/bowl.jpg" class="product-image" alt="Bowl"></div>',
        '<div class="customer-reviews"><img src="/guest.jpg" alt="Clay mug at home"></div>',
    ],
)
def test_decoration_and_other_products_are_never_guessed(shown):
    html = f"<title>Clay mug</title><h1>Clay mug</h1>{shown}<button>Add to cart</button>"
    product = read_product(html, f"{SITE}/p/clay-mug", is_product_page=True)
    assert product is not None
    assert product.images == ()


@pytest.mark.parametrize(
    "button",
    [
        "In den Warenkorb",
        "Ajouter au panier",
        "Añadir al carrito",
        "Aggiungi al carrello",
        "Do koszyka",
        "カートに入れる",
        "В корзину",
        "Sepete ekle",
        "Lägg i varukorgen",
        "Add to bag",
    ],
)
def test_a_page_that_sells_in_another_language_is_a_products(button):
    html = f'<h1>Mug</h1><button>{button}</button><img src="/a.jpg" alt="Mug">'
    product = read_product(html, f"{SITE}/p/1")
    assert product is not None
    assert [x.url for x in product.images] == [f"{SITE}/a.jpg"]


@pytest.mark.parametrize(
    "link",
    [
        "Cart",
        "Go to cart",
        "Warenkorb (0)",
        "Mon panier",
        "Koszyk",
        "カート",
        "장바구니",
        "Корзина",
    ],
)
def test_a_link_to_the_cart_makes_no_page_a_products(link):
    html = f"""<div class="top"><a class="go-to-cart" href="/warenkorb">{link}</a></div>
        <h1>About us</h1><img src="/team.jpg" alt="About us" width="900">"""
    assert read_product(html, f"{SITE}/about") is None


def test_a_page_that_nests_deep_and_is_large_is_read_whole():
    deep = "<div>" * 1000
    long = " " * 11_000_000
    end = '<script type="application/ld+json">{"@type": "Product", "image": "/a.jpg"}</script>'
    script = f'<script type="application/ld+json">{{"x": "{long}"}}</script>'
    product = read_product(f"{script}{deep}{end}", f"{SITE}/p/1")
    assert product is not None
    assert [x.url for x in product.images] == [f"{SITE}/a.jpg"]
