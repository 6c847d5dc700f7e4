"""All sources by one command: `python -m scraper.collect --all --jobs N`."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from pipeline.sources import ArchiveSource, FolderSource, HuggingFaceSource, SpiderSource
from scraper.together import hosts


def shop(web, *classes: str, host: str = "127.0.0.1") -> dict:
    return {
        "kind": "spider",
        "spider": "shop",
        "url": f"http://{host}:{web.server_port}/",
        "classes": {label: f"/{label}/" for label in classes},
        "allow_private": [f"{host}:{web.server_port}"],
    }


def test_one_that_fails_stops_no_other(web, workshop):
    web.sell("mugs", ("red", "/red.jpg"))
    web.sell("caps", ("blue", "/blue.jpg"))
    workshop.sources(
        gone=shop(web, "nothing"),
        first=shop(web, "mugs"),
        second=shop(web, "caps", host="localhost"),
    )
    out = workshop.collect("--all", "--jobs", "3", code=1)
    assert workshop.statuses("first") == {"red.jpg": "saved"}
    assert workshop.statuses("second") == {"blue.jpg": "saved"}
    table = out[out.index("source  ") :]
    rows = {line.split()[0]: line.split()[1] for line in table.splitlines()[2:] if line[0] != " "}
    assert rows == {"gone": "failed", "first": "finished", "second": "finished"}
    assert "gone is unfinished" in " ".join(table.split())
    assert "first: " in out


def test_never_two_on_one_host(web, workshop):
    """Three sources on one host, one on another: no two requests of the first meet."""
    lock, inside, most = threading.Lock(), set(), []
    met = threading.Event()

    def listing(name: str):
        def answer(request) -> None:
            with lock:
                inside.add(name)
                most.append(set(inside))
                if {"d"} < inside:
                    met.set()
            met.wait(20)
            request.answer(web.listing_page([f"/p/{name}"]))
            with lock:
                inside.discard(name)

        return answer

    for name in "abcd":
        web.sell(name, (name, f"/{name}.jpg"))
        web.routes[f"/{name}/"] = listing(name)
    named = {name: shop(web, name) for name in "abc"}
    workshop.sources(**named, d=shop(web, "d", host="localhost"))
    workshop.collect("--all", "--jobs", "4")
    assert met.is_set()
    assert all(len(names & set("abc")) <= 1 for names in most)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)])
def test_ctrl_c_ends_all(web, workshop, sent: signal.Signals):
    asked, over = threading.Barrier(3), threading.Event()

    def never(request) -> None:
        asked.wait(60)
        over.wait(60)
        request.answer(b"too late", 500)

    web.routes["/mugs/"] = web.routes["/caps/"] = never
    workshop.sources(
        a=shop(web, "mugs"),
        b=shop(web, "caps", host="localhost"),
        c=shop(web, "mugs"),
    )
    with subprocess.Popen(
        [sys.executable, "-m", "scraper.collect", "--all", "--jobs", "2"],
        cwd=workshop.root,
        env={**os.environ, "PYTHONPATH": str(workshop.repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        asked.wait(60)
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(running.pid)], capture_output=True, text=True
        ).stdout.split()
        running.send_signal(sent)
        over.set()  # a crawl waits for what it has asked for
        out, _ = running.communicate(timeout=120)
    assert running.returncode == 130
    assert len(children) == 2
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
    rows = {line.split()[0]: line for line in out.splitlines() if line[:2] in ("a ", "b ", "c ")}
    assert "interrupted" in rows["a"]
    assert "interrupted" in rows["b"]
    assert "not started" in rows["c"]


def test_what_the_command_line_refuses(workshop):
    workshop.sources()
    for arguments, told in (
        ([], "one of the arguments"),
        (["--all", "shop"], "not allowed with"),
        (["--jobs", "2", "shop"], "--jobs is for --all"),
        (["--all", "--jobs", "0"], "--jobs is 0"),
    ):
        assert told in workshop.collect(*arguments, code=2)


def test_hosts_of_a_source(tmp_path, monkeypatch):
    spider = {"kind": "spider", "spider": "shop", "browser": False, "obey_robots": True}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("https://a.example/1\nhttps://www.b.example/2\n")

    def of(**values):
        return hosts(SpiderSource(**spider | values))

    assert of(url="https://WWW.shop.example:8443/x", classes={"a": "/a/"}) == {"shop.example"}
    assert of(url="https://shop.example/", classes={"a": "https://other.example/a"}) == {
        "shop.example",
        "other.example",
    }
    assert of(url="list.txt", classes={"a": "A"}) == {"a.example", "b.example"}
    wiki = of(spider="commons", classes={"a": "x: y", "b": "//[broken"})
    assert wiki == of(spider="commons", classes={"c": "Category:C"}) != frozenset()
    hub = HuggingFaceSource(kind="huggingface", dataset="a/b")
    archive = ArchiveSource(
        kind="archive", url="https://huggingface.co/x.zip", pattern="(?P<label>.)"
    )
    assert hosts(hub) == hosts(archive) == {"huggingface.co"}
    assert hosts(FolderSource(kind="folder", path="own")) == frozenset()
    assert hosts(archive.model_copy(update={"url": "~/x.zip"})) == frozenset()
