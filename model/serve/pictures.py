"""What a request brings: its pictures, each decoded or refused with a status and a reason."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
from fastapi import HTTPException, Request
from numpy.typing import NDArray
from pydantic import BaseModel, StringConstraints, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from model.images import PictureError, decode
from pipeline import decode as decoder
from pipeline.cli import UserError
from pipeline.engine import usable_cores
from pipeline.manifest import Reason
from scraper.addresses import fetch

_CONNECTIONS = 8
_ADDRESS_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may ask for."""

    pictures: int = 32
    """in one request"""
    picture_bytes: int = 10 * 2**20
    picture_pixels: int = 50_000_000
    request_bytes: int = 64 * 2**20
    requests: int = 64
    """being answered at once; who comes then is told to come again"""
    seconds: float = 30
    """to send a request"""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a picture can't be answered; `status` is that of HTTP."""

    status: int
    reason: str


class Addresses(BaseModel):
    """Where pictures are."""

    addresses: list[Annotated[str, StringConstraints(min_length=1, max_length=2000)]]


Source: TypeAlias = Callable[[], bytes | Refused]
Decoded: TypeAlias = NDArray[np.uint8] | Refused


class Reader:
    """Reads requests. Pictures are fetched and decoded by threads, a few at a time."""

    def __init__(
        self, size: int, limits: Limits, *, addresses: bool, allow_private: Collection[str]
    ) -> None:
        self._size = size
        self._limits = limits
        self._addresses = addresses
        self._allow_private = allow_private
        self._decoding = ThreadPoolExecutor(usable_cores(), "decode")
        self._fetching = ThreadPoolExecutor(_CONNECTIONS, "fetch")

    def close(self) -> None:
        self._decoding.shutdown(cancel_futures=True)
        self._fetching.shutdown(cancel_futures=True)

    async def pictures(self, request: Request) -> list[tuple[str, Decoded]]:
        """The name of each picture, and what became of it. Raises HTTPException."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            async with asyncio.timeout(self._limits.seconds):
                if kind == "multipart/form-data":
                    form = await request.form()
                elif kind == "application/json":
                    body = await request.body()
                else:
                    raise HTTPException(415, "send pictures as files in multipart/form-data")
        except TimeoutError as error:
            raise HTTPException(408, "the request took too long to arrive") from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the request ended too early") from error
        if kind == "application/json":
            return await self._of_addresses(self._listed(body))
        try:
            files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
            return await self._of_files(files)
        finally:
            await form.close()

    async def _of_files(self, files: Sequence[UploadFile]) -> list[tuple[str, Decoded]]:
        self._check_count(len(files))

        def read(file: UploadFile) -> Source:
            return lambda: (
                Refused(413, f"larger than {self._limits.picture_bytes:,} bytes")
                if (file.size or 0) > self._limits.picture_bytes
                else file.file.read()
            )

        decoded = await asyncio.gather(*(self._decoded(read(file)) for file in files))
        return [(file.filename or "", one) for file, one in zip(files, decoded, strict=True)]

    async def _of_addresses(self, addresses: Sequence[str]) -> list[tuple[str, Decoded]]:
        loop = asyncio.get_running_loop()

        async def one(address: str) -> Decoded:
            content = await loop.run_in_executor(self._fetching, self._fetched, address)
            return await self._decoded(lambda: content)

        return list(zip(addresses, await asyncio.gather(*map(one, addresses)), strict=True))

    def _listed(self, body: bytes) -> list[str]:
        if not self._addresses:
            raise HTTPException(403, "this server fetches no addresses; send the pictures as files")
        try:
            addresses = Addresses.model_validate_json(body).addresses
        except ValidationError as error:
            raise HTTPException(422, explained(error.errors())) from error
        self._check_count(len(addresses))
        return addresses

    def _check_count(self, count: int) -> None:
        if not count:
            raise HTTPException(422, "there is no picture in it")
        if count > self._limits.pictures:
            raise HTTPException(413, f"at most {self._limits.pictures} pictures in one request")

    def _fetched(self, address: str) -> bytes | Refused:
        try:
            return fetch(
                address,
                max_bytes=self._limits.picture_bytes,
                timeout=_ADDRESS_SECONDS,
                allow_private=self._allow_private,
            )
        except UserError as error:
            return Refused(422, str(error))

    async def _decoded(self, source: Source) -> Decoded:
        return await asyncio.get_running_loop().run_in_executor(
            self._decoding, self._decode, source
        )

    def _decode(self, source: Source) -> Decoded:
        content = source()
        if isinstance(content, Refused):
            return content
        try:
            header = decoder.open_header(content)
        except decoder.PictureError as error:
            return Refused(413 if error.reason is Reason.TOO_MANY_PIXELS else 415, str(error))
        if header.width * header.height > self._limits.picture_pixels:
            return Refused(413, f"more than {self._limits.picture_pixels:,} pixels")
        try:
            return decode(content, self._size)
        except PictureError as error:
            return Refused(422, str(error))


def explained(errors: Sequence[object]) -> str:
    """pydantic's errors in one line."""
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'it'}: {error['msg']}"
        for error in errors
        if isinstance(error, dict)
    )
