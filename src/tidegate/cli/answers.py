"""Waiting until a server of ours answers, and the line that says where it is."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from tidegate.config import config
from tidegate.errors import ConfigurationError


def announce(arguments: Sequence[str]) -> int:
    """The last step of `tidegate up`: say where the pages are, once they answer."""
    wait_for(f"{local_address()}/readyz", seconds=120)
    print(f"Tidegate is ready: {config.public_url}")
    print("Ctrl-C ends it.")
    return 0


def local_address() -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.web_bind, config.web_bind)  # noqa: S104
    return f"http://{host}:{config.web_port}"


def wait_for(url: str, *, seconds: float) -> None:
    """Return when this address answers with 2xx. Raises ConfigurationError, quoting the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            call(url)
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"{url} did not become ready within {seconds:g} s: {error}"
                ) from error
        time.sleep(0.2)


def call(url: str, body: dict[str, Any] | None = None, *, timeout: float = 60) -> Any:
    """The JSON this local address answers; OSError where it answers with a fault or not at all."""
    request = urllib.request.Request(  # noqa: S310 - our own addresses
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
        return json.loads(response.read() or b"null")
