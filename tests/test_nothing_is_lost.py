"""Whatever is typed, in whatever order: no image that a person or a crawl brought is lost.

A small project has DVC's own commands run on it, and ours: its images come from a person's folder,
from a shop on the loopback address, and from a folder that comes and goes. After each step every
image is on disk, or in DVC's cache where a `dvc checkout` of some commit finds it.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PIL import Image
from repository import environment
from ruamel.yaml import YAML

from pipeline.manifest import Manifest
from pipeline.paths import MANIFEST

ROOT = Path(__file__).parents[1]
EXAMPLES = int(os.environ.get("SEQUENCES", "6"))
"""Random sequences. 500 take an hour or two: SEQUENCES=500 pytest tests/test_nothing_is_lost.py"""
pytestmark = pytest.mark.timeout(0 if "SEQUENCES" in os.environ else 1800)

LABELS = st.sampled_from(["hat", "shoe"])
CATEGORIES = st.sampled_from(["caps", "mugs"])
LIST_STAGE = """
import json, pathlib
from ruamel.yaml import YAML
from pipeline.manifest import Manifest
params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
found = sorted({
    (name, row.label, row.sha256)
    for name in params["sources"]
    for row in Manifest(pathlib.Path("data/raw", name, "manifest.jsonl")).rows.values()
    if row.status.has_file
})
lines = [" ".join(one) for one in found]
for _, label, sha256 in found:
    assert any(pathlib.Path("data/raw").glob(f"*/{label}/{sha256}.*")), (label, sha256)
