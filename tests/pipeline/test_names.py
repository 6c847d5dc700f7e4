"""Names that people give: refused where they can't work, with the name that would do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from pipeline.cli import UserError
from pipeline.names import Label, class_key, safe_source
from pipeline.params import load_params

ROOT = Path(__file__).parents[2]
REFUSED = {  # as written in the file, and the name that would do
    "h&m": "h_m",
    "my shop": "my_shop",
    "men's": "men_s",
    "shop.example": "shop_example",
    "own$HOME": "own_HOME",
    "a@b": "a_b",
    "'a:b'": "a_b",
    "a;b": "a_b",
    "'*a'": "a",
    "'[a]'": "a",
    "'${a}'": "a",
    "'a/b'": "a_b",
    "-x": "x",
    "'.5'": "5",
    '"a\\nb"': "a_b",
}  # fmt: skip
UNQUOTED = ["2024", "007", "1e3", "0x1F", ".5", "true", "null", "2024-01-01"]
GOOD = ["yes", "no", "on", "'2024'", "'007'", "'true'", "käse", "h_m", "t-shirts", "Shop2", "_a"]


def few(folder: Path, sources: str) -> Path:
    """A file without the other sections, which are missing besides."""
    path = folder / "params.yaml"
    path.write_text(f"sources:\n{sources}\n")
    return path


def params(folder: Path, source: str = "own", classes: str = "null") -> Path:
    text = (ROOT / "params.yaml").read_text()
    for old, new in (
        ("\n  own: #", f"\n  {source}: #"),
        ("classes: null # list", f"classes: {classes} # list"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = folder / "params.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_breaks_a_command_or_a_key_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"sources has the name .*can't be the name") as error:
        load_params(few(tmp_path, f"  {name}: {{kind: folder}}"))
    assert f"{REFUSED[name]!r} could" in str(error.value)
    assert safe_source(REFUSED[name]) == REFUSED[name]


@pytest.mark.parametrize("name", UNQUOTED)
def test_what_yaml_takes_for_a_number_is_to_be_quoted(tmp_path: Path, name: str) -> None:
    shop = "  shop: {kind: spider, spider: shop, classes: {X: a}}\n"
    with pytest.raises(UserError) as error:
        load_params(few(tmp_path, f"  {name}: {{kind: folder}}\n{shop.replace('X', name)}"))
    for place in ("sources", "sources.shop.classes"):
        assert f"{place} has {name}, which YAML" in str(error.value)
    assert str(error.value).count(f"write it in quotes: '{name}'") == 2


@pytest.mark.parametrize("name", ["2024", "007", "true", "null", "~"])
def test_in_a_list_too(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"own.classes.1 has {name}, .* quotes: '{name}'"):
        load_params(few(tmp_path, f"  own: {{kind: folder, classes: [a, {name}]}}"))


def test_other_names_are_taken(tmp_path: Path) -> None:
    path = params(tmp_path)
    new = "".join(f"  {name}:\n    kind: folder\n    path: x/{name}\n" for name in GOOD)
    path.write_text(path.read_text().replace("\n  own: #", f"\n{new}  own: #"))
    assert {name.strip("'") for name in GOOD} < load_params(path).sources.keys()


def test_two_sources_never_share_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'demo_shop' and 'Demo_Shop' would share a folder"):
        load_params(few(tmp_path, "  demo_shop: {kind: folder}\n  Demo_Shop: {kind: folder}"))


@pytest.mark.parametrize("names", ["[Mug, cup, mug]", "[é, É]", "[Straße, STRASSE]"])
def test_one_class_is_named_once(tmp_path: Path, names: str) -> None:
    with pytest.raises(UserError, match="would share a folder, as they are one class"):
        load_params(few(tmp_path, f"  own: {{kind: folder, classes: {names}}}"))


def test_a_class_may_have_a_name_that_a_folder_may_have(tmp_path: Path) -> None:
    names = ["h&m", "my shop", "men's", "shop.example", "own$HOME", "a@b"]
    path = params(tmp_path, classes=json.dumps(names))
    assert load_params(path).sources["own"].classes == names


@pytest.mark.parametrize(
    "name",
    ["metadata.csv", "verdicts.parquet", "Manifest.JSONL", "left_out.json", "CREDITS.md", "x.part"],
)
def test_a_class_is_not_called_like_a_file_of_ours(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"'{name}': .*'{name.replace('.', '-')}' could"):
        load_params(params(tmp_path, classes=f"[{name}]"))


@pytest.mark.parametrize("name", ["lost+found", "desktop.ini", "~$mug", "CONIN$"])
def test_a_class_is_not_called_like_litter_or_a_device(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="can't be a class folder; choose another"):
        load_params(params(tmp_path, classes=f"['{name}']"))


def test_dvc_would_substitute_in_classes_and_their_labels(tmp_path: Path) -> None:
    shop = "  shop: {kind: spider, spider: shop, url: demo, classes: {'a${b}': x, c: '${d}'}}"
    with pytest.raises(UserError) as error:
        load_params(few(tmp_path, shop))
    assert str(error.value).count("which DVC would substitute") == 2


def test_spellings_of_one_class() -> None:
    assert class_key("É") == class_key("e\u0301") == class_key("é")
    assert class_key("Mug") == class_key("mug") != class_key("mugs")
    assert safe_source("e\u0301t&") == "ét"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with our dvc.yaml, in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path)
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(command, check=True)
    return tmp_path


def repro(project: Path, name: str) -> subprocess.CompletedProcess:
    params(project, name)
    yaml = YAML()
    values = yaml.load(project / "params.yaml")
    del values["sources"]["demo_shop"]
    yaml.dump(values, project / "params.yaml")
    command = [sys.executable, "-m", "dvc", "repro", "collect"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["h&m", "own$HOME", "shop.example"])
def test_our_message_comes_before_any_command_with_the_name(project: Path, name: str) -> None:
    done = repro(project, name)
    assert done.returncode != 0
    assert "sources has" in done.stderr, done.stdout + done.stderr
    assert not (project / "data/raw").exists()


def test_what_dvc_refuses_itself_is_in_the_docs(project: Path) -> None:
    done = repro(project, "a@b")
    assert "Stage 'collect@a@b' not found" in done.stderr
    assert "Stage 'collect@NAME' not found" in (ROOT / "docs/sources.md").read_text()


@pytest.mark.parametrize("name", ["'2024'"])
def test_names_that_work_under_dvc(project: Path, name: str) -> None:
    done = repro(project, name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "data/raw" / name.strip("'")).is_dir()


def test_a_class_may_be_written_as_macos_writes_it() -> None:
    """é as e and an accent: nobody sees the difference."""
    label = TypeAdapter(Label).validate_python("Caf\u0065\u0301")
    assert label == "Caf\u00e9"
