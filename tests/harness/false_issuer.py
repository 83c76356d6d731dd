"""An OpenID Connect issuer that says whatever a test wants it to say, true or false."""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from harness.provider import CLIENT_ID, CLIENT_SECRET


class FalseIssuer:
    """Answers as an issuer does. `claims` go into the ID token over those that are right (None takes one out);
    `sign_with` is `ours`, `another` (a key that it does not publish), `secret` (the client's secret, HS256) or `none`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.nonce = ""
        self.claims: dict[str, Any] = {}
        self.sign_with = "ours"
        self.userinfo: dict[str, Any] | None = None
        self.discovery: dict[str, Any] = {}
        self.status = 200
        self.asked: list[str] = []
        self._keys = {name: RSAKey.generate_key(2048, {"kid": "one"}, private=True) for name in ("ours", "another")}

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if path == "/.well-known/openid-configuration":
            return self.status, self._discovery()
        if path == "/keys":
            return 200, {"keys": [self._keys["ours"].as_dict(private=False)]}
        if path == "/token":
            return 200, {"access_token": "an access token", "token_type": "Bearer", "id_token": self._id_token()}
        if path == "/userinfo" and self.userinfo is not None:
            return 200, self.userinfo
        return 404, {}

    def _discovery(self) -> dict[str, Any]:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        if self.userinfo is not None:
            found["userinfo_endpoint"] = f"{self.url}/userinfo"
        return {**found, **self.discovery}

    def _id_token(self) -> str:
        now = int(time.time())
        right = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "u-1",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "email": "olivia@example.com",
            "email_verified": True,
        }
        claims = {name: value for name, value in {**right, **self.claims}.items() if value is not None}
        if self.sign_with == "none":
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        if self.sign_with == "secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), algorithms=["HS256"])
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._keys[self.sign_with])


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@contextlib.contextmanager
def false_issuer() -> Iterator[FalseIssuer]:
    """On loopback, until the end of the block."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    issuer = FalseIssuer(f"http://127.0.0.1:{http.server_port}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer("POST")

        def _answer(self, method: str) -> None:
            status, content = issuer.answer(method, self.path)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    http.RequestHandlerClass = Handler
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
