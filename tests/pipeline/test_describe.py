"""Each parameter is described once, in its type; the page and the YAML files say the same."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.describe import commented, page
from pipeline.params import Params
from pipeline.sources import KINDS, Section, sections

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "params.yaml", *sorted((ROOT / "presets").glob("*.yaml"))]
STALE = "run `python -m pipeline.describe`"


def all_sections(model: type[Section]) -> set[type[Section]]:
    nested = {
        s for field in model.model_fields.values() for s in sections(field.annotation) if s != model
    }
    return {model}.union(*map(all_sections, nested))


def test_every_key_has_a_description() -> None:
    for model in all_sections(Params).union(*map(all_sections, KINDS.values())):
        for key, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{key}"
            assert not field.description.endswith("."), f"{model.__name__}.{key}"


def test_the_page_says_what_the_types_say() -> None:
    assert (ROOT / "docs/parameters.md").read_text(encoding="utf-8") == page(), STALE


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_comments_say_what_the_types_say(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert commented(text) == text, STALE


OLD = """\
# The introduction stays.

sources: # old
  mine: # this comment is a person's
    kind: archive
    url: https://data.example/a#b.zip # old
    pattern: '(?P<label>[^/]+)/[^#]+' # old
    classes: # old
      hat: Hats # a person's
    allow_private: [] # old
  yours: {kind: folder, path: photos} # a person's
  wiki:
    kind: spider
    licenses:
      - cc0

augment:
  # a line between
  brightness_range: [0.8,
    1.2] # old
"""
NEW = """\
# The introduction stays.

sources: # where images come from; each key is a folder in data/raw
  mine: # this comment is a person's
    kind: archive # any tar, zip or folder
    url: https://data.example/a#b.zip # web address, or path of an archive or a folder
    pattern: '(?P<label>[^/]+)/[^#]+' # regular expression with the group label; it is searched in each path
    classes: # our class: theirs; null: all, under their own names
      hat: Hats # a person's
    allow_private: [] # host:port of your own network that may be asked
  yours: {kind: folder, path: photos} # a person's
  wiki:
    kind: spider # a spider crawls a shop, reads its feed or asks an API
    licenses: # licenses that are taken, such as [cc0, cc-by, none]; null: all
      - cc0

augment: # random changes, for training images only
  # a line between
  brightness_range: [0.8,
    1.2] # lowest and highest factor; null changes nothing
"""  # noqa: E501


def test_only_comments_at_our_keys_change() -> None:
    assert commented(OLD) == NEW
    assert commented(NEW) == NEW
    read = YAML(typ="safe").load
    assert read(OLD) == read(NEW)
