"""A proxy that serves a page below a prefix. It removes the prefix from requests, as nginx does."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def proxied(page: str, prefix: str) -> Iterator[str]:
    """Start the proxy for a `with` block. It gives the address of `page` behind the proxy.

    The proxy answers 404 for other paths.
    """

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def _pass_on(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            connection = http.client.HTTPConnection(urlsplit(page).netloc, timeout=60)
            path = self.path.removeprefix(prefix)
            connection.request(self.command, path, body or None, dict(self.headers))
            response = connection.getresponse()
            content = response.read()
            connection.close()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_HEAD = _pass_on  # noqa: N815 - as http.server calls them

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # a browser opens many connections at once

    with Server(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}{prefix}/"
        httpd.shutdown()
