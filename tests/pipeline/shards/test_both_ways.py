"""Packing and unpacking where something ends them, and in a bucket."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bucket import KEYS, NAME, bucket
from packing import SMALL, contents, digests, source, write

from pipeline.cli import UserError
from pipeline.shards.__main__ import main
from pipeline.shards.pack import pack
from pipeline.shards.store import INDEX, Store
from pipeline.shards.unpack import unpack

ROOT = Path(__file__).parents[3]


KILLED = """
import os, signal, sys
left = [int(sys.argv.pop(1))]
def look(event, arguments):
    if event == "os.rename" and (left.append(left.pop() - 1) or left[0] < 0):
        os.kill(os.getpid(), signal.SIGKILL)
from pathlib import Path
from pipeline.shards import pack
pack.pack.__kwdefaults__["most"] = 40960
from pipeline.shards.__main__ import main
sys.addaudithook(look)
sys.exit(main(sys.argv[1:]))
"""


def killed(number: int, *arguments: str) -> None:
    """Run the command, and end it by SIGKILL before it puts file `number` to its place."""
    command = [sys.executable, "-c", KILLED, str(number), *arguments]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_run_can_be_run_again(raw: Path) -> None:
    write(raw / "shop", source(60))
    pack(raw, Store("expected"), most=SMALL)
    for number in (0, 3, len(digests(Path("expected")))):  # the last one is the index
        killed(number, "pack")
        assert not Path("data/shards", INDEX).exists()
    pack(raw, Store("data/shards"), most=SMALL)
    assert contents(Path("data/shards")) == contents(Path("expected"))
    for number in (0, 10, 20):
        killed(number, "unpack", "--raw", "again")
        there = {name for name, content in contents(Path("again")).items() if content is not None}
        assert all(
            name.endswith(".part") or contents(Path("again"))[name] == contents(raw)[name]
            for name in there
        )
    assert unpack(Store("data/shards"), Path("again")).new == 61 - 30
    found = contents(Path("again"))
    assert {name: found[name] for name in found if not name.endswith(".part")} == contents(raw)


def test_shards_in_a_bucket(raw: Path, monkeypatch) -> None:
    pytest.importorskip("s3fs", reason="needs dvc-s3")
    pytest.importorskip("moto.server", reason="needs moto")
    write(raw / "shop", source(60))
    write(raw / "my shop", {os.fsdecode(b"mug/caf\xe9.jpg"): b"1"})
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    there = f"s3://{NAME}/a/shards"
    with bucket() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        assert main(["pack", there]) == 0
        before = Store(there).index()
        write(raw / "shop", source(63, first=60))
        assert main(["pack", there]) == 0
        assert Store(there).index().keys() == before.keys()
        assert main(["unpack", there, "--raw", "again"]) == 0
        assert contents(Path("again")) == contents(raw)
        with pytest.raises(UserError, match="has no shards"):
            main(["unpack", f"s3://{NAME}/none"])
        with pytest.raises(UserError, match="can't be reached"):
            main(["pack", "s3://no-such-bucket/none"])
    with pytest.raises(UserError, match="can't be reached"):
        main(["unpack", there])
