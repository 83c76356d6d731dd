"""A web site on a port of its own: the pages of these tests, and the libraries of `node_modules` that they use."""

import contextlib
import functools
import mimetypes
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from harness.tools import node

_BROWSER_TESTS: Final = Path(__file__).parent.parent / "browser"
_PAGES: Final = _BROWSER_TESTS / "pages"


def snippet(host: str, *, later: bool = False) -> str:
    """The published snippet for `host`; with `later`, one that leaves `load` to the consent wrapper."""
    command = [node(), str(_BROWSER_TESTS / "render_snippet.cjs"), host, "web-key", *(["later"] if later else [])]
    script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return script.replace("https://", "http://")  # these tests have no certificate


@contextlib.contextmanager
def running_site(node_modules: Path) -> Iterator["Site"]:
    """The site, on loopback, until the end of the block."""
    with Site(("127.0.0.1", 0), functools.partial(_Handler, node_modules)) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


class Site(ThreadingHTTPServer):
    """The site's server; `pages` are texts that it serves beside its files, by path."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.pages: dict[str, str] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(SimpleHTTPRequestHandler):
    """Answers one request. A library's modules name each other without extension, as bundlers and Node allow."""

    server: Site
    protocol_version = "HTTP/1.1"

    def __init__(self, node_modules: Path, *arguments: Any) -> None:
        self._node_modules = node_modules
        super().__init__(*arguments)

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        missing = self._what_is_missing_of_its_name()
        if page is not None:
            kind = mimetypes.guess_type(self.path.partition("?")[0])[0] or "text/html"
            self._answer(200, page.encode(), {"Content-Type": f"{kind}; charset=utf-8"})
        elif missing:
            self._answer(302, b"", {"Location": f"{self.path}{missing}"})
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0].lstrip("/")
        if name.startswith("node_modules/"):
            return str(self._node_modules / name.removeprefix("node_modules/"))
        return str(_PAGES / name)

    def _what_is_missing_of_its_name(self) -> str | None:
        path = self.translate_path(self.path)
        return next((end for end in ("", ".js", "/index.js") if Path(f"{path}{end}").is_file()), None)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing: failures show in the browser."""
