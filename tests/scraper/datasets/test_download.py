"""Downloads: resumed, proved by length and digest, from one place after another."""

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from pipeline.cli import UserError
from scraper.datasets import download
from scraper.datasets.catalog import File
from scraper.datasets.download import copies
from scraper.datasets.member import DamagedError

CONTENT = bytes(range(256)) * 4000


def digest(content: bytes, kind: str = "sha256") -> str:
    return f"{kind}:{hashlib.new(kind, content).hexdigest()}"


@pytest.fixture
def file(web, file_server):
    """A file on a server, /set.tar.gz, and the server's behaviour."""
    web.routes["/set.tar.gz"] = server = file_server(CONTENT)
    return File(urls=[f"{web.url}/set.tar.gz"], size=None, digest=digest(CONTENT)), server


def fetch(file: File, web) -> Path:
    return next(copies(file, [web.host]))


def left() -> list[str]:
    return sorted(path.name for path in Path(".cache").rglob("*") if path.is_file())


def test_a_file_comes_whole_and_is_kept(web, file) -> None:
    file, server = file
    path = fetch(file, web)
    assert path.read_bytes() == CONTENT
    assert fetch(file, web) == path
    assert server.ranges == [None]
    assert left() == ["set.tar.gz"]


def test_what_breaks_off_is_gone_on_with(web, file) -> None:
    file, server = file
    server.cuts = [300_000, 1, 500_000]
    assert fetch(file, web).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=300001-", "bytes=800001-"]
    assert left() == ["set.tar.gz"]


def test_the_next_run_goes_on_where_the_last_was_killed(web, file) -> None:
    file, server = file
    server.cuts = [300_000, 0, 0, 0]
    with pytest.raises(UserError, match=r"set\.tar\.gz can't be had"):
        fetch(file, web)
    assert left() == ["set.tar.gz.part", "set.tar.gz.part.json"]
    assert fetch(file, web).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=300000-"


