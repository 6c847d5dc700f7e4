"""What our pages link to and name is there, and the site of docs/ is built without a warning."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")])
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r'(?:\]\(<?|(?:href|src|srcset)=")([^)>"\s]+)')


def anchors(page: Path) -> set[str]:
    """What `#…` can name: the headings, as GitHub and MkDocs spell them."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Links to other hosts are not followed: tests run offline."""
    text = CODE.sub("", BLOCK.sub("", page.read_text(encoding="utf-8")))
    wrong = []
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


COMMAND = re.compile(r"python -m ((?:scraper|pipeline|model)[\w.]*)((?: [^`\n#|&]*)?)")
SHOWN = sorted(
    {
        (page, *found)
        for page in PAGES
        for found in COMMAND.findall(page.read_text(encoding="utf-8").replace("\\\n", " "))
    }
)


@pytest.mark.parametrize(
    ("page", "module", "rest"), SHOWN, ids=lambda value: getattr(value, "name", value)
)
def test_a_command_has_the_options_that_a_page_gives_it(
    page: Path, module: str, rest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = rest.split()
    given = [word.partition("=")[0] for word in words if re.match("--?[a-zA-Z]", word)]
    command = importlib.import_module(module)
    if not hasattr(command, "main"):
        command = importlib.import_module(f"{module}.__main__")
    part = words[:1] if module == "pipeline.shards" else []
    with pytest.raises(SystemExit) as ended:
        command.main([*part, "--help"])
    assert ended.value.code == 0
    known = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", capsys.readouterr().out))
    assert set(given) <= known


def test_the_files_that_pages_name_are_there() -> None:
    named = re.compile(
        r"(?<![\w/])(?:benchmarks|presets|tests|model|pipeline)/[\w/.-]+\.(?:py|yaml|json)\b"
    )
    for page in PAGES:
        for path in named.findall(page.read_text(encoding="utf-8")):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_the_parameters_that_pages_set_are_there() -> None:
    """`dvc exp run -S KEY=VALUE` needs a key that params.yaml has."""
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    for page in PAGES:
        for key in re.findall(r" -S ([\w.]+)=", page.read_text(encoding="utf-8")):
            section, _, name = key.partition(".")
            assert name in params[section], f"{page.name} sets {key}"


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs mkdocs (extra docs)")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").exists()
