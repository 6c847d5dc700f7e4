"""How categories are spelt, and which known datasets have one."""

from scraper.datasets.catalog import catalog
from scraper.proposals.known import in_dataset
from scraper.proposals.spelling import distance, key, spellings


def test_spellings():
    assert spellings("t-shirt") == ["t-shirts", "t-shirt"]
    assert spellings("LEGO brick") == ["lego bricks", "lego brick", "LEGO brick"]
    assert spellings("Knife")[:2] == ["knives", "knife"]
    assert spellings("帽子")[-1] == "帽子"
    assert key("T-Shirts") == key("tshirt") == key("t shirt")
    for one, many in [
        ("house", "houses"),
        ("blouse", "blouses"),
        ("cactus", "cactuses"),
        ("lens", "lenses"),
        ("bus", "buses"),
        ("watch", "watches"),
        ("tomato", "tomatoes"),
        ("shoe", "shoes"),
        ("scarf", "scarves"),
        ("glass", "glasses"),
        ("tie", "ties"),
        ("cookie", "cookies"),
        ("jeans", "jeans"),
    ]:
        assert key(one) == key(many), (one, many)
        assert many in spellings(one)
    assert key("dresses") == key("dress") != key("dressing")
    assert distance("Boots of Italy", "boot") == 2
    assert distance("Boot camps", "boot") is None


def test_no_class_of_a_dataset_is_given_twice():
    fashion = catalog()["fashion-mnist"]
    found = in_dataset(fashion, ["boot", "ankle boots", "t-shirt", "hat"])
    assert {x: y.value for x, y in found.items()} == {
        "ankle boots": "Ankle boot",
        "t-shirt": "T-shirt/top",
    }
    alone = in_dataset(fashion, ["boot"])
    assert alone["boot"].value == "Ankle boot"
