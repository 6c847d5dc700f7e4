"""A small page in its own process. It is served like the real pages, and asked over HTTP."""

import http.client
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOKEN = "a secret of some length"
PAGE = """
import argparse
import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipeline.cli import run
from pipeline.serving import add_address_arguments, serve


async def hello(request: Request) -> PlainTextResponse:
    if request.url.path.endswith("/slow"):
        print("slow", flush=True)
        while not Path(request.query_params["until"]).exists():
            await asyncio.sleep(0.01)
    return PlainTextResponse(f"hello {len(await request.body())}")


def main() -> None:
    parser = argparse.ArgumentParser()
    add_address_arguments(parser, 0)
    arguments = parser.parse_args()
    paths = ("/", "/healthz", "/readyz", "/slow")
    routes = [Route(path, hello, methods=["GET", "POST"]) for path in paths]
    app = Starlette(routes=routes)
    serve(app, "page", arguments, max_body=100)


run(main)
"""


def start(arguments: tuple[str, ...], token: str = "") -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PRODUCT_CLASSIFICATION_TOKEN": token}
    command = [sys.executable, "-c", PAGE, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def ask(
    address: str, method: str = "GET", path: str = "/", body: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(address.replace("0.0.0.0", "127.0.0.1"), timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    text = response.read().decode()
    connection.close()
    return response.status, found, text
