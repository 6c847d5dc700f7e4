"""What tests of several packages share."""

import os
import shutil
import signal
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

settings.register_profile("no deadline", deadline=None)  # machines are busy: no test asserts a time
settings.load_profile("no deadline")

pytest.register_assert_rewrite("own_folder", "packing", "sequences")  # helpers that assert


def pytest_configure():
    """A shell that runs the tests in the background has its children ignore Ctrl-C, ours too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where everything is installed, a test that skips has not tested: SKIPS_FAIL=1 says so."""
    report = yield
    if report.skipped and os.environ.get("SKIPS_FAIL"):
        report.outcome = "failed"
        report.longrepr = f"skipped where no test may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def datasets_mirror() -> Path:
    """The folder with archives of real public datasets."""
    folder = SHARED / "datasets"
    if not folder.is_dir():
        pytest.skip(f"needs the real photos in {folder}")
    return folder


@pytest.fixture(scope="session")
def real_photos(datasets_mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clothing-dataset-small unpacked: (train|validation|test)/<class>/*.jpg, 3,781 photos."""
    folder = tmp_path_factory.mktemp("real_photos")
    (archive,) = datasets_mirror.glob("clothing-dataset-small-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """The Chromium that is installed. Of a module, not of all: it holds an event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    playwright.expect.set_options(timeout=30_000)  # ms: no test waits for a time, machines are busy
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


NOBODY = 65534  # the usual number of a user without rights


@pytest.fixture
def unprivileged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A working folder of somebody whom modes bind: root may read all."""
    if os.geteuid() != 0:
        monkeypatch.chdir(tmp_path)
        yield tmp_path
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, NOBODY, NOBODY)
        monkeypatch.chdir(folder)
        os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)
