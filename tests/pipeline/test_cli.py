"""However a command ends, it says so in one sentence and by its exit code."""

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import UserError, needs_extra, run
from pipeline.files import write_atomic

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights and pipes")


def command(program: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    program = f"import os, sys\nfrom pathlib import Path\nfrom pipeline.cli import run\n{program}"
    options = {"stdout": subprocess.PIPE, "cwd": ROOT} | options
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **options,
    )


def ended(error: BaseException, capsys: pytest.CaptureFixture) -> tuple[object, str]:
    """The exit code and the message of a command that raises this."""

    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as exit_:
        run(main)
    return exit_.value.code, capsys.readouterr().err


def test_a_command_gives_its_code_or_none() -> None:
    for code, expected in ((None, 0), (0, 0), (3, 3)):
        with pytest.raises(SystemExit) as exit_:
            run(lambda code=code: code)
        assert exit_.value.code == expected


def test_what_a_person_can_mend_or_did(capsys) -> None:
    assert ended(UserError("name it"), capsys) == (1, "error: name it\n")
    assert ended(KeyboardInterrupt(), capsys) == (130, "interrupted\n")


def test_an_extra_is_installed_from_the_clone() -> None:
    command = r'this needs nothing_; install it with: pip install -e "\.\[web\]"$'
    with pytest.raises(UserError, match=command), needs_extra("web"):
        import nothing_  # noqa: F401


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "the disk of a/b is full; free some room and run this again: nothing "),
        (errno.EDQUOT, "the disk of a/b is full; "),
        # these two can't be had for real by whoever runs the tests
        (errno.EROFS, "a/b is on a disk that may only be read; "),
        (errno.EPERM, "a/b may not be read or written by you; "),
        (errno.EISDIR, f"a/b can't be used: {os.strerror(errno.EISDIR)}; a folder is where "),
        (errno.ENAMETOOLONG, f"a/b can't be used: {os.strerror(errno.ENAMETOOLONG)}; give it a "),
        (errno.EIO, f"a/b can't be used: {os.strerror(errno.EIO)}; check the disk, or "),
        (errno.EXDEV, f"a/b can't be used: {os.strerror(errno.EXDEV)}\n"),
    ],
)
def test_a_file_that_the_system_refuses(capsys, code: int, sentence: str) -> None:
    for names in (["a/b"], ["c", None, "a/b"]):  # of two files, the one that was to be written
        status, said = ended(OSError(code, os.strerror(code), *names), capsys)
        assert status == 1
        assert said.startswith(f"error: {sentence}")


def test_of_a_file_that_is_not_there_the_folder_is_named(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit):
        run(lambda: _refused(tmp_path / "new.json"))
    assert capsys.readouterr().err.startswith(f"error: {tmp_path} may not be read or written")


def _refused(path: Path) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_an_error_that_names_no_file_is_a_bug_unless_the_disk_is_full(capsys) -> None:
    with pytest.raises(OSError, match="Invalid"):
        run(_raise_invalid)
    assert ended(OSError(errno.ENOSPC, ""), capsys)[1].startswith("error: the disk is full; free")
    said = ended(OSError(errno.EIO, "Input/output error"), capsys)[1]
    assert said.startswith("error: a file can't be used: Input/output error; check the disk")


@unix
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_a_name_that_the_terminal_has_no_letters_for_is_shown_by_its_bytes(encoding: str) -> None:
    program = r"run(lambda: print(os.fsdecode(b'caf\xe9'), '\u4e2d'))"
    done = command(program, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(r"caf\udce9")


def _raise_invalid() -> None:
    raise OSError(errno.EINVAL, "Invalid argument")


@needs_full
def test_a_full_disk_names_the_file_that_was_to_be(tmp_path: Path) -> None:
    program = """
from pipeline.files import write_atomic
path = Path(sys.argv[1])
path.with_name(f".{path.name}.{os.getpid()}.part").symlink_to("/dev/full")
run(lambda: write_atomic(path, b"content"))
"""
    done = command(program, tmp_path / "x.json")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: the disk of {tmp_path / 'x.json'} is full; "
        "free some room and run this again: nothing that was done is lost\n"
    )
    assert list(tmp_path.iterdir()) == []


@needs_full
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_disk_behind_the_output(size: int) -> None:
    with FULL.open("wb") as full:
        done = command("run(lambda: print('x' * int(sys.argv[1])))", size, stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the disk is full; free some room")
    assert done.stderr.count("\n") == 1


@unix
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    program = """
from pipeline.files import write_atomic
if os.geteuid() == 0:  # who may write everywhere
    os.seteuid(65534)
run(lambda: write_atomic(Path(sys.argv[1]), b"content"))
"""
    tmp_path.chmod(0o555)
    done = command(program, tmp_path / "x.json")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {tmp_path / 'x.json'} may not be read or written by you; "
        "change its owner or its mode\n"
    )


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(OSError) as caught:
        write_atomic(tmp_path / "a" / "x", b"")
    assert caught.value.filename == str(tmp_path / "a" / "x")
    from_a_worker = pickle.loads(pickle.dumps(caught.value))
    assert str(from_a_worker) == str(caught.value)


@unix
@pytest.mark.parametrize("size", [1, 100_000])
def test_nobody_reads_the_output_any_more(size: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = command("run(lambda: print('x' * int(sys.argv[1])))", size, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_shell_whose_names_lack_letters_is_told_the_remedy(tmp_path):
    """As of old systems: Python takes their own encoding for the names of files."""
    program = "import os\nfrom pipeline.cli import run\nrun(lambda: os.mkdir(chr(196)))"
    shell = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    for utf8, code, said in (("0", 1, b"export PYTHONUTF8=1"), ("1", 0, b"")):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env={**shell, "PYTHONUTF8": utf8},
            capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode, said in done.stderr) == (code, True)
        assert b"Traceback" not in done.stderr
