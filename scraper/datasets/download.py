"""Gets files: from this machine, from a mirror, or from their origin. Downloads are resumed.

A download grows in a `.part` file. A note beside it has the address and the state of the file
there. So the next attempt continues the download, if the server can (RFC 9110: Range, If-Range).
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import quote

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from pipeline.addresses import RefusedAddressError, check_url, host_port, reason, session
from pipeline.cli import UserError
from pipeline.files import file_digest, write_atomic
from pipeline.paths import DOWNLOADS
from scraper.datasets.catalog import File
from scraper.datasets.encoded import decoded
from scraper.datasets.member import DamagedError, DownloadError
from scraper.datasets.unpack import check_no_page
from scraper.settings import RETRY_AFTER_MAX

MIRROR = "DATASETS_MIRROR"
"""Environment variable: a folder or an http(s) address that comes before the origin."""

RETRY_WAITS = (1.0, 4.0)
"""seconds to wait after attempts that brought nothing new; after any other there is no wait"""

Prepare = Callable[[requests.Session], None]

_TIMEOUT = 60
_CHUNK = 1 << 20
_BUSY = (429, 500, 502, 503, 504)
_CLOSED = {401, 403}  # to those who do not sign in
_RETRY = Retry()


class _UnfinishedError(Exception):
    """An attempt ended early. Another one may continue it after `wait` seconds."""

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait


def copies(
    file: File, allow_private: Collection[str] = (), prepare: Prepare | None = None
) -> Generator[Path, None, None]:
    """Yield local copies of `file`, each from another place, with the right digest.

    `prepare` gets each session before it asks for one of the file's own addresses.
    A digest of the kind git-tree can be checked only by the caller, when it unpacks the copy. A
    caller that finds a copy damaged throws the DamagedError into the generator, and gets the next
    copy. Raises UserError, with the problem at each place, if no copy is left.
    """
    cached = DOWNLOADS / hashlib.sha256(file.address.encode()).hexdigest()[:12] / file.base_name
    problems = []
    for place, bring in _places(file, cached, allow_private, prepare):
        try:
            yield bring()
        except (DamagedError, DownloadError, RefusedAddressError) as error:
            cached.unlink(missing_ok=True)
            problems.append(f"\n  {place}: {error}")
    has_mirror = not file.is_local and (file.name or file.digest)
    remedy = f"\n{MIRROR} may name a folder or an address that has it" if has_mirror else ""
    raise UserError(f"{file.name or file.base_name} can't be had:{''.join(problems)}{remedy}")


def require_space(folder: Path, need: int) -> None:
    """Raise UserError unless the disk of `folder` has `need` bytes left."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < need:
        raise UserError(
            f"{folder} needs {need / 1e9:,.1f} GB and its disk has {free / 1e9:,.1f} GB left; "
            "make room, or keep the project on a larger disk"
        )


def _places(
    file: File, cached: Path, allow_private: Collection[str], prepare: Prepare | None
) -> Iterator[tuple[str, Callable[[], Path]]]:
    if file.is_local:
        yield file.address, partial(_here, file.address, file)
        return
    if cached.exists():
        yield str(cached), lambda: cached
    mirror = os.environ.get(MIRROR)
    if mirror and (file.name or file.digest):  # else another file called main.zip would match
        if "://" not in mirror and not Path(mirror).is_dir():
            raise UserError(f"{MIRROR} is {mirror!r}: neither a folder nor an http address")
        for name in dict.fromkeys(filter(None, (file.name, file.base_name))):
            if "://" in mirror:
                url = f"{mirror.rstrip('/')}/{quote(name)}"
                yield url, partial(_download, url, cached, file, [host_port(mirror)])
            elif (path := Path(mirror, name)).exists():
                yield str(path), partial(_checked, path, file)
    for url in file.urls:
        yield url, partial(_download, url, cached, file, allow_private, prepare)


def _here(address: str, file: File) -> Path:
    try:
        path = Path(address).expanduser()
    except RuntimeError as error:  # ~nobody
        raise DownloadError(str(error)) from error
    if not path.exists():
        meant = f", {path}" if str(path) != address else ""
        raise DownloadError(f"there is no such file or folder{meant}")
    if path.is_dir() and file.digest:
        raise DownloadError("a folder has no sha256; set it to null")
    return _checked(path, file)


def _checked(path: Path, file: File) -> Path:
    if path.is_file():
        check_no_page(path, file.base_name)
    kind, _, wanted = (file.digest or "").partition(":")
    if kind in ("md5", "sha256"):
        found = file_digest(path, kind)
        if found != wanted:
            raise DamagedError(f"damaged or another: its {kind} is {found}, not {wanted}")
    return path


