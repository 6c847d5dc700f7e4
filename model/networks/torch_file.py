"""Reads the tensors of a file that a PyTorch before 1.6 saved, without PyTorch.

The file has five pickles: a magic number, the protocol, facts of the machine, the tensors by name,
and the keys of their storages. Then the raw numbers of each storage follow. A pickle is a program
that can call any function that it names. So no name is allowed but the few that such a file needs.
"""

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_KINDS = {"FloatStorage": "<f4", "LongStorage": "<i8"}
_OPCODES = """
    PROTO STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE EMPTY_TUPLE TUPLE
    TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS BINPUT LONG_BINPUT
    BINGET LONG_BINGET GLOBAL REDUCE BUILD BINPERSID
"""
_KNOWN = frozenset(_OPCODES.split())
"""the opcodes that PyTorch wrote. Others could make objects, or take as much memory as they say."""
_MOST = 50_000
"""opcodes of a pickle. 300 tensors need 14,000, and a million nested tuples would crash Python."""
_ERRORS = (
    *(pickle.UnpicklingError, EOFError, AttributeError, LookupError, TypeError, ValueError),
    *(ArithmeticError, MemoryError, RecursionError),
)
"""what unpickling raises for any other file"""


class _Storage(NamedTuple):
    kind: str
    key: str
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    hooks: object


def read(content: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a file by name, in the order of the file.

    ValueError if the file is anything but a whole dictionary of tensors that PyTorch wrote.
    """
    stream = io.BytesIO(content)
    try:
        magic, protocol, machine = (_Unpickler(stream).load() for _ in range(3))
        if (magic, protocol) != (_MAGIC, _PROTOCOL) or machine["little_endian"] is not True:
            raise ValueError("another format")
        tensors = _Unpickler(stream).load()
        if not isinstance(tensors, OrderedDict):
            raise TypeError("no dictionary of tensors")
        storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
        numbers = {key: _numbers(stream, storages[key]) for key in _Unpickler(stream).load()}
        return {name: _array(tensor, numbers) for name, tensor in tensors.items()}
    except _ERRORS as error:
        raise ValueError(f"no tensors as PyTorch before 1.6 saved them: {error}") from error


class _Unpickler(pickle.Unpickler):
    """Reads one pickle from the stream's position. UnpicklingError if it has unexpected content."""

    def __init__(self, stream: io.BytesIO) -> None:
        start, kept = stream.tell(), 0
        for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if opcode.name not in _KNOWN or number == _MOST:
                raise pickle.UnpicklingError(f"its opcode {number} is {opcode.name}")
            if opcode.name in ("BINPUT", "LONG_BINPUT"):
                # pickle makes its memo as long as the highest number, so a high one eats memory
                if not isinstance(argument, int) or argument > kept:
                    raise pickle.UnpicklingError(f"it keeps its {kept}th object as {argument}")
                kept += 1
        stream.seek(start)
        super().__init__(stream)

    def find_class(self, module: str, name: str) -> Any:
        """The object of a known name. Other names are neither imported nor looked up."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # a new function each time: a pickle can set attributes of the object that it gets
            return lambda *parts: _Tensor(*parts)
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        """The storage that a pickle names in place of a tensor's numbers."""
        word, kind, key, _, count, view = pid
        if (word, view) != ("storage", None) or kind not in _KINDS.values():
            raise pickle.UnpicklingError(f"it has an unknown storage {word!r}")
        return _Storage(kind, key, count)


def _numbers(stream: io.BytesIO, storage: _Storage) -> NDArray[Any]:
    """The numbers of the next storage. ValueError if it has more or fewer than the tensors say."""
    kind = np.dtype(storage.kind)
    count = int.from_bytes(stream.read(8), "little", signed=True)
    content = stream.read(max(count, 0) * kind.itemsize)
    if count != storage.length or len(content) != count * kind.itemsize:
        raise ValueError(f"storage {storage.key} has not {storage.length} numbers")
    return np.frombuffer(content, kind)


def _array(tensor: _Tensor, numbers: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """The tensor, which is a view of its storage. It may have other strides, and only a part."""
    its = numbers[tensor.storage.key]
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.size, tensor.stride, strict=True))
    if (
        min(tensor.offset, *tensor.stride, 0) < 0
        or min(tensor.size, default=1) < 1
        or last >= len(its)
        or math.prod(tensor.size) > len(its)
    ):
        raise ValueError(f"a tensor {tensor.size} reaches beyond its {len(its)} numbers")
    strides = [step * its.itemsize for step in tensor.stride]
    return np.lib.stride_tricks.as_strided(its[tensor.offset :], tensor.size, strides).copy()
