"""Files of an old PyTorch: what is in them, and that nothing in them is run."""

import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from model.networks import torch_file

MAGIC = 0x1950A86A20F9469CFC6C
FLOATS, LONGS = b"ctorch\nFloatStorage\n", b"ctorch\nLongStorage\n"
DICTIONARY = b"ccollections\nOrderedDict\n)R"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def opcodes(value: object) -> bytes:
    """Of a pickle that leaves the value on the stack; bytes are opcodes already."""
    match value:
        case bytes():
            return value
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"J" + struct.pack("<i", value)
        case str():
            return b"X" + struct.pack("<I", len(value)) + value.encode()
        case tuple():
            return b"(" + b"".join(map(opcodes, value)) + b"t"
        case dict():
            items = (opcodes(part) for item in value.items() for part in item)
            return b"}(" + b"".join(items) + b"u"
    raise TypeError(value)


def a_pickle(value: object) -> bytes:
    return b"\x80\x02" + opcodes(value) + b"."


def storage(key: str | bytes, count: int, kind: bytes = FLOATS) -> bytes:
    return opcodes(("storage", kind, key, "cpu", count, None)) + b"Q"


def tensor(its: bytes, offset: int, size: tuple, stride: tuple) -> bytes:
    return REBUILD + opcodes((its, offset, size, stride, False, DICTIONARY)) + b"R"


def ordered(tensors: dict[str, bytes]) -> bytes:
    items = b"".join(opcodes(name) + value for name, value in tensors.items())
    # as PyTorch: what an OrderedDict has beside its items is set by BUILD
    return DICTIONARY + b"(" + items + b"u" + opcodes({"_metadata": DICTIONARY}) + b"b"


def a_file(tree: bytes, numbers: dict[str, np.ndarray], machine: dict | None = None) -> bytes:
    machine = machine or {"protocol_version": 1001, "little_endian": True}
    head = [pickle.dumps(MAGIC, 2), a_pickle(1001), a_pickle(machine), a_pickle(tree)]
    raw = [struct.pack("<q", len(a)) + a.tobytes() for a in numbers.values()]
    return b"".join([*head, pickle.dumps(list(numbers), 2), *raw])


TEN = np.arange(10, dtype=np.float32)


def test_offsets_and_strides_are_honoured() -> None:
    tree = ordered(
        {
            "rows": tensor(storage("1", 10), 0, (2, 5), (5, 1)),
            "columns": tensor(storage("1", 10), 0, (5, 2), (1, 5)),
            "second.half": tensor(storage("1", 10), 5, (5,), (1,)),
            "count": tensor(storage("2", 1, LONGS), 0, (), ()),
        }
    )
    read = torch_file.read(a_file(tree, {"1": TEN, "2": np.array([7])}))
    assert list(read) == ["rows", "columns", "second.half", "count"]
    np.testing.assert_array_equal(read["rows"], TEN.reshape(2, 5))
    np.testing.assert_array_equal(read["columns"], TEN.reshape(2, 5).T)
    np.testing.assert_array_equal(read["second.half"], TEN[5:])
    assert read["count"] == 7
    assert read["count"].dtype == np.int64