def _download(
    url: str,
    target: Path,
    file: File,
    allow_private: Collection[str],
    prepare: Prepare | None = None,
) -> Path:
    check_url(url)
    part = _Part(target)
    waits, most = iter(RETRY_WAITS), 0
    with session(allow_private) as http:
        if prepare:
            prepare(http)
        while True:
            resumed = part.state(url) is not None
            try:
                if encoding := _attempt(http, url, part, file):
                    part.forget_state()  # an unpacked part can't be continued
                _checked(decoded(part.path, file, encoding), file)
                break
            except DamagedError:
                part.forget()
                if not resumed:  # if resumed, the server may have changed the file: try once more
                    raise
            except (requests.RequestException, HTTPError, OSError, _UnfinishedError) as error:
                size, more = part.size, part.size > most
                most = max(most, size)
                wait = 0 if more else next(waits, None)
                if wait is None:
                    raise DownloadError(reason(error)) from error
                time.sleep(max(wait, getattr(error, "wait", 0)))
    part.path.replace(target)
    part.forget()
    return target


def _attempt(http: requests.Session, url: str, part: "_Part", file: File) -> str:
    """Ask once, from the end of the part. Raises _UnfinishedError if the file's end isn't reached.

    Returns the content encoding of the answer. Some servers use one although we ask for none.
    """
    headers = {"Accept-Encoding": "identity"}
    if state := part.state(url):
        headers |= {"Range": f"bytes={part.size}-", "If-Range": state}
    with http.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        start, total = _extent(answer, part)
        # twice: for the file, and for the images in it
        require_space(part.path.parent, 2 * (total or file.size or 0) - start)
        with (
            part.open(url, answer, start) as out,
            tqdm(
                desc=file.base_name,
                initial=start,
                total=total,
                unit="B",
                unit_scale=True,
                disable=None,
            ) as bar,
        ):
            for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                out.write(chunk)
                bar.update(len(chunk))
    if total is not None and part.size != total:
        raise _UnfinishedError(f"it ended after {part.size:,} of {total:,} bytes")
    return answer.headers.get("Content-Encoding", "").strip().lower()


def _extent(answer: requests.Response, part: "_Part") -> tuple[int, int | None]:
    """Where the answer's bytes begin in the file, and the length of the file if it is known."""
    if answer.status_code == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if found and int(found[1]) == part.size:
            return part.size, int(found[2])
    if answer.status_code in (206, 416):
        part.forget()
        raise _UnfinishedError("it can't be continued")
    if answer.status_code in _BUSY:
        raise _busy(answer)
    if answer.status_code != 200:
        remedy = "; download it by hand, and name its path" if answer.status_code in _CLOSED else ""
        raise DownloadError(f"it answers {answer.status_code} {answer.reason}{remedy}")
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _busy(answer: requests.Response) -> Exception:
    """The error for a server that asks us to come later, with the time to wait."""
    said = f"it answers {answer.status_code} {answer.reason}"
    try:
        wait = _RETRY.parse_retry_after(answer.headers.get("Retry-After", "0"))
    except InvalidHeader:
        wait = 0
    if wait > RETRY_AFTER_MAX:
        return DownloadError(f"{said}, and asks to be left alone for {wait:,.0f} s; try later")
    return _UnfinishedError(said, wait)


class _Part:
    """The part of a download that is here, with the address and the state of its file."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def state(self, url: str) -> str | None:
        """The validator for the next attempt; None if there is no part from this address."""
        if not self.size or not self._note.exists():
            return None
        note: dict[str, str] = json.loads(self._note.read_text())
        return note["state"] if note["url"] == url else None

    def open(self, url: str, answer: requests.Response, start: int) -> IO[bytes]:
        """Open the file to append from byte `start` on. With `start` 0 the part begins anew."""
        if start:
            return self.path.open("ab")
        self.forget()
        etag = answer.headers.get("ETag", "")
        state = answer.headers.get("Last-Modified") if etag[:1] != '"' else etag
        if state:  # a weak ETag ("W/…") doesn't promise the same bytes
            write_atomic(self._note, json.dumps({"url": url, "state": state}))
        return self.path.open("wb")

    def forget_state(self) -> None:
        self._note.unlink(missing_ok=True)

    def forget(self) -> None:
        self.forget_state()
        self.path.unlink(missing_ok=True)
