"""params.yaml and the presets: complete, typed, and refused with the right name."""

from pathlib import Path

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from pipeline.cli import UserError
from pipeline.params import Params, load_params

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "params.yaml", *sorted((ROOT / "presets").glob("*.yaml"))]


def keys(model: BaseModel, prefix: str = "") -> set[str]:
    found = set()
    for name in type(model).model_fields:
        value = getattr(model, name)
        found.add(prefix + name)
        items = value.items() if name == "sources" else [(None, value)]
        for key, inner in items:
            if isinstance(inner, BaseModel):
                found |= keys(inner, f"{prefix}{name}." + (f"{key}." if key else ""))
    return found


def written(values: dict, prefix: str = "") -> set[str]:
    found = set()
    for name, value in values.items():
        found.add(prefix + name)
        if isinstance(value, dict):
            found |= written(value, f"{prefix}{name}.")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_key_is_listed(path: Path) -> None:
    """`dvc exp run -S` can only set what is there."""
    params = load_params(path)
    assert keys(params) <= written(YAML(typ="safe").load(path))


def edited(tmp_path: Path, **changes: object) -> Path:
    values = YAML(typ="safe").load(ROOT / "params.yaml")
    for dotted, value in changes.items():
        *parents, last = dotted.split("__")
        inner = values
        for part in parents:
            inner = inner[part]
        if value is ...:
            del inner[last]
        else:
            inner[last] = value
    path = tmp_path / "params.yaml"
    YAML().dump(values, path)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train__learning_rat": 0.1},
            r"train.learning_rat is not .* did you mean learning_rate\?",
        ),
        ({"trian": {}}, r"trian is not a known parameter; did you mean train\?"),
        ({"train__epochs": "ten"}, r"train.epochs is 'ten': must be a whole number$"),
        ({"train__epochs": "10"}, r"train.epochs is '10': must be a whole number; .*without quo"),
        ({"train__epochs": 1.5}, r"train.epochs is 1.5: must be a whole number"),
        ({"split__test": "15%"}, r"split.test is '15%': must be a number$"),
        ({"split__keep_official": "no"}, r"split.keep_official is 'no': must be true or false"),
        ({"clean__conflicts": "Drop"}, r"clean.conflicts is 'Drop': must be 'drop', 'keep_both'"),
        ({"sources__own__path": ["x"]}, r"sources.own.path is \['x'\]: must be text"),
        ({"sources__own__classes": "mug"}, r"sources.own.classes is 'mug': must be a list"),
        ({"sources__own__path": None}, r"path is None: must be text; .*~ alone: write '~'"),
        ({"sources__own__path": " "}, r"sources.own.path is ' ': is empty; name the folder"),
        ({"sources__own__path": "~no such/x"}, r"leads nowhere \(.*\); name another folder"),
        ({"sources__own": None}, r"sources.own is None: must be a section: its keys stand"),
        ({"clean__blank": 3}, r"clean.blank is 3: must be a section: its keys stand"),
        ({"train__epochs": ...}, r"train.epochs is missing; add it\. docs/parameters"),
        ({"train__weights": ...}, r"train.weights is missing; add it \(null where unset\)"),
        ({"train": ...}, r"train is missing; copy it from a file in presets/"),
        ({"clean__blank": ...}, r"clean.blank is missing; copy it from a file in presets/"),
        ({"train__epochs": -1}, r"train.epochs is -1: .* greater than or equal to 0"),
        ({"split__test": 0.9}, r"split .*leave something for training"),
        ({"sources__own__kind": "foldr"}, r"sources.own.kind must be one of"),
        ({"sources__own__licence": "x"}, r"sources.own.licence .* did you mean license\?"),
        ({"sources__a/b": {"kind": "folder"}}, r"sources has the name 'a/b': .* 'a_b' could"),
        ({"sources__own__classes": ["a/b"]}, r"can't be a class folder; 'a-b' could"),
        ({"sources": None}, r"sources is None"),
        ({"sources__own__classes": ["Mug", "cup", "mug"]}, r"'Mug' and 'mug' would share a folder"),
        (
            {"sources__demo_shop__classes": {"Mug": "/a/", "mug": "/b/"}},
            r"sources\.demo_shop\.classes is .*'Mug' and 'mug' would share a folder",
        ),
        (
            {"sources__x": {"kind": "archive", "url": "x.zip", "pattern": "(oops"}},
            r"pattern is .*no regular expression",
        ),
        *[
            ({"sources__x": {"kind": "archive", "url": "x.zip", **more}}, message)
            for more, message in (
                ({}, r"sources\.x .* needs a pattern with a group \(\?P<label>…\), or an index"),
                ({"pattern": "(?P<label>a)(?P<x>b)"}, r"pattern has the group x"),
                ({"pattern": "a/b"}, r"pattern needs a group \(\?P<label>…\)"),
                ({"pattern": "(?P<label>${x})"}, r"may not contain \${"),
                ({"index": {"file": "x", "path_column": "id"}}, r"or an index of labels"),
                ({"index": {"file": "x", "path_colum": "id"}}, r"did you mean path_column"),
                ({"pattern": "(?P<label>x)", "sha256": "abc"}, r"sources\.x\.sha256 is 'abc'"),
                (
                    {"pattern": "(?P<label>x)", "encoding": "cp9999"},
                    r"sources\.x\.encoding is 'cp9999': no encoding of text; some are cp437",
                ),
                ({"pattern": "(?P<label>x)", "encoding": "base64"}, r"no encoding of text"),
                (
                    {"pattern": "(?P<label>x)", "classes": {"a": 3}},
                    r"sources\.x\.classes\.a\S* is 3",
                ),
                (
                    {"pattern": "(?P<label>x)", "classes": {"a": []}},
                    r"sources\.x\.classes\.a\S* is",
                ),
            )
        ],
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_params(edited(tmp_path, **changes))


def test_numbers_as_dvc_reads_them(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(text.replace("learning_rate: 0.0001", "learning_rate: 1e-4"))
    assert load_params(path).train.learning_rate == 0.0001


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no sections; copy a file of presets"),
        ("- 1", "has no sections"),
        ("# only a comment\n", "has no sections"),
        ("a: [", "line 1: .*; correct it, or bring the file back with git"),
        ("a: 1\nb: 2\n\nb: 3\n", r"line 4: found duplicate key .*; a key can be in .* once"),
        ("a:\n  b: 1\n  b: 1\n", "line 3: found duplicate key"),
        ("a:\n\tb: 1\n", r"line 2: .*; YAML takes no tabs; put spaces"),
        ("a:\tb\n", r"line 1: .*; YAML takes no tabs"),
        ('a: "C:\\Users\\me"\n', "line 1: .*; write a path .* in single quotes"),
        ('a: "D:\\me"\n', "line 1: .*; write a path .* in single quotes"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", "line 2 is a mark of a merge"),
        ("a:\n  b: 1\n=======\n  b: 2\n", "line 3 is a mark of a merge .*delete the lines"),
        ("license: “x”: y\n", "line 1: "),
        (b"license: M\xfcller\n", "is not UTF-8: .*; save it as UTF-8"),
        ("a: 1\n".encode("utf-16"), "is not UTF-8: .*; save it as UTF-8"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str | bytes, told: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UserError, match=told) as error:
        load_params(path)
    assert len(str(error.value).splitlines()) == 1


def test_no_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="root of the repository"):
        load_params(tmp_path / "params.yaml")


def test_types_have_no_section_that_the_file_lacks() -> None:
    assert set(Params.model_fields) == set(YAML(typ="safe").load(ROOT / "params.yaml"))
