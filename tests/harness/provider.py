"""A real OpenID Connect provider on loopback: npm's `oidc-provider`, certified by the OpenID Foundation."""

import contextlib
import json
import subprocess
from collections.abc import Iterator

from harness.tools import node, node_modules

CLIENT_ID = "assent"
CLIENT_SECRET = "the secret of assent: 50% & more"


@contextlib.contextmanager
def running_provider(port: int, redirect_uri: str) -> Iterator[str]:
    """The issuer that listens on `port`, for one client, which comes back to `redirect_uri`."""
    script = node_modules().parent / "oidc_provider.mjs"
    pipe = subprocess.PIPE
    provider = subprocess.Popen([node(), script], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    assert provider.stdin is not None
    assert provider.stdout is not None
    options = {"port": port, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "redirectUri": redirect_uri}
    try:
        provider.stdin.write(json.dumps(options) + "\n")
        provider.stdin.flush()
        assert provider.stdout.readline().strip() == "listening", "the provider starts"
        yield f"http://127.0.0.1:{port}"
    finally:
        provider.terminate()
        provider.wait(20)
        provider.stdin.close()
        provider.stdout.close()
