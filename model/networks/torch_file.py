"""Tensors in a file that a PyTorch before 1.6 saved, read without PyTorch and nothing run by it.

Such a file is five pickles (a magic number, the protocol, facts of the machine, the tensors by
name, the keys of their storages) and then the numbers of each storage, raw. A pickle is a program,
and may call whatever it names: here it can name what such a file needs and no more.
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
"""what PyTorch wrote; those left out make objects, or room as large as the file says"""
_MOST = 50_000
"""opcodes of a pickle; 14,000 are a network of 300 tensors, a million nested tuples end Python"""
_ERRORS = (
    *(pickle.UnpicklingError, EOFError, AttributeError, LookupError, TypeError, ValueError),
    *(ArithmeticError, MemoryError, RecursionError),
)
"""what unpickling raises, of a file that is no such one"""


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
    """The tensors of a file by their names, in its order.

    ValueError where it is anything but a dictionary of tensors, whole and as PyTorch wrote them.
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
    """Of one pickle, from where the stream is. UnpicklingError for all that has no place in it."""

    def __init__(self, stream: io.BytesIO) -> None:
        start, kept = stream.tell(), 0
        for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if opcode.name not in _KNOWN or number == _MOST:
                raise pickle.UnpicklingError(f"its opcode {number} is {opcode.name}")
            if opcode.name in ("BINPUT", "LONG_BINPUT"):
                # the memo is as long as the highest number in it
                if not isinstance(argument, int) or argument > kept:
                    raise pickle.UnpicklingError(f"it keeps its {kept}th object as {argument}")
                kept += 1
        stream.seek(start)
        super().__init__(stream)

    def find_class(self, module: str, name: str) -> Any:
        """Of another name nothing is imported or looked up."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # new for each: a pickle can set attributes of what it gets
            return lambda *parts: _Tensor(*parts)
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        """What stands for the numbers of a tensor."""
        word, kind, key, _, count, view = pid
        if (word, view) != ("storage", None) or kind not in _KINDS.values():
            raise pickle.UnpicklingError(f"it has an unknown storage {word!r}")
        return _Storage(kind, key, count)


def _numbers(stream: io.BytesIO, storage: _Storage) -> NDArray[Any]:
    """Of the storage that comes next, as many as the tensors were told."""
    kind = np.dtype(storage.kind)
    count = int.from_bytes(stream.read(8), "little", signed=True)
    content = stream.read(max(count, 0) * kind.itemsize)
    if count != storage.length or len(content) != count * kind.itemsize:
        raise ValueError(f"storage {storage.key} has not {storage.length} numbers")
    return np.frombuffer(content, kind)


def _array(tensor: _Tensor, numbers: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """A tensor is a view of its storage: not always one row after another, and not always all."""
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
