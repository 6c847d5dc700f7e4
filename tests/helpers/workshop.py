"""A folder with a params.yaml, where the project's commands are run."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


class Workshop:
    """A folder with a params.yaml, where the project's commands are run."""

    repository = ROOT

    def __init__(self, root: Path, forks: subprocess.Popen | None = None) -> None:
        self.root = root
        self._forks = forks
        (root / "scrapy.cfg").write_bytes((ROOT / "scrapy.cfg").read_bytes())

    def sources(self, **sources: dict) -> None:
        yaml = YAML()
        params = yaml.load(ROOT / "params.yaml")
        params["sources"] = sources
        yaml.dump(params, self.root / "params.yaml")

    def shop(self, web, *classes: str, **more: object) -> None:
        """Write a params.yaml with one source, `shop`. Its classes have the categories' names."""
        source = {
            "kind": "spider",
            "spider": "shop",
            "url": f"{web.url}/",
            "classes": {label: f"/{label}/" for label in classes},
            "allow_private": [web.host],
        }
        self.sources(shop=source | more)

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        return self._said(done.stdout, done.returncode, code)

    def _said(self, out: str, returned: int, code: int) -> str:
        assert returned == code, out
        assert "Traceback" not in out
        return out

    def collect(self, *arguments: str, code: int = 0) -> str:
        if self._forks is None:
            return self.run("-m", "scraper.collect", *arguments, code=code)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out.txt")
            asked = {
                "arguments": arguments,
                "folder": str(self.root),
                "environment": {**os.environ, "PYTHONPATH": str(ROOT)},
                "out": str(out),
            }
            self._forks.stdin.write(json.dumps(asked) + "\n")
            self._forks.stdin.flush()
            self._forks.stdout.readline()  # the id of the process
            returned = int(self._forks.stdout.readline())
            return self._said(out.read_text(), returned, code)

    def crawl(
        self,
        *options: str,
        source: str,
        label: str,
        url: str,
        code: int = 0,
        spider: str = "shop",
    ) -> str:
        given = (f"source={source}", f"label={label}", f"url={url}")
        return self.run(
            "-m", "scrapy", "crawl", spider, *options,
            *(part for pair in given for part in ("-a", pair)), code=code,
        )  # fmt: skip

    def rows(self, source: str = "shop", *, all_of_them: bool = False) -> dict | list:
        """The last row of each image, by its label and the last part of its address.

        With `all_of_them`, all rows as a list.
        """
        lines = (self.root / "data/raw" / source / "manifest.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        if all_of_them:
            return rows
        return {(row["label"], row["image_url"].rpartition("/")[2]): row for row in rows}

    def statuses(self, source: str = "shop") -> dict[str, str]:
        return {name: row["status"] for (_, name), row in self.rows(source).items()}

    def counts(self, source: str = "shop") -> dict:
        return json.loads((self.root / "results/collect" / f"{source}.json").read_text())

    def files(self, source: str = "shop") -> set[str]:
        folder = self.root / "data/raw" / source
        return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