for name, values in (
    ("list", lines), ("train", {"best": {"accuracy": 0.5}}), ("evaluate", {"accuracy": 0.5})
):
    path = pathlib.Path("results", name, "metrics.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
"""


class Project:
    """A small project with a repository, a DVC cache and a remote of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = environment(PYTHONPATH=str(ROOT))

    def start(self, *command: str) -> "Running":
        return Running(self, command)

    def run(self, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        """What the command printed; its exit code is asserted."""
        code, out = self.start(*command).wait()
        assert code in codes, f"{command} gave {code}:\n{out}"
        assert "Traceback" not in out, out
        return out

    def kill(self, seconds: float, *command: str) -> None:
        """Run it for a while, then end it and all that it started, without a warning."""
        running = self.start(*command)
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it was quicker
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()

    def edit(self, **sources: dict | None) -> None:
        yaml = YAML()
        params = yaml.load(self.root / "params.yaml")
        for name, source in sources.items():
            if source is None:
                params["sources"].pop(name, None)
            else:
                params["sources"][name] = source
        yaml.dump(params, self.root / "params.yaml")

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", "step")

    def listed(self) -> list[str]:
        return json.loads((self.root / "results/list/metrics.json").read_text())


class Running:
    """A command under way. DVC's are forks of a process that has imported DVC: see forked.py."""

    server: subprocess.Popen

    def __init__(self, project: Project, command: tuple[str, ...]) -> None:
        self._out = project.root.parent / "out.txt"
        self._process = None
        if command[0] == "dvc":
            asked = {
                "arguments": command[1:],
                "folder": str(project.root),
                "environment": project.env,
                "out": str(self._out),
            }
            self.server.stdin.write(json.dumps(asked) + "\n")
            self.server.stdin.flush()
            self.pid = int(self.server.stdout.readline())
            return
        with self._out.open("w") as out:
            self._process = subprocess.Popen(
                command, cwd=project.root, env=project.env, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.pid = self._process.pid

    def wait(self) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        code = self._process.wait() if self._process else int(self.server.stdout.readline())
        return code, self._out.read_text(errors="replace")


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    command = [sys.executable, str(Path(__file__).with_name("forked.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as Running.server:
        yield
        Running.server.stdin.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was never run."""
    project = Project(tmp_path_factory.mktemp("template") / "project")
    for name in (".dvc/config", ".dvcignore", ".gitignore", "params.yaml", "scrapy.cfg"):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project.root / name)
    (project.root / "data").mkdir()
    shutil.copy(ROOT / "data/review.csv", project.root / "data")
    yaml = YAML()
    pipeline = yaml.load(ROOT / "dvc.yaml")
    stages = {name: pipeline["stages"][name] for name in ("folders", "collect")}
    stages["list"] = {
        "cmd": "python list.py",
        "params": ["sources", "train"],
        "deps": ["data/raw", "list.py"],
        "metrics": [
            {f"results/{name}/metrics.json": {"cache": False}}
            for name in ("list", "train", "evaluate")
        ],
    }
    yaml.dump({"stages": stages}, project.root / "dvc.yaml")
    (project.root / "list.py").write_text(LIST_STAGE)
    project.run("git", "init", "-q", "-b", "main")
    return project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop of files: two categories with three products each."""
    root = tmp_path_factory.mktemp("shop")
    for category in ("caps", "mugs"):
        links = []
        for number in range(3):
            name = f"{category}-{number}"
            colour = (80 * number, 40 if category == "caps" else 200, 99)
            Image.new("RGB", (30, 20), colour).save(root / f"{name}.jpg")
            product = {"@type": "Product", "name": name, "sku": name, "image": f"/{name}.jpg"}
            _page(root / f"{name}.html", product)
            links.append({"@type": "ListItem", "position": number, "url": f"/{name}.html"})
        _page(root / f"{category}.html", {"@type": "ItemList", "itemListElement": links})
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split("port ")[1].split()[0]
        yield f"127.0.0.1:{port}"
        server.terminate()


def _page(path: Path, data: dict) -> None:
    text = json.dumps({"@context": "https://schema.org", **data})
    path.write_text(f'<html><script type="application/ld+json">{text}</script></html>')


def digests(*folders: Path) -> dict[str, Path]:
    return {
        hashlib.sha256(path.read_bytes()).hexdigest(): path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix == ".jpg"
    }


class Sequences(RuleBasedStateMachine):
    template: Project
    shop: str
    folder: Path
    count = 0

    @initialize(outside=st.booleans())
    def begin(self, outside: bool) -> None:
        """The person's folder is in the project, or somewhere else on the machine."""
        type(self).count += 1
        self.base = self.folder / str(self.count)
        shutil.copytree(self.template.root, self.base / "project", symlinks=True)
        self.project = Project(self.base / "project")
        self.own = self.base / "photos" if outside else self.project.root / "data/own"
        self.other = self.base / "others"
        for folder in (self.own, self.other):
            (folder / "hat").mkdir(parents=True)
        self.person: dict[str, bytes] = {}
        """what lies in the person's folder, by path"""
        self.number = 0
        self.project.edit(
            demo_shop=None,
            own={"kind": "folder", "path": str(self.own) if outside else "data/own",
                 "license": "own work"},
            shop={"kind": "spider", "spider": "shop", "url": f"http://{self.shop}/",
                  "classes": {"cap": "/caps.html"}, "allow_private": [self.shop]},
        )  # fmt: skip
        self.project.run(
            "dvc", "remote", "add", "--default", "--force", "kept", str(self.base / "remote")
        )
        self._write(self.other / "hat" / "theirs.jpg")
        self.put("hat")
        self.project.commit()
        self.is_sound = True
        """nothing was killed since the last run of all stages"""
        self.crawled: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "project"):
            self.ends_like_a_fresh_clone()
            shutil.rmtree(self.base)

    def _write(self, path: Path) -> bytes:
        self.number += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        colour = (self.count % 256, self.number % 256, self.number // 256)
        Image.new("RGB", (20, 10 + self.number), colour).save(path)
        return path.read_bytes()

    # what a person does in the folder

    @rule(label=LABELS)
    def put(self, label: str) -> None:
        name = f"{label}/IMG {self.number + 1}.jpg"
        self.person[name] = self._write(self.own / name)

    def _some(self, number: int) -> str:
        return sorted(self.person)[number % len(self.person)]

    @precondition(lambda self: self.person)
    @rule(number=st.integers(0, 99))
    def edit_in_place(self, number: int) -> None:
        name = self._some(number)
        self._let_go_of(name)
        with (self.own / name).open("r+b") as file:
            file.write(self._write(self.base / "edited.jpg"))
            file.truncate()
        self.person[name] = (self.own / name).read_bytes()

    @precondition(lambda self: self.person)
    @rule(number=st.integers(0, 99))
    def delete(self, number: int) -> None:
        name = self._some(number)
        self._let_go_of(name)
        (self.own / name).unlink()
        del self.person[name]

    def _let_go_of(self, name: str) -> None:
        """What a crawl brought into the person's folder may go as the person wants it."""
        self.crawled.discard(hashlib.sha256(self.person[name]).hexdigest())

    @precondition(lambda self: self.person)
    @rule(number=st.integers(0, 99), label=LABELS)
    def rename(self, number: int, label: str) -> None:
        name = self._some(number)
        new = f"{label}/renamed {self.number}.jpg"
        self.number += 1
        (self.own / label).mkdir(exist_ok=True)
        (self.own / name).rename(self.own / new)
        self.person[new] = self.person.pop(name)

    # what is typed

    def _crawl(self, source: str, category: str) -> tuple[str, ...]:
        return (
            "scrapy", "crawl", "shop", "-a", f"source={source}", "-a", f"label={category[:-1]}",
            "-a", f"url=http://{self.shop}/{category}.html",
        )  # fmt: skip

    @rule(category=CATEGORIES)
    def crawl_into_the_folder(self, category: str) -> None:
        self.project.run(*self._crawl("own", category))
        self._note_what_came(self.own)

    @rule(category=CATEGORIES)
    def crawl_into_the_shop(self, category: str) -> None:
        out = self.project.run(*self._crawl("shop", category), codes=(0, 1))
        if "Run this first: dvc repro collect@shop" in out:
            self.repro()
            self.project.run(*self._crawl("shop", category))
        self._note_what_came(self.project.root / "data/raw/shop")

    def _note_what_came(self, folder: Path) -> None:
        rows = Manifest(folder / MANIFEST).rows.values()
        here = digests(folder)
        self.crawled |= {str(row.sha256) for row in rows if row.status.has_file} & here.keys()
        if folder == self.own:  # they are the person's now, to edit and to delete
            for path in self.own.rglob("*.jpg"):
                self.person[path.relative_to(self.own).as_posix()] = path.read_bytes()

    @rule()
    def repro(self) -> None:
        self.project.run("dvc", "repro")
        self._note_what_came(self.project.root / "data/raw/shop")

    @rule()
    def commit(self) -> None:
        self.project.commit()

    @rule(number=st.integers(1, 999))
    def experiment(self, number: int) -> None:
        self.project.run("dvc", "exp", "run", "-S", f"train.epochs={number}")

    @rule()
    def apply_an_experiment(self) -> None:
        out = self.project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
        names = [name for name in out.split() if name.count("/") == 4]  # not DVC's own notes
        if names:
            name = names[0].rpartition("/")[2]
            self.project.run("dvc", "exp", "apply", name, codes=(0, 255))

    @rule()
    def sweep(self) -> None:
        sweep = ("python", "-m", "model.sweep", "-S", "train.batch_size=4")
        self.project.run(*sweep, codes=(0, 1))

    @rule()
    def dvc_checkout(self) -> None:
        self.project.run("dvc", "checkout", codes=(0, 255))

    @rule()
    def push_and_pull(self) -> None:
        self.project.run("dvc", "push", codes=(0, 1))
        self.project.run("dvc", "pull", codes=(0, 1))

    @rule(back=st.integers(1, 3))
    def look_at_an_old_commit(self, back: int) -> None:
        self.project.commit()
        self.project.run("git", "checkout", "-q", f"HEAD~{back}", codes=(0, 1))
        self.project.run("dvc", "checkout", "--force", codes=(0, 1, 255))
        self.project.run("dvc", "repro")
        self.project.run("git", "stash", "-q", "--include-untracked")
        self.project.run("git", "checkout", "-q", "main")
        self.project.run("dvc", "checkout", codes=(0, 1, 255))

    @rule()
    def stash(self) -> None:
        self.project.run("git", "stash", "-q", "--include-untracked")
        self.project.run("dvc", "checkout", codes=(0, 1, 255))
        self.project.run("git", "stash", "pop", "-q", codes=(0, 1))

    @rule(there=st.booleans())
    def add_or_remove_a_source(self, there: bool) -> None:
        source = {"kind": "folder", "path": str(self.other), "license": "CC0"}
        self.project.edit(other=source if there else None)

    @rule(
        tenths=st.integers(3, 30),
        command=st.sampled_from(["repro", "exp", "shop", "own", "sweep"]),
    )
    def kill(self, tenths: int, command: str) -> None:
        commands = {
            "repro": ("dvc", "repro"),
            "exp": ("dvc", "exp", "run", "-S", "train.epochs=7"),
            "shop": self._crawl("shop", "mugs"),
            "own": self._crawl("own", "caps"),
            "sweep": ("python", "-m", "model.sweep", "-S", "train.batch_size=5"),
        }
        self.project.kill(tenths / 10, *commands[command])
        # what Git and DVC, killed while they write it, name and ask people to remove
        for lock in (".git/index.lock", ".git/HEAD.lock", ".dvc/tmp/rwlock"):
            (self.project.root / lock).unlink(missing_ok=True)
        self._note_what_came(self.own)
        incoming = self.project.root / "data/incoming/shop"
        self._note_what_came(incoming if incoming.is_dir() else self.project.root / "data/raw/shop")

    # what must hold

    @invariant()
    def what_a_person_has_is_as_it_was(self) -> None:
        for name, content in getattr(self, "person", {}).items():
            assert (self.own / name).read_bytes() == content
        if hasattr(self, "other"):
            assert (self.other / "hat/theirs.jpg").exists()

    @invariant()
    def what_a_crawl_brought_is_here_or_comes_back(self) -> None:
        if not hasattr(self, "crawled"):
            return
        data = self.project.root / "data"
        missing = self.crawled - digests(data / "raw", data / "incoming", self.own).keys()
        if missing:
            assert missing <= self._what_dvc_has_stored()

    def _what_dvc_has_stored(self) -> set[str]:
        """The SHA-256 of all files that a dvc.lock of some commit leads to, out of the cache."""
        cache = self.project.root / ".dvc/cache/files/md5"
        commits = self.project.run("git", "rev-list", "--all", "--reflog").split()
        locks = [
            self.project.run("git", "show", f"{one}:dvc.lock", codes=(0, 128)) for one in commits
        ]
        if (here := self.project.root / "dvc.lock").exists():  # a stash may have it
            locks.append(here.read_text())
        stored = set()
        for tree in cache.glob("*/*.dir"):
            if any(tree.parent.name + tree.name in lock for lock in locks):
                for entry in json.loads(tree.read_text()):
                    path = cache / entry["md5"][:2] / entry["md5"][2:]
                    stored.add(hashlib.sha256(path.read_bytes()).hexdigest())
        return stored

    def ends_like_a_fresh_clone(self) -> None:
        self.project.run("git", "stash", "clear")
        self.project.run("dvc", "repro")
        self.project.commit()
        self.project.run("dvc", "push")
        shutil.rmtree(self.base / "clone", ignore_errors=True)
        self.project.run("git", "clone", "-q", str(self.project.root), str(self.base / "clone"))
        clone = Project(self.base / "clone")
        clone.run("dvc", "pull")
        clone.run("dvc", "repro")
        assert clone.listed() == self.project.listed()
        wanted = {hashlib.sha256(content).hexdigest() for content in self.person.values()}
        assert {
            line.split()[2] for line in self.project.listed() if line.startswith("own ")
        } == wanted


def test_nothing_is_lost(template: Project, shop: str, tmp_path: Path) -> None:
    Sequences.template, Sequences.shop, Sequences.folder = template, shop, tmp_path
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=8,
            deadline=None,
            derandomize="SEQUENCES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # to shorten a sequence that fails takes too long
        ),
    )


DOCUMENTED = {
    "README, add a class, then change a parameter": (
        "crawl_into_the_folder caps", "put hat", "repro", "experiment 3",
    ),
    "images by hand, and an experiment at once": ("put hat", "put shoe", "experiment 3"),
    "a crawl by hand, and an experiment at once": ("crawl_into_the_folder mugs", "experiment 3"),
    "the daily loop": (
        "repro", "commit", "experiment 3", "commit", "put hat", "experiment 4",
        "apply_an_experiment", "commit",
    ),
    "a sweep": ("repro", "commit", "put shoe", "sweep", "repro", "commit", "sweep"),
    "a class of a shop": ("repro", "commit", "crawl_into_the_shop mugs", "experiment 3"),
    "an old commit, and back": ("repro", "commit", "put hat", "repro", "look_at_an_old_commit 1"),
    "git pull and dvc pull": ("repro", "commit", "push_and_pull", "delete 0", "repro"),
    "a source that comes and goes": (
        "add_or_remove_a_source 1", "repro", "commit", "add_or_remove_a_source", "experiment 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_the_docs_show(name: str, template: Project, shop: str, tmp_path: Path) -> None:
    Sequences.template, Sequences.shop, Sequences.folder = template, shop, tmp_path
    state = Sequences()
    state.begin(outside=False)
    for step in DOCUMENTED[name]:
        method, *argument = step.split()
        values = [int(a) if a.isdigit() else a for a in argument]
        if method == "add_or_remove_a_source":
            values = [bool(argument)]
        getattr(state, method)(*values)
        state.what_a_person_has_is_as_it_was()
        state.what_a_crawl_brought_is_here_or_comes_back()
    state.teardown()