class Call:
    """Runs a shell's command when it is unpickled by anybody else."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple:
        return os.system, (self.command,)


def instructions(protocol: int, command: str) -> bytes:
    return pickle.dumps(Call(command), protocol)[2 if protocol < 4 else 11 : -1]


HOSTILE = {
    "os.system": lambda command: instructions(2, command),
    "os.system in a newer protocol": lambda command: instructions(4, command),
    "builtins.eval": lambda command: (
        b"cbuiltins\neval\n" + opcodes((f"__import__('os').system({command!r})",)) + b"R"
    ),
    "getattr, name by name": lambda command: (
        b"cbuiltins\ngetattr\n(cos\n__dict__\n"
        + opcodes("system")
        + b"tR"
        + opcodes((command,))
        + b"R"
    ),
    "a name put together on the stack": lambda command: (
        opcodes("os") + opcodes("system") + b"\x93" + opcodes((command,)) + b"R"
    ),
    "a dotted name of a known module": lambda command: (
        opcodes("torch._utils")
        + opcodes("_rebuild_tensor_v2.__globals__")
        + b"\x93"
        + opcodes((command,))
        + b"R"
    ),
    "an old class": lambda command: b"(" + opcodes(command) + b"ios\nsystem\n",
    "a class on the stack": lambda command: b"(cos\nsystem\n" + opcodes(command) + b"o",
    "a new object": lambda command: b"cos\nsystem\n" + opcodes((command,)) + b"\x81",
    "an extension": lambda command: b"\x82\x01" + opcodes((command,)) + b"R",
    "a global of torch": lambda command: b"ctorch\nload\n" + opcodes((command,)) + b"R",
    "an attribute of what is known": lambda command: (
        REBUILD + b"N" + opcodes({"__code__": "x"}) + b"\x86b" + opcodes((command,)) + b"R"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["magic", "machine", "tree", "tensor", "storage"])
def test_nothing_is_run(name: str, place: str, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    hostile = HOSTILE[name](f"touch {ran}")
    if place == "magic":
        content = a_pickle(hostile)
    elif place == "machine":
        content = pickle.dumps(MAGIC, 2) + a_pickle(1001) + a_pickle(hostile)
    else:
        its = storage(hostile, 10) if place == "storage" else storage("1", 10)
        whole = hostile if place == "tensor" else tensor(its, 0, (10,), (1,))
        content = a_file(hostile if place == "tree" else ordered({"a": whole}), {"1": TEN})
    with pytest.raises(ValueError, match="no tensors as PyTorch"):
        torch_file.read(content)
    assert not ran.exists()


def test_the_commands_of_these_tests_would_run(tmp_path: Path) -> None:
    for number, name in enumerate(
        ("os.system", "builtins.eval", "a name put together on the stack")
    ):
        ran = tmp_path / str(number)
        pickle.loads(b"\x80\x04" + HOSTILE[name](f"touch {ran}") + b".")
        assert ran.exists()


HUGE = 2**31 - 1


@pytest.mark.parametrize(
    "tree",
    [
        tensor(storage("1", 10), 0, (HUGE, HUGE), (1, 1)),
        tensor(storage("1", 10), 0, (HUGE, HUGE), (0, 0)),
        tensor(storage("1", 10), 0, (11,), (1,)),
        tensor(storage("1", 10), 1, (10,), (1,)),
        tensor(storage("1", 10), 0, (5,), (3,)),
        tensor(storage("1", 10), -1, (5,), (1,)),
        tensor(storage("1", 10), 9, (5,), (-1,)),
        tensor(storage("1", 10), 0, (-5,), (1,)),
        tensor(storage("1", 10), 0, (0,), (1,)),
        tensor(storage("1", 10), 0, (5, 2), (1,)),
        tensor(storage("1", 10), 0, ("5",), (1,)),
        tensor(storage("1", 10), 0, (2,) * 70, (0,) * 70),
        tensor(storage("1", HUGE), 0, (5,), (1,)),
        tensor(storage("1", -1), 0, (5,), (1,)),
        tensor(storage("2", 10), 0, (5,), (1,)),
        tensor(storage("1", 10, opcodes("O")), 0, (5,), (1,)),
        tensor(opcodes("1"), 0, (5,), (1,)),
        b"X\xff\xff\xff\x7fshort",  # a text of 2 GB
        b"\x8d" + struct.pack("<Q", 2**40) + b"short",  # one of 1 TB
        b"\x96" + struct.pack("<Q", 2**40) + b"short",  # room for 1 TB
        b"\x8b\xff\xff\xff\x7f1",  # a number of 2 GB
        b"\x95" + struct.pack("<Q", 2**40),  # a frame
        b"Nr\xff\xff\xff\xff",  # kept as the 4,294,967,295th object
        b"Nq\x01",
        b"p4294967295\n",
        b"j\xff\xff\xff\xff",  # an object that was not kept
        b"h\x00",
        DICTIONARY + b")" + b"\x85" * 1_000_000 + b"Ns",  # a key that is nested deeply
    ],
)
def test_sizes_that_are_not_there_are_refused(tree: bytes) -> None:
    with pytest.raises(ValueError, match="no tensors as PyTorch"):
        torch_file.read(a_file(ordered({"a": tree}), {"1": TEN}))


def test_a_storage_that_says_it_is_huge_is_refused() -> None:
    content = a_file(ordered({"a": tensor(storage("1", 10), 0, (5,), (1,))}), {"1": TEN})
    for count in (2**62, 2**40, -1, 9, 11):
        told = content[: -8 - TEN.nbytes] + struct.pack("<q", count) + TEN.tobytes()
        with pytest.raises(ValueError, match="no tensors as PyTorch"):
            torch_file.read(told)


def test_a_file_that_ends_anywhere_is_refused() -> None:
    content = a_file(ordered({"a": tensor(storage("1", 10), 0, (10,), (1,))}), {"1": TEN})
    assert list(torch_file.read(content)) == ["a"]
    for end in range(len(content)):
        with pytest.raises(ValueError, match="no tensors as PyTorch"):
            torch_file.read(content[:end])


def test_other_formats_are_refused() -> None:
    tree = ordered({"a": tensor(storage("1", 10), 0, (10,), (1,))})
    archive = io.BytesIO()
    np.savez(archive, TEN)
    for content in (
        archive.getvalue(),  # as newer ones are: a zip
        a_file(tree, {"1": TEN}, {"little_endian": False}),
        a_file(opcodes({"a": 1}), {"1": TEN}),
        a_file(ordered({"a": opcodes("no tensor")}), {"1": TEN}),
        a_file(ordered({}), {"1": TEN}),
    ):
        with pytest.raises(ValueError, match="no tensors as PyTorch"):
            torch_file.read(content)


def test_what_a_file_does_to_its_names_does_not_last() -> None:
    """BUILD sets attributes: of this file's objects, not of the next one's."""
    built = REBUILD + opcodes({"__defaults__": "x", "kept": "x"}) + b"b0"
    tree = ordered({"a": tensor(storage("1", 10), 0, (10,), (1,))})
    with pytest.raises(ValueError, match="no tensors as PyTorch"):
        torch_file.read(a_file(built, {"1": TEN}))
    assert list(torch_file.read(a_file(tree, {"1": TEN}))) == ["a"]
