import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.tables import Table
from pipeline.cli import UserError

COLUMNS = ("file", "label", "error")
NAMES = ["a.jpg", "with, comma.jpg", 'a "quoted".jpg', "line\nbreak.jpg", "a\u2028b.jpg", "é.jpg"]


def written(path: Path, names: list[str], *, as_json: bool, keep: bool = True) -> None:
    with Table(path, COLUMNS, keep=keep, as_json=as_json) as table:
        for name in names:
            table.write({"file": name, "label": "mug"})


def names_in(path: Path, *, as_json: bool) -> list[str]:
    text = path.read_text(encoding="utf-8")
    if as_json:
        return [json.loads(line)["file"] for line in text.split("\n")[:-1]]
    with path.open(encoding="utf-8", newline="") as file:
        return [row["file"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("as_json", [False, True])
def test_rows_are_kept_and_added(tmp_path: Path, as_json: bool) -> None:
    path = tmp_path / "new" / "answers"
    written(path, NAMES[:4], as_json=as_json)
    written(path, NAMES[3:], as_json=as_json)
    assert names_in(path, as_json=as_json) == NAMES
    written(path, NAMES[:1], as_json=as_json, keep=False)
    assert names_in(path, as_json=as_json) == NAMES[:1]


@pytest.mark.parametrize("as_json", [False, True])
@given(st.data())
def test_a_table_of_a_run_that_was_killed_loses_at_most_the_torn_row(
    tmp_path_factory: pytest.TempPathFactory, as_json: bool, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("killed") / "answers"
    names = [f"{n}, {n}.jpg" for n in range(5)]
    written(path, names, as_json=as_json)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.rename(part := path.with_name("answers.part"))
    part.write_bytes(content[:cut])
    whole = max(0, content[:cut].count(b"\n") - (0 if as_json else 1))
    with Table(path, COLUMNS, keep=True, as_json=as_json) as table:
        assert list(table.rows) == names[:whole]
        for name in names[whole:]:
            table.write({"file": name, "label": "mug"})
    assert path.read_bytes() == content
    assert not part.exists()


def test_another_table_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("name,price\nmug,3\n")
    with pytest.raises(UserError, match=r"prices.csv is no table of this command"):
        Table(path, COLUMNS, keep=True)
    path.write_text('{"file": "a.jpg"}\n[1, 2]\n')
    with pytest.raises(UserError, match=r"prices.csv, line 2 is no answer"):
        Table(path, COLUMNS, keep=True, as_json=True)
    with pytest.raises(UserError, match="is a folder; name a file"):
        Table(tmp_path, COLUMNS)
    assert [one.name for one in tmp_path.iterdir()] == ["prices.csv"]
