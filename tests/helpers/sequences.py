"""What people do in a project, in random order, and what must be true after each step."""

import hashlib
import json
import shutil
from pathlib import Path

import hypothesis.strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from lasting_project import Project, digests
from PIL import Image

from pipeline.manifest import Manifest
from pipeline.paths import MANIFEST

LABELS = st.sampled_from(["hat", "shoe"])
CATEGORIES = st.sampled_from(["caps", "mugs"])


class Sequences(RuleBasedStateMachine):
    template: Project
    shop: str
    folder: Path
    count = 0

    @initialize(outside=st.booleans())
    def begin(self, outside: bool) -> None:
        """Make a project. The person's folder is in it, or elsewhere on the machine."""
        type(self).count += 1
        self.base = self.folder / str(self.count)
        shutil.copytree(self.template.root, self.base / "project", symlinks=True)
        self.project = Project(self.base / "project")
        self.own = self.base / "photos" if outside else self.project.root / "data/own"
        self.other = self.base / "others"
        for folder in (self.own, self.other):
            (folder / "hat").mkdir(parents=True)
        self.person: dict[str, bytes] = {}
        """path in the person's folder: content of the file"""
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
        """whether nothing was killed since the last run of all stages"""
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
        """Expect an image of a crawl no longer, because the person edits or deletes it."""
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

    # commands that a person types

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
        if folder == self.own:  # the person may edit and delete them from now on
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
        # if Git and DVC are killed, they leave these locks, and ask people to remove them
        for lock in (".git/index.lock", ".git/HEAD.lock", ".dvc/tmp/rwlock"):
            (self.project.root / lock).unlink(missing_ok=True)
        self._note_what_came(self.own)
        incoming = self.project.root / "data/incoming/shop"
        self._note_what_came(incoming if incoming.is_dir() else self.project.root / "data/raw/shop")

    # what must be true after each step

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
        """The SHA-256 of all files in the cache that a dvc.lock of any commit names."""
        cache = self.project.root / ".dvc/cache/files/md5"
        commits = self.project.run("git", "rev-list", "--all", "--reflog").split()
        locks = [
            self.project.run("git", "show", f"{one}:dvc.lock", codes=(0, 128)) for one in commits
        ]
        if (here := self.project.root / "dvc.lock").exists():  # it is absent if a stash has it
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