@pytest.mark.parametrize(
    "state", [{"ETag": '"two"'}, {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}]
)
def test_a_file_that_changed_is_begun_anew(web, file, state) -> None:
    file, server = file
    server.cuts = [300_000, 0, 0, 0]
    with pytest.raises(UserError):
        fetch(file, web)
    server.content, server.state = CONTENT[::-1], state
    changed = file.model_copy(update={"digest": digest(CONTENT[::-1])})
    assert fetch(changed, web).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("state", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_sure_state_nothing_is_gone_on_with(web, file, state) -> None:
    """A weak ETag stands for equal meaning, not for equal bytes."""
    file, server = file
    server.state, server.cuts = state, [300_000]
    assert fetch(file, web).read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_a_server_without_ranges(web, file) -> None:
    file, server = file
    server.takes_ranges, server.cuts = False, [300_000]
    assert fetch(file, web).read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_is_given_up(web, file) -> None:
    file, server = file
    server.takes_ranges, server.cuts = False, [300_000] * 99
    with pytest.raises(UserError, match="300000 bytes read"):
        fetch(file, web)
    assert len(server.ranges) == 2 + len(download.RETRY_WAITS)


def test_a_part_that_is_whole_already_is_not_asked_for_again(web, file) -> None:
    """Killed between the last byte and the renaming."""
    file, _ = file
    path = fetch(file, web)
    path.rename(path.with_name("set.tar.gz.part"))
    path.with_name("set.tar.gz.part.json").write_text(
        f'{{"url": "{file.address}", "state": "\\"one\\""}}'
    )
    assert fetch(file, web).read_bytes() == CONTENT
    assert left() == ["set.tar.gz"]


def test_a_resumed_file_with_a_wrong_digest_is_fetched_once_more(web, file) -> None:
    file, server = file
    server.cuts = [300_000, 0, 0, 0]
    with pytest.raises(UserError):
        fetch(file, web)
    (part,) = Path(".cache").rglob("*.part")
    part.write_bytes(b"x" * 300_000)
    assert fetch(file, web).read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_wrong_digest_is_refused_and_named(web, file, kind) -> None:
    file, _ = file
    wrong = digest(b"other", kind).partition(":")[2]
    with pytest.raises(UserError, match=f"{file.address}: .* its {kind} is .*, not {wrong}"):
        fetch(file.model_copy(update={"digest": f"{kind}:{wrong}"}), web)
    assert left() == []
    assert fetch(file.model_copy(update={"digest": digest(CONTENT, kind)}), web).exists()


def test_places_are_tried_in_turn(web, file, file_server) -> None:
    file, _ = file
    web.routes["/wrong/set.tar.gz"] = file_server(b"wrong")
    urls = [f"{web.url}/none/set.tar.gz", f"{web.url}/wrong/set.tar.gz", file.address]
    assert fetch(file.model_copy(update={"urls": urls}), web).read_bytes() == CONTENT
    shutil.rmtree(".cache")
    with pytest.raises(UserError) as refused:
        fetch(file.model_copy(update={"urls": urls[:2]}), web)
    assert "404" in str(refused.value)
    assert "sha256" in str(refused.value)


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(web, file) -> None:
    file, server = file
    server.statuses = [503, 429]
    assert fetch(file, web).read_bytes() == CONTENT
    missing = file.model_copy(update={"urls": [f"{web.url}/none"]})
    with pytest.raises(UserError, match="404"):
        fetch(missing, web)
    assert web.asked["/none"] == 1


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """The seconds that a download would have slept."""
    slept: list[float] = []
    monkeypatch.setattr(download.time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_when_it_says(web, file, waits, status) -> None:
    file, server = file
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    server.statuses = [(status, {"Retry-After": "8"}), (status, {"Retry-After": date})]
    assert fetch(file, web).read_bytes() == CONTENT
    assert waits[0] == 8
    assert 60 < waits[1] <= 90


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_time_that_is_none_is_as_if_there_were_none(web, file, waits, value) -> None:
    file, server = file
    server.statuses = [(429, {"Retry-After": value})]
    assert fetch(file, web).read_bytes() == CONTENT
    assert waits == [0]


def test_a_server_that_asks_for_much_time_is_left_alone(web, file, waits) -> None:
    file, server = file
    server.statuses = [(429, {"Retry-After": "3600"})] * 9
    with pytest.raises(UserError, match=r"429.*asks to be left alone for 3,600 s; try later"):
        fetch(file, web)
    assert waits == []
    assert len(server.ranges) == 1


def test_a_pause_between_two_pieces_is_kept_too(web, file, waits) -> None:
    file, server = file
    server.cuts = [300_000]
    server.statuses = [None, (503, {"Retry-After": "7"})]
    assert fetch(file, web).read_bytes() == CONTENT
    assert waits == [0, 7]
    assert server.ranges[-1] == "bytes=300000-"


def test_a_damaged_copy_gives_way_to_the_next_place(web, file) -> None:
    """What only unpacking can tell: a git tree, or an archive without a digest."""
    file, _ = file
    twice = file.model_copy(update={"urls": [file.address] * 2})
    found = copies(twice, [web.host])
    first = next(found)
    first.write_bytes(b"damaged")
    assert found.throw(DamagedError("its tree is another")).read_bytes() == CONTENT
    with pytest.raises(UserError, match="its tree is another"):
        found.throw(DamagedError("again"))
    assert left() == []


def test_a_private_address_is_refused_unless_allowed(web, file) -> None:
    file, server = file
    with pytest.raises(UserError, match=f"{web.host}.*allow_private"):
        next(copies(file))
    assert server.ranges == []


def test_a_mirror_is_asked_first_by_both_names(web, file, file_server, monkeypatch) -> None:
    """It vouches for its own address: the person named it."""
    file, origin = file
    monkeypatch.setenv("DATASETS_MIRROR", f"{web.url}/mirror/")
    named = file.model_copy(update={"name": "set-1.0.tar.gz"})
    web.routes["/mirror/set.tar.gz"] = file_server(CONTENT)
    assert next(copies(named)).read_bytes() == CONTENT
    assert web.asked["/mirror/set-1.0.tar.gz"] == 1
    shutil.rmtree(".cache")
    web.routes["/mirror/set-1.0.tar.gz"] = file_server(CONTENT)
    next(copies(named))
    assert web.asked["/mirror/set.tar.gz"] == 1
    assert origin.ranges == []


def test_a_mirror_that_is_wrong_or_away_gives_way_to_the_origin(
    web, file, file_server, monkeypatch
) -> None:
    file, _ = file
    monkeypatch.setenv("DATASETS_MIRROR", f"{web.url}/mirror")
    web.routes["/mirror/set.tar.gz"] = file_server(b"another")
    assert fetch(file, web).read_bytes() == CONTENT
    shutil.rmtree(".cache")
    monkeypatch.setenv("DATASETS_MIRROR", "http://127.0.0.1:1/mirror")
    assert fetch(file, web).read_bytes() == CONTENT


def test_a_folder_as_mirror_is_used_in_place(file, monkeypatch, tmp_path) -> None:
    file, server = file
    (tmp_path / "mirror").mkdir()
    kept = tmp_path / "mirror" / "set.tar.gz"
    kept.write_bytes(CONTENT)
    monkeypatch.setenv("DATASETS_MIRROR", str(tmp_path / "mirror"))
    assert next(copies(file)) == kept
    kept.write_bytes(b"another")
    with pytest.raises(UserError, match="sha256"):
        next(copies(file))
    assert kept.exists()
    assert left() == []
    assert server.ranges == []


def test_a_mirror_that_is_nothing_is_said(file, monkeypatch) -> None:
    monkeypatch.setenv("DATASETS_MIRROR", "/no/such/folder")
    with pytest.raises(UserError, match="DATASETS_MIRROR is '/no/such/folder'"):
        next(copies(file[0]))


def test_a_mirror_is_not_asked_for_what_nothing_would_prove(web, file, monkeypatch) -> None:
    file, _ = file
    monkeypatch.setenv("DATASETS_MIRROR", f"{web.url}/mirror")
    fetch(file.model_copy(update={"digest": None}), web)
    assert web.asked["/mirror/set.tar.gz"] == 0


def test_room_on_the_disk_is_looked_at_first(web, file, monkeypatch) -> None:
    file, server = file
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(UserError, match=r"needs .* GB and its disk has 0\.0 GB left"):
        fetch(file, web)
    assert server.cuts == []
    assert left() == []


def test_addresses_that_share_a_file_name_are_kept_apart(web, file_server) -> None:
    files = []
    for owner in ("ours", "theirs"):
        web.routes[f"/{owner}/main.zip"] = file_server(owner.encode())
        files.append(File(urls=[f"{web.url}/{owner}/main.zip"], size=None, digest=None))
    assert [fetch(file, web).read_bytes() for file in files] == [b"ours", b"theirs"]
