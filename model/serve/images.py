"""Reads the images of a request. Each one is decoded, or refused with a status and a reason."""

import asyncio
import io
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, TypeAlias, TypeVar

from fastapi import HTTPException, Request
from PIL import Image
from pydantic import BaseModel, StringConstraints, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect
from starlette.types import Message

from model.images import UnreadableImageError
from pipeline import decode as decoder
from pipeline.addresses import fetch
from pipeline.cli import UserError
from pipeline.manifest import Reason
from pipeline.system import usable_cores

_CONNECTIONS = 8
_ADDRESS_SECONDS = 15.0
_TAIL = 4096  # bytes at the end of a form, where its end must be
_THUMBNAIL = 512  # pixels of the longer side


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a request."""

    images: int = 32
    """in one request"""
    image_bytes: int = 10 * 2**20
    image_pixels: int = 50_000_000
    request_bytes: int = 64 * 2**20
    requests: int = 64
    """requests that are answered at once; further ones are told to come again"""
    stall_seconds: float = 30
    """longest time without a byte of a request. A request that goes on may take any time."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an image can't be answered; `status` is that of HTTP."""

    status: int
    reason: str


class Addresses(BaseModel):
    """Addresses of images, in JSON."""

    addresses: list[Annotated[str, StringConstraints(min_length=1, max_length=2000)]]


Source: TypeAlias = Callable[[], bytes | Refused]
Decoded = TypeVar("Decoded")


def thumbnail(content: bytes) -> bytes:
    """An image in small, as JPEG, for browsers that can't show its format.

    Raises UnreadableImageError.
    """
    try:
        image, _ = decoder.decode(content, decoder.open_header(content), _THUMBNAIL)
    except decoder.ImageError as error:
        raise UnreadableImageError(f"the image can't be read: {error}") from error
    image.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BICUBIC, reducing_gap=2)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


class Reader:
    """Reads requests. Images are fetched and decoded by threads, a few at a time."""

    def __init__(
        self, limits: Limits, *, addresses: bool = False, allow_private: Collection[str] = ()
    ) -> None:
        self._limits = limits
        self._addresses = addresses
        self._allow_private = allow_private
        self._decoding = ThreadPoolExecutor(usable_cores(), "decode")
        self._fetching = ThreadPoolExecutor(_CONNECTIONS, "fetch")

    def close(self) -> None:
        self._decoding.shutdown(cancel_futures=True)
        self._fetching.shutdown(cancel_futures=True)

    async def images(
        self, request: Request, decode: Callable[[bytes], Decoded], *, files_only: bool = False
    ) -> list[tuple[str, Decoded | Refused]]:
        """The name of each image, and what became of it. Raises HTTPException.

        `decode` makes of an image's bytes what is wanted, or raises UnreadableImageError.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        tail = bytearray()
        arriving = _moving(request, self._limits.stall_seconds, tail)
        try:
            if kind == "multipart/form-data":
                form = await arriving.form()
            elif kind == "application/json" and not files_only:
                body = await arriving.body()
            else:
                raise HTTPException(415, "send images as files in multipart/form-data")
        except TimeoutError as error:
            seconds = f"{self._limits.stall_seconds:g}"
            raise HTTPException(408, f"no more of the request came for {seconds} s") from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the request ended too early") from error
        if kind == "application/json":
            return await self._of_addresses(self._listed(body), decode)
        try:
            if not _is_whole(request, tail):
                raise HTTPException(400, "the form is cut off: its end is missing; send it again")
            files = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
            return await self._of_files(files, decode)
        finally:
            await form.close()

    async def _of_files(
        self, files: Sequence[UploadFile], decode: Callable[[bytes], Decoded]
    ) -> list[tuple[str, Decoded | Refused]]:
        self._check_count(len(files))

        def read(file: UploadFile) -> Source:
            return lambda: (
                Refused(413, f"larger than {self._limits.image_bytes:,} bytes")
                if (file.size or 0) > self._limits.image_bytes
                else file.file.read()
            )

        names = [file.filename or "" for file in files]
        decoded = await asyncio.gather(
            *(
                self._decoded(name, read(file), decode)
                for name, file in zip(names, files, strict=True)
            )
        )
        return list(zip(names, decoded, strict=True))

    async def _of_addresses(
        self, addresses: Sequence[str], decode: Callable[[bytes], Decoded]
    ) -> list[tuple[str, Decoded | Refused]]:
        loop = asyncio.get_running_loop()

        async def one(address: str) -> Decoded | Refused:
            content = await loop.run_in_executor(self._fetching, self._fetched, address)
            return await self._decoded(address, lambda: content, decode)

        return list(zip(addresses, await asyncio.gather(*map(one, addresses)), strict=True))

    def _listed(self, body: bytes) -> list[str]:
        if not self._addresses:
            raise HTTPException(403, "this server fetches no addresses; send the images as files")
        try:
            addresses = Addresses.model_validate_json(body).addresses
        except ValidationError as error:
            raise HTTPException(422, explained(error.errors())) from error
        self._check_count(len(addresses))
        return addresses

    def _check_count(self, count: int) -> None:
        if not count:
            raise HTTPException(422, "there is no image in it")
        if count > self._limits.images:
            raise HTTPException(413, f"at most {self._limits.images} images in one request")

    def _fetched(self, address: str) -> bytes | Refused:
        try:
            return fetch(
                address,
                max_bytes=self._limits.image_bytes,
                timeout=_ADDRESS_SECONDS,
                allow_private=self._allow_private,
            )
        except UserError as error:
            return Refused(422, str(error))

    async def _decoded(
        self, name: str, source: Source, decode: Callable[[bytes], Decoded]
    ) -> Decoded | Refused:
        return await asyncio.get_running_loop().run_in_executor(
            self._decoding, self._decode_one, name, source, decode
        )

    def _decode_one(
        self, name: str, source: Source, decode: Callable[[bytes], Decoded]
    ) -> Decoded | Refused:
        content = source()
        if isinstance(content, Refused):
            return content
        try:
            header = decoder.open_header(content, name)
        except decoder.ImageError as error:
            return Refused(413 if error.reason is Reason.TOO_MANY_PIXELS else 415, str(error))
        if header.width * header.height > self._limits.image_pixels:
            return Refused(413, f"more than {self._limits.image_pixels:,} pixels")
        try:
            return decode(content)
        except UnreadableImageError as error:
            return Refused(422, str(error))


def _moving(request: Request, seconds: float, tail: bytearray) -> Request:
    """The same request, but its body raises TimeoutError if no byte comes for `seconds`.

    `tail` gets the last bytes of the body.
    """

    async def receive() -> Message:
        async with asyncio.timeout(seconds):
            message = await request.receive()
        tail.extend(message.get("body", b"")[-_TAIL:])
        del tail[:-_TAIL]
        return message

    return Request(request.scope, receive)


def _is_whole(request: Request, tail: bytearray) -> bool:
    """Whether a form that ends in `tail` has its end: the parser leaves out a cut part silently."""
    _, options = parse_options_header(request.headers["content-type"])
    return not tail or b"--" + options[b"boundary"] + b"--" in tail


def explained(errors: Sequence[object]) -> str:
    """pydantic's errors in one line."""
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'it'}: {error['msg']}"
        for error in errors
        if isinstance(error, dict)
    )
